"""A search that is killed at any statement it sends to its database ends as one that was not."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from harness.errors import TrainingError
from harness.search.trials import FoldScore, SearchOutcome
from tests.search.blocking import search_arm
from tests.search.test_arm_search import accuracy, fold_score, study_of

# Two values, so that a death between them leaves one; trial 2 cannot be trained; trials are pruned.
SPACES = {
    "tpe": None,
    "tpe x 3": None,
    "random": None,
    "grid": '{"train.lr": {"choices": [0.01, 0.02, 0.03]}, "train.batch_size": {"choices": [16, 32]}}',
}
TRIALS = 5
EVERY = int(os.environ.get("HARNESS_SOAK_EVERY", "101"))
"""Of the statements, each how many-th is died at; 1 takes minutes."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def search(sampler: str, file: Path) -> SearchOutcome:
    name, _, parallel = sampler.partition(" x ")
    spec = study_of(TRIALS, name, "median", SPACES[sampler], parallel=int(parallel or 1))

    def evaluate(index: int, values: dict[str, Any], floors: Mapping[int, tuple[float, ...]]) -> dict[int, FoldScore]:
        if index == 2:
            raise TrainingError("the loss is not finite in epoch 2")
        return {fold: fold_score(accuracy(values, fold), floor) for fold, floor in floors.items()}

    return search_arm(spec, spec.arms[0], "a/x", f"sqlite:///{file}", evaluate)


def statements(sampler: str, file: Path, die_at: int | None) -> int:
    """Search in a process of its own, which is killed before statement ``die_at``; return how many it came to."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        count = 0

        def counted(*_: object) -> None:
            nonlocal count
            count += 1
            os.write(write, b".")
            if count == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            for moment in ("before_cursor_execute", "commit"):
                event.listen(Engine, moment, counted)
            search(sampler, file)
        finally:
            os._exit(0)
    os.close(write)
    seen = 0
    while chunk := os.read(read, 1 << 16):
        seen += len(chunk)
    os.close(read)
    os.waitpid(child, 0)
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SPACES)
def test_a_search_killed_at_any_statement_ends_like_an_undisturbed_one(sampler: str, tmp_path: Path) -> None:
    whole = search(sampler, tmp_path / "whole.db")
    assert [trial.state for trial in whole.trials].count("failed") == 1
    last = statements(sampler, tmp_path / "count.db", None)
    assert last > 100
    for die_at in range(1 + hash_of(sampler) % EVERY, last, EVERY):
        file = tmp_path / f"{die_at}.db"
        assert statements(sampler, file, die_at) == die_at
        # The second death falls upon the recovery from the first.
        statements(sampler, file, 20 + die_at % 40)
        assert search(sampler, file) == whole, f"killed at statement {die_at}"
        trials = optuna.load_study(study_name="a/x", storage=f"sqlite:///{file}").get_trials()
        assert not [trial for trial in trials if trial.state.name in ("RUNNING", "WAITING")]
        indices = [trial.user_attrs["index"] for trial in trials if counts(trial)]
        assert sorted(indices) == list(range(TRIALS)), f"killed at statement {die_at}"


def counts(trial: optuna.trial.FrozenTrial) -> bool:
    return trial.state.name == "COMPLETE" or "error" in trial.user_attrs


def hash_of(text: str) -> int:
    return sum(text.encode())
