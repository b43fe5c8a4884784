"""Fusion of several arms' predictions: tables in, a table of the same form out, without any training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.choices import FusionRule
from harness.models import fusion
from harness.training.metrics import WHOLE_CLIP, clip_means, probability_columns

_KEY = ["clip", "segment"]


def fuse_predictions(streams: Sequence[pd.DataFrame], rule: str, level: str) -> pd.DataFrame:
    """Return the fused predictions of ``streams``, each a table like ``FoldResult.predictions``.

    Parameters
    ----------
    rule
        ``"dempster-shafer"`` (Su et al. 2019, section 3.3) or ``"mean"``.
    level
        ``"clip"``: each stream's segments are summed to a clip first; the result has one row per clip with segment -1,
        which :func:`~harness.training.metrics.clip_predictions` counts as no segments. ``"segment"``: segments are
        fused one by one.

    Returns
    -------
    pandas.DataFrame
        Columns ``part``, ``clip``, ``segment``, ``y_true``, ``p_0`` .. ``p_{C-1}`` (float64), sorted by part, clip and
        segment. ``attrs["total_conflicts"]`` counts the rows on which Dempster's rule is undefined because the streams
        exclude each other's classes; these rows hold the mean.

    Raises
    ------
    ValueError
        When rule or level is unknown, fewer than two streams are given, or the streams do not hold the same parts,
        clips (or segments), labels and classes.
    """
    if rule not in fusion.RULES:
        raise ValueError(f"unknown rule {rule!r}; allowed: {', '.join(fusion.RULES)}")
    if level not in ("clip", "segment"):
        raise ValueError(f"unknown level {level!r}; allowed: clip, segment")
    if len(streams) < 2:
        raise ValueError(f"fusion needs at least 2 streams, received {len(streams)}")
    columns = probability_columns(streams[0])
    tables = [_prepared(stream, columns, level, number) for number, stream in enumerate(streams, start=1)]
    _check_same_rows(tables, level)
    probabilities: list[NDArray[np.float64]] = [table[columns].to_numpy(np.float64) for table in tables]
    fused = tables[0][["part", *_KEY, "y_true"]].copy()
    fused[columns] = fusion.RULES[rule](probabilities)
    conflicts = int(fusion.total_conflict(probabilities).sum()) if rule == FusionRule.DEMPSTER_SHAFER else 0
    fused.attrs["total_conflicts"] = conflicts
    return fused


def _prepared(stream: pd.DataFrame, columns: list[str], level: str, number: int) -> pd.DataFrame:
    """Return the rows to fuse, in one order for all streams."""
    if probability_columns(stream) != columns:
        raise ValueError(
            f"streams must have the same classes: stream 1 has {len(columns)}, "
            f"stream {number} has {len(probability_columns(stream))}"
        )
    table = stream.sort_values(["part", *_KEY], kind="stable")
    if table.duplicated(["part", *_KEY]).any():
        raise ValueError(f"stream {number} contains a segment twice")
    if level == "segment":
        return table.reset_index(drop=True)
    pieces = []
    for part, rows in table.groupby("part", sort=True):
        clips, means, labels = clip_means(
            rows["clip"].to_numpy(np.int64), rows[columns].to_numpy(np.float64), rows["y_true"].to_numpy(np.int64)
        )
        piece = pd.DataFrame({"part": part, "clip": clips, "segment": WHOLE_CLIP, "y_true": labels})
        piece[columns] = means
        pieces.append(piece)
    return pd.concat(pieces, ignore_index=True)


def _check_same_rows(tables: list[pd.DataFrame], level: str) -> None:
    first = tables[0][["part", *_KEY]]
    for number, table in enumerate(tables[1:], start=2):
        other = table[["part", *_KEY]]
        if len(first) != len(other) or not (first.to_numpy() == other.to_numpy()).all():
            both = first.merge(other, how="outer", on=["part", *_KEY], indicator=True)
            odd = both[both["_merge"] != "both"].iloc[0]
            holder = 1 if odd["_merge"] == "left_only" else number
            what = f"clip {odd['clip']}" if level == "clip" else f"segment {odd['segment']} of clip {odd['clip']}"
            raise ValueError(
                f"streams 1 and {number} do not contain the same {level}s: only stream {holder} has {what} "
                f"({odd['part']})"
            )
        if not (tables[0]["y_true"].to_numpy() == table["y_true"].to_numpy()).all():
            raise ValueError(f"streams 1 and {number} disagree on the true class of a {level}")
