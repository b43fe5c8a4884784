"""Learning curves of every training, as compact data for the script of a page."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from harness.report.report_section import Curves

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
        ordered = drawing.history.sort_values(["fold", "seed", "epoch"])
        trainings = ordered[["fold", "seed"]].to_numpy(np.int64)
        begins = np.flatnonzero((np.diff(trainings, axis=0, prepend=-1) != 0).any(axis=1))
        epochs = ordered["epoch"].to_numpy(np.int64).tolist()
        columns = {
            column: (ordered[column].to_numpy(float) * factor, digits)
            for column, (factor, digits) in _COLUMNS.items()
            if column in ordered
        }
        runs = []
        for begin, end in itertools.pairwise([*begins.tolist(), len(ordered)]):
            fold, seed = trainings[begin].tolist()
            run: dict[str, Any] = {"fold": fold, "seed": seed, "epochs": epochs[begin:end]}
            for column, (values, digits) in columns.items():
                own = values[begin:end].tolist()
                if any(map(math.isfinite, own)):
                    run[column] = [round(value, digits) if math.isfinite(value) else None for value in own]
            runs.append(run)
        found.append({"name": drawing.name, "arm": drawing.arm, "runs": runs})
    return found
