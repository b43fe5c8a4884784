"""Tables of clips worth listening to: those missed by every arm, and those that only a fusion gets right."""

from __future__ import annotations

import pandas as pd

from harness.report import wording
from harness.report.cells import count
from harness.report.evidence import Evidence
from harness.report.table import Table
from harness.report.wording import percent

MOST_LISTED = 30
"""The most rows of a printed table; its CSV has all clips."""


def clip_tables(evidence: Evidence) -> list[Table]:
    """Return up to two tables; there is none for an empty group, or for the misses of a single arm."""
    several = len(evidence.scores.folds["arm"].unique()) > 1
    return [*(_missed(evidence) if several else ()), *_only_fusion(evidence)]


def _missed(evidence: Evidence) -> list[Table]:
    data = evidence.clips.missed_by_all
    if data.empty:
        return []
    ordered = data.sort_values(["share", "class", "fold", "clip_id"], ascending=[False, True, True, True])
    # Clips of one recording fail together: with one row per clip, a few recordings would fill the table.
    together = ordered.groupby(["recording", "fold", "class", "predicted"], sort=False, observed=True)
    rows = together.agg(clip=("clip_id", "first"), clips=("clip_id", "size"), share=("share", "mean")).reset_index()
    rows = rows.sort_values(["clips", "share"], ascending=False, kind="stable")
    printed = pd.DataFrame(
        [
            [
                row["recording"],
                row["clip"],
                row["class"],
                row["predicted"],
                str(row["clips"]),
                percent(row["share"], digits=0),
                str(row["fold"]),
            ]
            for row in rows.head(MOST_LISTED).to_dict("records")
        ],
        columns=["Recording", "First clip", "Class", "Called", "Clips", "Agreement", "Fold"],
    )
    listed = "" if len(rows) <= MOST_LISTED else f" A row is a recording: {MOST_LISTED} of {len(rows):,} are listed."
    caption = (
        f"Clips that no arm classed correctly with any seed: {len(data):,} of {evidence.clips.n_clips:,} tested clips, "
        f"by recording.{listed} Called: the wrong class named most often; agreement: in how many percent of the tests "
        "(arms and seeds). Where many agree on one class, the label may be worth a check. The CSV has every clip."
    )
    return [
        Table(
            "missed-clips",
            "Clips that every arm misses",
            wording.with_marks(caption, evidence.marks),
            printed,
            ordered.reset_index(drop=True),
            text_columns=4,
        )
    ]


def _only_fusion(evidence: Evidence) -> list[Table]:
    data = evidence.clips.only_fusion
    if data.empty:
        return []
    several = len(data["arm"].unique()) > 1
    columns = ["Clip", "Recording", "Class", "Called by the streams", *(["Fusion"] if several else []), "Fold"]
    printed = pd.DataFrame(
        [
            [row["clip_id"], row["recording"], row["class"], row["predicted"]]
            + ([row["arm"]] if several else [])
            + [str(row["fold"])]
            for row in data.head(MOST_LISTED).to_dict("records")
        ],
        columns=columns,
    )
    which = "a fusion" if several else str(data["arm"].iloc[0])
    caption = (
        f"Clips that {which} classed correctly with every seed and none of its streams with any: "
        f"{count(len(data), 'case')} among {evidence.clips.n_clips:,} tested clips{_listed(len(data))}."
    )
    return [
        Table(
            "fusion-clips",
            "Clips that only fusion gets right",
            wording.with_marks(caption, evidence.marks),
            printed,
            data.reset_index(drop=True),
            text_columns=len(columns) - 1,
        )
    ]


def _listed(number: int) -> str:
    return "" if number <= MOST_LISTED else f"; {MOST_LISTED} are listed, all stand in the CSV"
