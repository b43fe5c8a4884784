"""Fusion of prediction tables at both levels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.models.fusion import dempster_shafer
from harness.training.fuse import fuse_predictions
from harness.training.metrics import clip_predictions

from .test_metrics import clip_table, segments

FIRST = segments([(0, 0, 0, 0.9), (0, 1, 0, 0.5), (2, 0, 1, 0.3)])
SECOND = segments([(2, 0, 1, 0.6), (0, 0, 0, 0.2), (0, 1, 0, 0.4)])


def test_segment_level_joins_rows_whatever_their_order() -> None:
    fused = fuse_predictions([FIRST, SECOND], "dempster-shafer", "segment")
    assert list(fused.columns) == ["part", "clip", "segment", "y_true", "p_0", "p_1"]
    assert list(zip(fused["clip"], fused["segment"], strict=True)) == [(0, 0), (0, 1), (2, 0)]
    pairs = [(0.9, 0.2), (0.5, 0.4), (0.3, 0.6)]
    by_hand = [a * b / (a * b + (1 - a) * (1 - b)) for a, b in pairs]
    assert fused["p_0"].tolist() == pytest.approx(by_hand)
    clips = clip_predictions(fused, clip_table())
    assert clips["n_segments"].tolist() == [2, 1]
    assert clips["n_segments_correct"].tolist() == [1, 1]


def test_clip_level_sums_segments_first() -> None:
    fused = fuse_predictions([FIRST, SECOND], "dempster-shafer", "clip")
    assert fused["segment"].tolist() == [-1, -1]
    assert fused["y_true"].tolist() == [0, 1]
    expected = dempster_shafer([[[0.7, 0.3], [0.3, 0.7]], [[0.3, 0.7], [0.6, 0.4]]])
    assert fused[["p_0", "p_1"]].to_numpy() == pytest.approx(expected)
    assert clip_predictions(fused, clip_table())["n_segments"].tolist() == [0, 0]


def test_clip_level_takes_streams_with_other_segments() -> None:
    image = segments([(0, 0, 0, 0.2), (2, 0, 1, 0.6)])
    assert fuse_predictions([FIRST, image], "mean", "clip")["p_0"].tolist() == pytest.approx([0.45, 0.45])


def test_parts_stay_apart() -> None:
    both = [pd.concat([table, table.assign(part="validation", p_0=0.5, p_1=0.5)]) for table in (FIRST, SECOND)]
    fused = fuse_predictions(both, "mean", "clip")
    assert fused["part"].tolist() == ["test", "test", "validation", "validation"]
    test = fused[fused["part"] == "test"].reset_index(drop=True)
    pd.testing.assert_frame_equal(test, fuse_predictions([FIRST, SECOND], "mean", "clip"))


def test_total_conflict_is_counted() -> None:
    certain, opposite = segments([(0, 0, 0, 1.0), (1, 0, 0, 0.5)]), segments([(0, 0, 0, 0.0), (1, 0, 0, 0.5)])
    fused = fuse_predictions([certain, opposite], "dempster-shafer", "segment")
    assert fused.attrs["total_conflicts"] == 1
    assert fused["p_0"].tolist() == [0.5, 0.5]
    assert fuse_predictions([certain, opposite], "mean", "segment").attrs["total_conflicts"] == 0


def test_float32_streams_give_rows_that_sum_to_one() -> None:
    streams = [table.astype({"p_0": np.float32, "p_1": np.float32}) for table in (FIRST, SECOND)]
    for level in ("clip", "segment"):
        fused = fuse_predictions(streams, "dempster-shafer", level)
        assert fused[["p_0", "p_1"]].sum(axis=1).tolist() == pytest.approx([1.0] * len(fused), abs=1e-12)


@pytest.mark.parametrize(
    ("streams", "rule", "level", "message"),
    [
        ([FIRST], "mean", "clip", "at least 2"),
        ([FIRST, SECOND], "vote", "clip", "unknown rule 'vote'; allowed: dempster-shafer, mean"),
        ([FIRST, SECOND], "mean", "frame", "unknown level 'frame'"),
        ([FIRST, SECOND[SECOND["clip"] == 0]], "mean", "clip", r"same clips: only stream 1 has clip 2 \(test\)"),
        ([FIRST[:1], SECOND[1:]], "mean", "segment", "only stream 2 has segment 1 of clip 0"),
        ([FIRST, SECOND.assign(y_true=1)], "mean", "segment", "disagree on the true class"),
        ([FIRST, pd.concat([SECOND, SECOND[:1]])], "mean", "segment", "stream 2 contains a segment twice"),
        ([FIRST, SECOND.assign(p_2=0.0)], "mean", "clip", "stream 1 has 2, stream 2 has 3"),
    ],
)
def test_streams_that_do_not_fit_are_refused(streams: list[pd.DataFrame], rule: str, level: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fuse_predictions(streams, rule, level)
