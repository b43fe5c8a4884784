"""Leakage: what the parts of each split share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd

from harness.report.evidence import Evidence
from harness.report.report_section import Section, Table, headed
from harness.report.wording import NOTHING, percent


def sections(evidence: Evidence) -> Iterator[Section]:
    """Yield the section on leakage, if it was counted."""
    if not evidence.leakage.empty:
        known = evidence.record.spec.data.description.recordings
        yield Section("leakage", "Leakage", tables=(leakage_table(evidence.leakage, recordings_known=known),))


def leakage_table(frame: pd.DataFrame, *, recordings_known: bool = True) -> Table:
    """Return, per fold, how many test items share a recording or a clip with the final training data.

    The same is counted for validation items and the training part. ``frame`` is that of
    :class:`~harness.report.evidence.Evidence`; ``recordings_known`` is whether the data set says which recording a clip
    was cut from.
    """
    rows = frame.sort_values(["protocol", "final_train", "fold"], kind="stable")
    headers = {"Split": "protocol", "Learned from": "final_train"}
    several = {header: column for header, column in headers.items() if len(set(rows[column])) > 1}
    unit = ", ".join(sorted({str(unit) for unit in rows["unit"]}))
    parts = ("test", "validation")
    cells = [
        [*(str(row[column]) for column in several.values()), str(row["fold"])]
        + [
            cell
            for part in parts
            for cell in (
                f"{int(row[f'n_{part}']):,}",
                _share(row[f"n_{part}_sharing_recording"], row[f"n_{part}"]) if recordings_known else NOTHING,
                _share(row[f"n_{part}_sharing_clip"], row[f"n_{part}"]),
            )
        ]
        for row in rows.to_dict("records")
    ]
    counted = [
        (f"{part.capitalize()} part", name) for part in parts for name in ("Items", "Share a recording", "Share a clip")
    ]
    caption = (
        f"Leakage: items ({unit}s) of the test part that share a source recording, or a clip, with what final "
        f"trainings learn from ({', '.join(dict.fromkeys(rows['final_train']))}), and items of the validation part "
        "that share one with the training part; count and percent of the part."
    )
    named = sorted({str(recording) for shared in rows.get("recordings", ()) for recording in _listed(shared)})
    if named:
        shown = ", ".join(named[:10])
        caption += f" Shared recordings of test and training: {shown}{' and others' if len(named) > 10 else ''}."
    if not recordings_known:
        caption += (
            " The data set does not say which recording a clip was cut from: each clip is taken as a recording of its "
            "own, so leaks between recordings cannot be counted."
        )
    data = rows.assign(recordings=[" ".join(map(str, _listed(shared))) for shared in rows["recordings"]])
    printed = headed(cells, [*several, "Fold", *counted])
    return Table("leakage", "Leakage", caption, printed, data.reset_index(drop=True))


def _share(count: float, total: float) -> str:
    return f"{int(count):,} ({percent(count / total) if total else NOTHING})"


def _listed(shared: Any) -> tuple[Any, ...]:
    """Return recordings as a tuple, from either form in a record: a sequence, or one JSON list."""
    if isinstance(shared, str):
        return tuple(json.loads(shared)) if shared.startswith("[") else tuple(shared.split())
    return tuple(shared) if isinstance(shared, list | tuple) else ()
