"""A fold's result does not depend on which other folds, seeds or arms ran, on their order, or on an interruption.

That it does not depend on the number of workers, or on trainings before it in the process, is shown in
tests/executors/test_local.py, tests/running/test_path.py and tests/training/test_loop.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.executors.events import Epoch, Event, Finished, Take
from harness.executors.local import InProcessExecutor, ProcessExecutor
from harness.executors.queue import run_all
from harness.tracking.study_reader import load_fold, load_weights
from harness.training.task import FoldTask
from tests.replay.conftest import Recorded, run, spec_of
from tests.toys import N_CLASSES, settings_of, task_of, write_segments

LABELS = np.arange(24, dtype=np.int64) % N_CLASSES
ARMS = [
    {"name": "A", "model": "su4", "features": "LM"},
    {"name": "B", "model": "su4", "features": "MFCC"},
]
WHOLE: dict[str, Any] = {"arms": ARMS, "search": {"trials": 0}, "evaluate": {"folds": [1, 3], "seeds": 2}}


@pytest.fixture(scope="module")
def whole(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Return two arms, two folds and two seeds of each, trained in one go."""
    return run(spec_of(**WHOLE), tmp_path_factory.mktemp("whole"), shared)


def same(first: Recorded, second: Recorded, arm: str, fold: int) -> None:
    """Check that the fold's first seed is equal to the bit in two records."""
    runs = [next(each.run_id for each in _folds(one) if (each.arm, each.fold, each.seed) == (arm, fold, 0)) for one in
            (first, second)]  # fmt: skip
    one, other = (load_fold(record.uri, run_id) for record, run_id in zip((first, second), runs, strict=True))
    assert one.segments is not None
    assert other.segments is not None
    pd.testing.assert_frame_equal(one.segments, other.segments, check_exact=True)
    pd.testing.assert_frame_equal(one.history, other.history, check_exact=True)
    weights = [load_weights(record.uri, run_id) for record, run_id in zip((first, second), runs, strict=True)]
    assert weights[0]
    assert weights[1]
    assert weights[0].keys() == weights[1].keys()
    assert all(np.array_equal(value, weights[1][name]) for name, value in weights[0].items())


def _folds(record: Recorded) -> Any:
    from harness.tracking.recorded_run import read_run

    return read_run(record.uri, record.run_id).folds


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "arm"),
    [
        ({"evaluate": {"folds": [3], "seeds": 2}}, "A"),
        ({"evaluate": {"folds": [1, 3], "seeds": 1}}, "B"),
        ({"arms": ARMS[::-1]}, "A"),
        ({"arms": ARMS[1:]}, "B"),
    ],
    ids=["other folds", "other seeds", "order of the arms", "other arms"],
)
def test_what_else_the_study_trains(whole: Recorded, tmp_path: Path, change: dict[str, Any], arm: str) -> None:
    other = run(spec_of(**{**WHOLE, **change}), tmp_path, whole.shared)
    assert other.run_id != whole.run_id
    same(whole, other, arm, 3)


@pytest.mark.slow
def test_an_interruption_in_the_middle_of_a_fold(whole: Recorded, tmp_path: Path) -> None:
    class Interrupted(InProcessExecutor):
        def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
            epochs = 0

            def count(event: Event) -> None:
                nonlocal epochs
                epochs += isinstance(event, Epoch)
                if epochs == 5:
                    raise KeyboardInterrupt
                on_event(event)

            super().run(take, count)

    with pytest.raises(KeyboardInterrupt):
        run(spec_of(**WHOLE), tmp_path, whole.shared, executor=lambda *_: Interrupted())
    resumed = run(spec_of(**WHOLE), tmp_path, whole.shared)
    for arm in ("A", "B"):
        for fold in (1, 3):
            same(whole, resumed, arm, fold)


def trained(executor: InProcessExecutor | ProcessExecutor, tasks: list[FoldTask]) -> dict[str, pd.DataFrame]:
    found: dict[str, pd.DataFrame] = {}

    def keep(event: Event) -> None:
        if isinstance(event, Finished):
            found[event.task.key] = event.result.predictions

    run_all(executor, tasks, keep)
    return found


@pytest.mark.slow
def test_any_order_and_any_selection_of_tasks_and_workers(tmp_path: Path) -> None:
    features = write_segments(tmp_path, LABELS)
    tasks = [task_of(features, LABELS, fold=fold, seed=fold, settings=settings_of(epochs=1)) for fold in range(1, 5)]
    alone = {key: table for task in tasks for key, table in trained(InProcessExecutor(), [task]).items()}
    assert len(alone) == 4
    orders = [[0, 1, 2, 3], [3, 1, 0, 2], [2, 0]]
    groups = [trained(InProcessExecutor(), [tasks[place] for place in order]) for order in orders]
    with ProcessExecutor(["cpu"] * 2) as executor:
        groups += [trained(executor, [tasks[place] for place in order]) for order in orders]
    for group in groups:
        for key, table in group.items():
            pd.testing.assert_frame_equal(table, alone[key], check_exact=True)
