"""Pictures of one fold run, for its artifacts: drawn in a fraction of a second, returned as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from harness.report.confusion import confusion_figure
from harness.report.curves import curves_figure
from harness.report.style import figure_style, png_bytes

DPI = 130


def confusion_png(y_true: ArrayLike, y_pred: ArrayLike, classes: Sequence[str], title: str) -> bytes:
    """Return the confusion matrix of one test as PNG: percent of each true class.

    Parameters
    ----------
    y_true, y_pred
        True and predicted labels, integers in 0..C-1, shape (n_clips,).
    classes
        Names of the C classes.
    title
        Printed above the matrix.

    Raises
    ------
    ValueError
        When the two differ in length or hold a label that has no class.
    """
    true, predicted = np.asarray(y_true, dtype=np.int64), np.asarray(y_pred, dtype=np.int64)
    n = len(classes)
    if true.shape != predicted.shape or true.ndim != 1:
        raise ValueError(
            f"y_true and y_pred must be two rows of equal length, received {true.shape} and {predicted.shape}"
        )
    both = np.concatenate([true, predicted])
    if len(both) and (both.min() < 0 or both.max() >= n):
        raise ValueError(f"labels must lie in 0..{n - 1}")
    counts = np.zeros((n, n), dtype=np.int64)
    np.add.at(counts, (true, predicted), 1)
    with figure_style():
        figure = confusion_figure(counts, classes, title, f"Percent of each true class; {len(true):,} clips")
        return png_bytes(figure, dpi=DPI)


def curves_png(history: pd.DataFrame, title: str) -> bytes:
    """Return loss and accuracy over the epochs of one training as PNG; ``history`` is FoldResult.history."""
    with figure_style():
        figure = curves_figure(history.assign(fold=0, seed=0), title)
        return png_bytes(figure or Figure(figsize=(1, 1)), dpi=DPI)
