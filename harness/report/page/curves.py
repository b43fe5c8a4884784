"""Learning curves of every training, as compact data for the script of a page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from harness.report.section import Curves

_COLUMNS = {
    "train_loss": (1.0, 3),
    "validation_loss": (1.0, 3),
    "train_segment_accuracy": (100.0, 1),
    "validation_macro_accuracy": (100.0, 1),
    "test_macro_accuracy": (100.0, 1),
}
"""The columns of a history that are drawn: factor to the unit on the page (nats, percent), and decimals."""


def curves_of(drawings: Iterable[Curves]) -> list[dict[str, Any]]:
    """Return the curves of each arm: ``name`` of the figure, ``arm`` and ``runs``, each with ``fold``, ``seed``,
    ``epochs`` and values by column; null where there is none."""
    found = []
    for drawing in drawings:
        if drawing.history.empty:
            continue
        runs = []
        for _, rows in drawing.history.groupby(["fold", "seed"], sort=True):
            ordered = rows.sort_values("epoch")
            run: dict[str, Any] = {
                "fold": int(ordered["fold"].iloc[0]),
                "seed": int(ordered["seed"].iloc[0]),
                "epochs": ordered["epoch"].astype(int).tolist(),
            }
            for column, (factor, digits) in _COLUMNS.items():
                values = ordered[column].to_numpy(float) * factor if column in ordered else np.empty(0)
                if np.isfinite(values).any():
                    run[column] = [round(float(value), digits) if np.isfinite(value) else None for value in values]
            runs.append(run)
        found.append({"name": drawing.name, "arm": drawing.arm, "runs": runs})
    return found
