"""Leakage counted again from predictions equals what was counted from the splits themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.comparisons.recounted_leakage import leakage_of
from harness.data.clips import ClipTable
from harness.data.leakage import leakage_report
from harness.data.splits import make_splits
from harness.record import StudyRecord
from tests.records import study_of

SEGMENTS = 3


def _clips() -> ClipTable:
    rng = np.random.default_rng(0)
    n = 120
    frame = pd.DataFrame(
        {
            "clip_id": [f"clip{row:03d}" for row in range(n)],
            "path": "",
            "label": np.arange(n) % 4,
            "fold": 1 + np.arange(n) // 4 % 5,
            "recording": [f"rec{number}" for number in rng.integers(0, 60, n)],
            "duration": 1.0,
        }
    )
    return ClipTable("esc10", frame, ("a", "b", "c", "d"), "0" * 64)


def _record(clips: ClipTable, split: str, final_train: str, folds: tuple[int, ...] = (1, 2, 3, 4, 5)) -> StudyRecord:
    """Return a record as it was made before leakage counted the validation fold: without final_train."""
    cuts = make_splits(clips, split, clips.folds, 0, np.full(len(clips), SEGMENTS, dtype=np.int64))
    rows: list[dict[str, Any]] = []
    for cut in cuts:
        tested, counts = np.unique(cut.test.clips, return_counts=True)
        for clip, count in zip(tested, counts, strict=True):
            row = clips.frame.iloc[int(clip)]
            n_segments = int(count) if split == "random-segment" else SEGMENTS
            rows.append({"clip_id": row["clip_id"], "recording": row["recording"], "n_segments": n_segments})
            rows[-1] |= {"arm": "A", "fold": cut.fold, "seed": 0}
    leakage = pd.DataFrame([vars(leakage_report(clips, cut, "train")) for cut in cuts])
    predictions = pd.DataFrame(rows)
    return StudyRecord(
        name="old",
        run_id="1",
        status="FINISHED",
        spec=study_of(
            {
                "study": {"name": "old"},
                "data": {"dataset": "esc10"},
                "protocol": {"split": split, "final_train": final_train},
                "arms": [
                    {"name": "A", "model": "su4", "features": "LMC"},
                    {"name": "B", "model": "su4", "features": "MC"},
                    {"name": "F", "fuse": ["A", "B"], "rule": "mean"},
                ],
            }
        ),
        classes=clips.classes,
        predictions=predictions[predictions["fold"].isin(folds)],
        history=pd.DataFrame(),
        folds=pd.DataFrame(),
        leakage=leakage.drop(columns="final_train"),
        environment={},
        seconds=0.0,
    )


@pytest.mark.parametrize("split", ["random-clip", "random-segment"])
@pytest.mark.parametrize("final_train", ["train", "train+validation"])
def test_an_old_record_is_counted_again(split: str, final_train: str) -> None:
    clips = _clips()
    cuts = make_splits(clips, split, clips.folds, 0, np.full(len(clips), SEGMENTS, dtype=np.int64))
    expected = pd.DataFrame([vars(leakage_report(clips, cut, final_train)) for cut in cuts])
    found = leakage_of(_record(clips, split, final_train))
    pd.testing.assert_frame_equal(found[expected.columns], expected)
    assert (expected["n_test_sharing_recording"] > 0).all()


def test_what_cannot_be_counted_is_left_out() -> None:
    assert leakage_of(_record(_clips(), "random-clip", "train+validation", folds=(1, 2))).empty


def test_a_record_that_counts_rightly_is_taken_as_it_is() -> None:
    record = _record(_clips(), "random-clip", "train")
    right = replace(record, leakage=record.leakage.assign(final_train="train"))
    assert leakage_of(right) is right.leakage
