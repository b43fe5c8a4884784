"""A study of many arms occupies many workers."""

from __future__ import annotations

import pytest

from benchmarks.scheduling import busy


@pytest.mark.slow
def test_sixteen_workers_are_busy_until_the_last_finals() -> None:
    measured = busy(16, 1)
    assert measured["trainings"] == 12 * 10 * (10 + 1)
    assert measured["until_last_finals"] >= 0.9


def test_one_arm_occupies_as_many_workers_as_it_has_folds_and_trials_at_a_time() -> None:
    assert busy(40, 1, arms=1, trials=4)["until_last_finals"] < 0.25
    assert busy(40, 4, arms=1, trials=4)["until_last_finals"] > 0.6
