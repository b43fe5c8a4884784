"""Clips that every arm misses, and those that only fusion gets right, counted by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pandas as pd
import pytest

from harness.comparisons.missed_clips import hard_clips
from harness.record import StudyRecord
from tests.records import TRAINED, build_record

CLASSES = ("dog", "rain", "siren")
# clip: fold, true class, and what LMCNet, MCNet and their fusion call it with seed 0 and seed 1.
CLIPS: Mapping[str, tuple[int, int, str, str, str]] = {
    "easy": (1, 0, "00", "00", "00"),
    "missed": (1, 0, "11", "12", "11"),
    "undecided": (2, 1, "02", "20", "02"),
    "once right": (2, 1, "01", "00", "00"),
    "fusion only": (1, 2, "00", "11", "22"),
    "fusion with one seed": (2, 2, "00", "11", "21"),
    "stream too": (2, 0, "10", "11", "00"),
}


def record_of(clips: Mapping[str, tuple[int, int, str, str, str]]) -> StudyRecord:
    """Return a record whose arms give each clip's called class a probability of 0.8."""
    rows = [
        {
            "arm": arm,
            "fold": fold,
            "seed": seed,
            "clip_id": clip.removesuffix("'"),
            "recording": f"r-{clip}",
            "y_true": label,
            "n_segments": 3,
            "n_segments_correct": 0,
            **{f"p_{k}": 0.8 if k == int(call) else 0.1 for k in range(3)},
        }
        for clip, (fold, label, *calls) in clips.items()
        for arm, called in zip(("LMCNet", "MCNet", "TSCNN-DS"), calls, strict=True)
        for seed, call in enumerate(called)
    ]
    base = build_record(folds=(1, 2), classes=CLASSES, trained=TRAINED[:2])
    return dataclasses.replace(base, predictions=pd.DataFrame(rows).sample(frac=1, random_state=2))


def test_missed_by_all_with_any_seed() -> None:
    found = hard_clips(record_of(CLIPS))
    assert found.n_clips == 7
    assert found.missed_by_all.to_dict("records") == [
        {
            "clip_id": "missed", "recording": "r-missed", "fold": 1, "class": "dog", "predicted": "rain",
            "share": pytest.approx(5 / 6), "tests": 6,
        },
        # Three times dog and three times siren: the first in the data set's order is told.
        {
            "clip_id": "undecided", "recording": "r-undecided", "fold": 2, "class": "rain", "predicted": "dog",
            "share": 0.5, "tests": 6,
        },
    ]  # fmt: skip


def test_only_fusion_means_every_seed_of_it_and_no_seed_of_a_stream() -> None:
    found = hard_clips(record_of(CLIPS)).only_fusion
    # Of the streams' four answers two are dog, two rain.
    assert found.to_dict("records") == [
        {
            "arm": "TSCNN-DS", "clip_id": "fusion only", "recording": "r-fusion only", "fold": 1, "class": "siren",
            "predicted": "dog",
        }
    ]  # fmt: skip


def test_a_clip_that_a_random_split_tests_twice_counts_in_each_fold() -> None:
    # The quote parts the keys; both rows are clip "a", missed in fold 1 and known in fold 2.
    twice = {"a": (1, 0, "11", "11", "11"), "a'": (2, 0, "00", "11", "00")}
    found = hard_clips(record_of(twice))
    assert found.n_clips == 2
    assert found.missed_by_all[["clip_id", "fold"]].to_numpy().tolist() == [["a", 1]]


def test_nothing_hard_leaves_the_columns() -> None:
    found = hard_clips(record_of({"easy": CLIPS["easy"]}))
    assert list(found.missed_by_all.columns) == ["clip_id", "recording", "fold", "class", "predicted", "share", "tests"]
    assert list(found.only_fusion.columns) == ["arm", "clip_id", "recording", "fold", "class", "predicted"]
    assert found.missed_by_all.empty
    assert found.only_fusion.empty


def test_a_fusion_whose_streams_were_not_tested_says_nothing() -> None:
    record = record_of(CLIPS)
    alone = dataclasses.replace(record, predictions=record.predictions.query("arm == 'TSCNN-DS'"))
    assert hard_clips(alone).only_fusion.empty
