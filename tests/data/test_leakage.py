"""Leakage: counted by hand on a small table, and refused where folds claim to be official."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from harness.data.clips import ClipTable
from harness.data.leakage import LeakageReport, check_official, leakage_report
from harness.data.splits import Part, Split, make_splits
from harness.errors import LeakageError


def _part(*rows: int, segments: tuple[int, ...] | None = None) -> Part:
    return Part(np.array(rows, dtype=np.int64), None if segments is None else np.array(segments, dtype=np.int64))


def _report(table: ClipTable, final_train: str = "train", **parts: Part) -> LeakageReport:
    return leakage_report(table, Split("official", 1, **parts), final_train)


def test_counts_are_those_made_by_hand(make_table: Callable[..., ClipTable]) -> None:
    table = make_table([0] * 6, [1, 1, 2, 2, 3, 3], ["a", "b", "a", "c", "c", "a"])
    report = _report(table, train=_part(4, 5), validation=_part(2, 3), test=_part(0, 1))
    assert report.unit == "clip"
    assert (report.n_test, report.n_test_sharing_recording, report.n_test_sharing_clip) == (2, 1, 0)
    assert (report.n_validation, report.n_validation_sharing_recording, report.n_validation_sharing_clip) == (2, 2, 0)
    assert report.recordings == ("a",)


def test_segments_count_one_by_one(make_table: Callable[..., ClipTable]) -> None:
    table = make_table([0] * 4, [1, 2, 3, 3], ["a", "a", "b", "c"])
    report = _report(
        table,
        train=_part(0, 0, 2, segments=(0, 1, 0)),
        validation=_part(3, segments=(0,)),
        test=_part(0, 0, 1, 3, segments=(2, 3, 0, 1)),
    )
    assert report.unit == "segment"
    assert (report.n_test, report.n_test_sharing_recording, report.n_test_sharing_clip) == (4, 3, 2)
    assert (report.n_validation, report.n_validation_sharing_recording) == (1, 0)


def test_what_final_trainings_learn_from_counts(make_table: Callable[..., ClipTable]) -> None:
    """One recording has clip a in fold 1 and clip b in fold 2, which validates when fold 1 is tested."""
    table = make_table([0] * 4, [1, 2, 2, 3], ["r", "r", "s", "t"])
    parts = {"test": _part(0), "validation": _part(1, 2), "train": _part(3)}
    assert _report(table, **parts).n_test_sharing_recording == 0
    both = _report(table, "train+validation", **parts)
    assert (both.n_test, both.n_test_sharing_recording, both.recordings) == (1, 1, ("r",))
    # A search learns from the training part alone.
    assert both.n_validation_sharing_recording == 0


def test_at_most_twenty_recordings_are_listed_and_all_are_counted(make_table: Callable[..., ClipTable]) -> None:
    names = [f"r{row % 30:02d}" for row in range(60)]
    table = make_table([0] * 60, [1] * 30 + [2] * 29 + [3], names)
    report = _report(table, train=_part(*range(30, 60)), validation=_part(), test=_part(*range(30)))
    assert report.n_test_sharing_recording == 30
    assert report.recordings == tuple(f"r{row:02d}" for row in range(20))


@pytest.mark.parametrize(
    ("folds", "pair"), [((1, 3), "test and train"), ((2, 3), "validation and train"), ((1, 2), "test and validation")]
)
def test_a_recording_in_two_official_folds_is_an_error(
    make_table: Callable[..., ClipTable], folds: tuple[int, int], pair: str
) -> None:
    table = make_table([0] * 8, [1, 2, 3, 1, 2, 3, *folds], ["a", "b", "c", "d", "e", "f", "106905", "106905"])
    with pytest.raises(LeakageError) as raised:
        make_splits(table, "official", (1,), 0)
    message = str(raised.value)
    assert pair in message
    assert f"106905 in folds {folds[0]}, {folds[1]}" in message
    assert len(make_splits(table, "random-clip", (1,), 0)) == 1


def test_the_known_recordings_of_urbansound8k_are_counted_but_allowed(make_table: Callable[..., ClipTable]) -> None:
    recordings = ["a", "b", "c", "106905", "106905", "77751", "132016"]
    table = make_table([0] * 7, [1, 2, 3, 1, 3, 2, 3], recordings, "urbansound8k")
    split = make_splits(table, "official", (1,), 0)[0]
    report = leakage_report(table, split, "train")
    assert report.n_test_sharing_recording == 1
    assert report.recordings == ("106905",)
    check_official(split, table)
    other = make_table([0] * 7, [1, 2, 3, 1, 3, 2, 3], ["a", "b", "c", "106905", "106905", "b", "b"], "urbansound8k")
    with pytest.raises(LeakageError, match="share 1 recordings"):
        make_splits(other, "official", (1,), 0)


def test_real_official_splits_pass_and_random_ones_would_not(esc10: ClipTable) -> None:
    check_official(make_splits(esc10, "official", esc10.folds, 0), esc10)
    with pytest.raises(LeakageError):
        check_official(make_splits(esc10, "random-clip", esc10.folds, 0), esc10)
