"""Splits: what each protocol promises, on any table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.choices import Validation
from harness.data.clips import ClipTable
from harness.data.leakage import leakage_report
from harness.data.splits import Part, make_splits
from harness.errors import DataError
from harness.registry import SPLITS
from tests.data.conftest import table_of

# Rules by which the next of the table's own folds validates.
_NEXT_FOLD = [
    rule.name for rule in SPLITS if rule.validation is Validation.NEXT_FOLD and not (rule.single or rule.describe)
]


@st.composite
def tables(draw: st.DrawFn) -> tuple[ClipTable, np.ndarray]:
    """Draw a table with at least as many clips of each class as folds, in any folds, and segment counts."""
    folds = sorted(draw(st.sets(st.integers(1, 10), min_size=3, max_size=6)))
    n_classes = draw(st.integers(2, 4))
    labels = [label for label in range(n_classes) for _ in range(draw(st.integers(len(folds), 12)))]
    rest = draw(st.lists(st.sampled_from(folds), min_size=len(labels) - len(folds), max_size=len(labels) - len(folds)))
    counts = draw(st.lists(st.integers(1, 7), min_size=len(labels), max_size=len(labels)))
    return table_of(labels, folds + rest), np.array(counts, dtype=np.int64)


def _items(part: Part) -> set[tuple[int, int]]:
    segments = np.zeros(len(part), dtype=np.int64) if part.segments is None else part.segments
    items = list(zip(part.clips.tolist(), segments.tolist(), strict=True))
    assert len(set(items)) == len(items)
    return set(items)


@settings(deadline=None)  # the first example loads scikit-learn
@given(tables(), st.sampled_from(_NEXT_FOLD), st.integers(0, 2**70))
def test_parts_are_disjoint_and_cover_everything(drawn: tuple[ClipTable, np.ndarray], protocol: str, seed: int) -> None:
    table, counts = drawn
    segments = protocol == "random-segment"
    everything = {(clip, k) for clip in range(len(table)) for k in range(counts[clip] if segments else 1)}
    splits = make_splits(table, protocol, table.folds, seed, counts)
    tested: list[tuple[int, int]] = []
    for split in splits:
        train, validation, test = (_items(part) for part in (split.train, split.validation, split.test))
        assert train | validation | test == everything
        assert len(train) + len(validation) + len(test) == len(everything)
        assert train
        assert validation
        assert test
        assert (split.test.segments is not None) == segments
        report = leakage_report(table, split, "train")
        assert (report.n_test, report.n_validation) == (len(test), len(validation))
        tested += sorted(test)
    assert sorted(tested) == sorted(everything)
    for split, following in zip(splits, splits[1:] + splits[:1], strict=True):
        np.testing.assert_array_equal(split.validation.clips, following.test.clips)


@settings(deadline=None)
@given(tables(), st.sampled_from(_NEXT_FOLD), st.integers(0, 2**32))
def test_a_fold_does_not_depend_on_which_others_are_asked_for(
    drawn: tuple[ClipTable, np.ndarray], protocol: str, seed: int
) -> None:
    table, counts = drawn
    alone = make_splits(table, protocol, table.folds[1:2], seed, counts)[0]
    among = make_splits(table, protocol, table.folds, seed, counts)[1]
    assert alone.fold == among.fold == table.folds[1]
    for name in ("train", "validation", "test"):
        assert _items(getattr(alone, name)) == _items(getattr(among, name))


def test_official_takes_the_authors_folds_and_the_next_validates(make_table: Callable[..., ClipTable]) -> None:
    folds = [1, 2, 10] * 4
    table = make_table([0, 1] * 6, folds)
    splits = make_splits(table, "official", (10, 1), seed=0)
    assert [split.fold for split in splits] == [10, 1]
    for split, validation in zip(splits, (1, 2), strict=True):
        assert {folds[row] for row in split.test.clips} == {split.fold}
        assert {folds[row] for row in split.validation.clips} == {validation}
        assert {folds[row] for row in split.train.clips} == {1, 2, 10} - {split.fold, validation}
        assert split.test.clips.dtype == np.int64


@pytest.mark.parametrize("protocol", ["random-clip", "random-segment"])
def test_random_protocols_follow_the_seed_and_keep_classes_in_proportion(
    make_table: Callable[..., ClipTable], protocol: str
) -> None:
    labels = [0] * 40 + [1] * 20
    table = make_table(labels, [1 + row % 5 for row in range(60)])
    counts = np.full(60, 3, dtype=np.int64)
    one, same, other = (make_splits(table, protocol, table.folds, seed, counts) for seed in (1, 1, 2))
    assert [_items(split.test) for split in one] == [_items(split.test) for split in same]
    assert [_items(split.test) for split in one] != [_items(split.test) for split in other]
    for split in one:
        share = np.mean(np.array(labels)[split.test.clips] == 1)
        assert share == pytest.approx(1 / 3)


def test_random_segment_puts_pieces_of_a_clip_on_both_sides(make_table: Callable[..., ClipTable]) -> None:
    table = make_table([0, 1] * 15, [1 + row % 3 for row in range(30)])
    split = make_splits(table, "random-segment", (1,), 0, np.full(30, 12, dtype=np.int64))[0]
    both = set(split.test.clips.tolist()) & set(split.train.clips.tolist())
    assert len(both) > 25
    report = leakage_report(table, split, "train")
    assert report.unit == "segment"
    assert report.n_test_sharing_clip == sum(int(clip) in both for clip in split.test.clips)


def test_what_cannot_be_split_is_refused(make_table: Callable[..., ClipTable]) -> None:
    table = make_table([0, 1] * 6, [1, 2, 3] * 4)
    with pytest.raises(DataError, match=r"fold 4 is not in use and cannot be tested; folds in use: \[1, 2, 3\]"):
        make_splits(table, "official", (4,), 0)
    with pytest.raises(DataError, match=r"at least 2 folds.*received \[1\]"):
        make_splits(make_table([0, 1] * 6, [1] * 12), "official", (1,), 0)
    with pytest.raises(DataError, match="class 'class1' has 2 items, too few for 3 folds"):
        make_splits(make_table([0] * 10 + [1] * 2, [1, 2, 3] * 4), "random-clip", (1,), 0)
    with pytest.raises(ValueError, match="unknown split 'random'"):
        make_splits(table, "random", (1,), 0)
    for counts in (None, np.ones(5, dtype=np.int64), np.zeros(12, dtype=np.int64)):
        with pytest.raises(ValueError, match="needs the number of segments"):
            make_splits(table, "random-segment", (1,), 0, counts)


def test_with_two_folds_nothing_validates(make_table: Callable[..., ClipTable]) -> None:
    first, second = make_splits(make_table([0, 1] * 6, [1, 2] * 6), "official", (1, 2), 0)
    assert [len(part) for part in (first.train, first.validation, first.test)] == [6, 0, 6]
    np.testing.assert_array_equal(first.test.clips, second.train.clips)


def _facts(table: ClipTable, protocol: str, final_train: str = "train", **more: Any) -> list[tuple[int, int, int]]:
    splits = make_splits(table, protocol, table.folds, 2019, **more)
    reports = [leakage_report(table, split, final_train) for split in splits]
    return [(one.n_test, one.n_test_sharing_recording, one.n_test_sharing_clip) for one in reports]


def test_what_each_protocol_leaks_on_esc10(esc10: ClipTable) -> None:
    assert _facts(esc10, "official") == [(80, 0, 0)] * 5
    by_clip = _facts(esc10, "random-clip")
    assert [(n, clips) for n, _, clips in by_clip] == [(80, 0)] * 5
    # 304 recordings for 400 clips: about a quarter of a random fold has a sibling among three fifths of the clips.
    assert all(10 <= recordings <= 35 for _, recordings, _ in by_clip)
    # With the validation fold learned from too, a third of the test clips has one.
    assert sum(shared for _, shared, _ in _facts(esc10, "random-clip", "train+validation")) == 134
    by_segment = _facts(esc10, "random-segment", segments_per_clip=np.full(400, 9, dtype=np.int64))
    assert all(n == 720 and clips > 0.99 * n for n, _, clips in by_segment)


def test_what_each_protocol_leaks_on_urbansound8k(urbansound: ClipTable) -> None:
    assert _facts(urbansound, "official") == [(873, 0, 0), (888, 0, 0), (837, 0, 0)]
    assert all(recordings > 0.8 * n for n, recordings, _ in _facts(urbansound, "random-clip"))
    assert sum(shared for _, shared, _ in _facts(urbansound, "random-clip", "train+validation")) == 2479
