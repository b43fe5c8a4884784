"""Seeds are not folds: they are averaged within a fold before any test, and their own spread is told apart.

Trainings of one fold that differ in their seed alone share data; counted as further folds they would make any test find
differences that are not there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.errors import StatisticsError


@dataclass(frozen=True)
class Components:
    """Where the spread of accuracies comes from; variances, in the squared unit of the values.

    Attributes
    ----------
    between
        Of folds, free of seeds. With one seed a fold it is not free of them: both together.
    within
        Of seeds inside a fold; None with one seed a fold.
    n_folds, n_seeds
        Number of folds, and the smallest number of seeds of any.
    """

    between: float
    within: float | None
    n_folds: int
    n_seeds: int


def average_seeds(frame: pd.DataFrame) -> dict[int, float]:
    """Return fold -> accuracy averaged over seeds, folds ascending.

    Parameters
    ----------
    frame
        One row per training: ``fold``, ``accuracy``, and ``seed`` where it is known.

    Raises
    ------
    StatisticsError
        When a column is missing, there is no row, an accuracy is not finite, or a fold and seed stands twice.
    """
    means = _checked(frame).groupby("fold")["accuracy"].mean().sort_index()
    return {int(str(fold)): float(mean) for fold, mean in means.items()}


def variance_components(frame: pd.DataFrame) -> Components:
    """Return the variance between folds and, within them, between seeds.

    The moment (analysis of variance) estimator: within = mean square within, between = (mean square between - within)
    / seeds, no less than 0; folds with unequal seeds enter with their effective number (Searle, Casella and McCulloch
    1992, section 3.6). With equal numbers it equals REML wherever that is inside its bounds; a mixed model fitted to 5
    folds commonly ends on the bound and fails to converge, this cannot.

    Raises
    ------
    StatisticsError
        With fewer than 2 folds, or as :func:`average_seeds`.
    """
    groups = _checked(frame).groupby("fold")["accuracy"]
    means, sizes = groups.mean().to_numpy(dtype=np.float64), groups.size().to_numpy(dtype=np.float64)
    k, n = len(means), float(sizes.sum())
    if k < 2:
        raise StatisticsError(f"the spread between folds needs at least 2 of them, received {k}; test more folds")
    if sizes.max() == 1:
        return Components(float(np.var(means, ddof=1)), None, k, 1)
    centred = frame["accuracy"].to_numpy(dtype=np.float64) - groups.transform("mean").to_numpy(dtype=np.float64)
    within = float((centred**2).sum() / (n - k))
    grand = float((sizes * means).sum() / n)
    between_square = float((sizes * (means - grand) ** 2).sum() / (k - 1))
    effective = (n - float((sizes**2).sum()) / n) / (k - 1)
    return Components(max(0.0, (between_square - within) / effective), within, k, int(sizes.min()))


def _checked(frame: pd.DataFrame) -> pd.DataFrame:
    missing = [column for column in ("fold", "accuracy") if column not in frame]
    if missing:
        raise StatisticsError(
            f"the table of trainings lacks the column {missing[0]!r}; it has: {', '.join(map(str, frame.columns))}"
        )
    if frame.empty:
        raise StatisticsError("the table of trainings is empty; give one row per fold and seed")
    bad = frame[~np.isfinite(frame["accuracy"].to_numpy(dtype=np.float64))]
    if len(bad):
        raise StatisticsError(
            f"fold {bad['fold'].iloc[0]}: the accuracy is {bad['accuracy'].iloc[0]}, not a finite number; "
            "repeat that training, or leave it out"
        )
    if "seed" in frame:
        twice = frame[frame.duplicated(["fold", "seed"])]
        if len(twice):
            raise StatisticsError(
                f"fold {twice['fold'].iloc[0]}, seed {twice['seed'].iloc[0]} stands twice; give the rows of one arm, "
                "each training once"
            )
    return frame
