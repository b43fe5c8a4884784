"""The clock is set while a search runs: the trials, their order and the choice are those of any other search."""

from __future__ import annotations

import datetime as real
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest

from harness.search.trials import FoldScore, SearchOutcome
from tests.search.blocking import search_arm
from tests.search.test_arm_search import accuracy, fold_score, study_of

DAY = 24 * 3600


class Clock:
    """The time of day, wrong by ``seconds``, for those who ask ``time`` and those who ask ``datetime``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0
        now, clock = time.time, self

        class Wrong(real.datetime):
            @classmethod
            def now(cls, tz: real.tzinfo | None = None) -> Wrong:
                return cls.fromtimestamp(now() + clock.seconds, tz)

        monkeypatch.setattr(time, "time", lambda: now() + self.seconds)
        monkeypatch.setattr("optuna.storages._rdb.storage.datetime", Wrong)


def search(file: Path, clock: Clock | None, jump: int, stop_at: int | None = None) -> SearchOutcome:
    spec = study_of(4, "tpe", "median")

    def evaluate(index: int, values: dict[str, Any], floors: Mapping[int, tuple[float, ...]]) -> dict[int, FoldScore]:
        if clock is not None and index == 1:
            clock.seconds += jump
        if index == stop_at:
            raise KeyboardInterrupt
        return {fold: fold_score(accuracy(values, fold), floor) for fold, floor in floors.items()}

    return search_arm(spec, spec.arms[0], "a/x", f"sqlite:///{file}", evaluate)


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_search_does_not_ask_what_time_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: int) -> None:
    expected = search(tmp_path / "undisturbed.db", None, 0)
    clock, file = Clock(monkeypatch), tmp_path / "optuna.db"
    assert search(file, clock, jump) == expected
    stored = optuna.load_study(study_name="a/x", storage=f"sqlite:///{file}").trials
    [before, during, *_] = stored
    # The clock was heard of where the times are written down.
    assert before.datetime_start is not None
    assert during.datetime_complete is not None
    assert (during.datetime_complete < before.datetime_start) == (jump < 0)


@pytest.mark.slow
def test_a_search_that_was_stopped_goes_on_after_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = search(tmp_path / "undisturbed.db", None, 0)
    clock, file = Clock(monkeypatch), tmp_path / "optuna.db"
    with pytest.raises(KeyboardInterrupt):
        search(file, clock, -DAY, stop_at=2)
    clock.seconds = -2 * DAY
    assert search(file, None, 0) == expected
