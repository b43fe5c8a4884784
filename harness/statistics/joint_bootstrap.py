"""Scores of many systems on the same resamples of recordings, from which intervals, differences and ranks follow.

The draws, and the score of a resample, are those of :func:`harness.statistics.bootstrap.macro_accuracy_bootstrap`; a
clip's weight in a resample is computed once for all systems, so that 50 systems take little longer than one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import StatisticsError
from harness.statistics.bootstrap import coded_groups, draws, times_drawn
from harness.statistics.fold_values import Floats


def macro_accuracy_draws(
    correct_NS: ArrayLike,
    labels: ArrayLike,
    recordings: ArrayLike,
    *,
    folds: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int,
) -> Floats:
    """Return the macro accuracy of each system on each resample of recordings, as fractions, shape (resamples, S).

    The macro accuracy is the mean of the class accuracies over all clips, or with ``folds`` within each fold and then
    averaged over folds. A class without a drawn recording is left out of that resample's mean (within its fold), and so
    is a fold without any.

    Parameters
    ----------
    correct_NS : array_like, shape (n, S)
        Right or wrong by clip and system, or the fraction of seeds that were right, in 0..1.
    labels, recordings : array_like, shape (n,)
        True class and recording of each clip.
    folds : array_like, shape (n,), optional
        Fold of each clip. None takes all clips together.
    resamples : int
        Number of resamples.
    seed : int
        The same seed draws the same resamples.

    Raises
    ------
    StatisticsError
        When lengths differ, ``correct_NS`` is outside 0..1, or with fewer than 2 recordings or 2 resamples.

    Examples
    --------
    >>> draws = macro_accuracy_draws([[1, 0], [1, 1], [0, 1]], [0, 0, 1], ["a", "b", "c"], resamples=4, seed=0)
    >>> draws.shape
    (4, 2)
    """
    correct = np.asarray(correct_NS, dtype=np.float64)
    if correct.ndim != 2 or not ((correct >= 0) & (correct <= 1)).all():
        raise StatisticsError(
            f"correct_NS must have a row per clip and a column per system, in 0..1; received the shape {correct.shape}"
        )
    n = len(correct)
    columns = {"labels": labels, "recordings": recordings, "folds": np.zeros(n) if folds is None else folds}
    for name, column in columns.items():
        if np.shape(column) != (n,):
            raise StatisticsError(f"{name} has the shape {np.shape(column)}; give one for each of {n} clips")
    group_N, n_groups = coded_groups(recordings)
    label_N, fold_N = (np.unique(np.asarray(columns[name]), return_inverse=True)[1] for name in ("labels", "folds"))
    # Clips in the order of their cells (fold and class): sums over a cell, and over a fold, are then over neighbours.
    order = np.lexsort((label_N, fold_N))
    group_N, label_N, fold_N, correct = group_N[order], label_N[order], fold_N[order], correct[order]
    cell_N = np.unique(fold_N * (int(label_N.max()) + 1) + label_N, return_inverse=True)[1]
    first_X = np.flatnonzero(np.diff(cell_N, prepend=-1))
    first_of_fold_F = np.flatnonzero(np.diff(fold_N[first_X], prepend=-1))
    fold_of_cell_X = fold_N[first_X]
    scores = []
    for chunk in draws(n_groups, resamples, seed):
        weight_RN = times_drawn(chunk, n_groups)[:, group_N]
        total_RX = np.add.reduceat(weight_RN, first_X, axis=1)
        classes_RF = np.add.reduceat((total_RX > 0).astype(np.float64), first_of_fold_F, axis=1)
        folds_R = (classes_RF > 0).sum(axis=1, keepdims=True)
        cells_RX = np.maximum(total_RX, 1) * np.maximum(classes_RF, 1)[:, fold_of_cell_X] * folds_R
        scores.append((weight_RN / cells_RX[:, cell_N]) @ correct)
    return np.concatenate(scores)
