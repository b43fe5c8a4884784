"""The disk of Optuna's database fills up within a search: one sentence that says what to do; then the search goes on as
if nothing had happened."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from harness.errors import TrackingError
from harness.search.trials import FoldScore, SearchOutcome
from tests.search.blocking import search_arm
from tests.search.test_arm_search import accuracy, fold_score, study_of
from tests.tracking.conftest import small_disk

__all__ = ["small_disk"]

TRIALS = 4


def search(file: Path, before: Callable[[int], object] = lambda _: None) -> SearchOutcome:
    spec = study_of(TRIALS, "tpe", "median")

    def evaluate(index: int, values: dict[str, Any], floors: Mapping[int, tuple[float, ...]]) -> dict[int, FoldScore]:
        before(index)
        return {fold: fold_score(accuracy(values, fold), floor) for fold, floor in floors.items()}

    return search_arm(spec, spec.arms[0], "a/x", f"sqlite:///{file}", evaluate)


def fill_up(filler: Path) -> None:
    """Write until the disk is full."""
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_a_full_disk_is_one_sentence_and_the_search_goes_on_when_there_is_room(
    small_disk: Path,
    tmp_path: Path,
) -> None:
    filler = small_disk / "filler"

    def fill(index: int) -> None:
        if index == 2:
            fill_up(filler)

    with pytest.raises(
        TrackingError, match=r"cannot record the search of arm .*free some space there.*run the same command to resume"
    ) as said:
        search(small_disk / "optuna.db", fill)
    assert "\n" not in str(said.value)
    filler.unlink()
    assert search(small_disk / "optuna.db") == search(tmp_path / "undisturbed.db")


def test_a_disk_that_is_full_from_the_start_is_one_sentence(small_disk: Path) -> None:
    fill_up(small_disk / "filler")
    with pytest.raises(TrackingError, match=r"cannot open Optuna's storage: .*free some space there"):
        search(small_disk / "optuna.db")
    (small_disk / "filler").unlink()
    assert len(search(small_disk / "optuna.db").trials) == TRIALS


def test_a_folder_in_which_a_file_is_in_the_way_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrackingError, match=r"cannot open Optuna's storage"):
        search(tmp_path / "file" / "optuna.db")


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX file size limits")
def test_a_limit_on_the_size_of_files_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "optuna.db"
    child = os.fork()
    if child == 0:
        code = 1

        def limit(index: int) -> None:
            if index == 1:
                # Nothing can grow any more; the signal that comes with it is ignored by Python.
                resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

        try:
            search(file, limit)
        except TrackingError as error:
            code = 0 if "free some space there" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert search(file) == search(tmp_path / "undisturbed.db")
