"""Seeds are not folds: they are averaged within a fold before any test, and their spread is estimated separately.

Trainings of one fold that differ only in their seed share data; counted as additional folds they would make any test
find differences that do not exist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.errors import StatisticsError
from harness.statistics.fold_values import Floats

if TYPE_CHECKING:
    import pandas as pd

Trainings: TypeAlias = "pd.DataFrame | Mapping[str, Sequence[float]]"
"""One entry per training in each column: ``fold``, ``accuracy``, and ``seed`` where it is known."""


@dataclass(frozen=True)
class Components:
    """Where the spread of accuracies comes from; variances, in the squared unit of the values.

    Attributes
    ----------
    between
        Between folds, without the seeds' part. With one seed per fold it contains both.
    within
        Between seeds within a fold; None with one seed per fold.
    n_folds, n_seeds
        Number of folds, and the smallest number of seeds of any.
    """

    between: float
    within: float | None
    n_folds: int
    n_seeds: int


def average_seeds(trainings: Trainings) -> dict[int, float]:
    """Return fold -> accuracy averaged over seeds, folds ascending.

    Raises
    ------
    StatisticsError
        When a column is missing, there is no row, an accuracy is not finite, or a fold and seed occurs twice.

    Examples
    --------
    >>> average_seeds({"fold": [1, 1, 2], "accuracy": [70.0, 72.0, 68.0]})
    {1: 71.0, 2: 68.0}
    """
    folds, _, means, _ = _grouped(trainings)
    return dict(zip(map(int, folds), map(float, means), strict=True))


def seeds_per_fold(trainings: Trainings) -> tuple[int, int]:
    """Return the fewest and the most trainings of any fold.

    Raises
    ------
    StatisticsError
        As :func:`average_seeds`.
    """
    sizes = _grouped(trainings)[3]
    return int(sizes.min()), int(sizes.max())


def variance_components(trainings: Trainings) -> Components:
    """Return the variance between folds and, within them, between seeds.

    The moment (analysis of variance) estimator: within = mean square within, between = (mean square between - within) /
    seeds, no less than 0; unequal numbers of seeds are replaced by their effective number (Searle, Casella and
    McCulloch 1992, section 3.6). With equal numbers it equals REML wherever that is inside its bounds. A mixed model
    fitted to 5 folds often ends on the bound and fails to converge, which this estimator cannot.

    Raises
    ------
    StatisticsError
        With fewer than 2 folds, or as :func:`average_seeds`.

    Examples
    --------
    >>> found = variance_components({"fold": [1, 1, 2, 2], "accuracy": [70.0, 72.0, 66.0, 68.0]})
    >>> found.between, found.within
    (7.0, 2.0)
    """
    _, deviations, means, sizes = _grouped(trainings)
    k, n = len(means), float(sizes.sum())
    if k < 2:
        raise StatisticsError(f"the variance between folds needs at least 2 folds, received {k}; test more folds")
    if sizes.max() == 1:
        return Components(float(np.var(means, ddof=1)), None, k, 1)
    within = float((deviations**2).sum() / (n - k))
    grand = float((sizes * means).sum() / n)
    between_square = float((sizes * (means - grand) ** 2).sum() / (k - 1))
    effective = (n - float((sizes**2).sum()) / n) / (k - 1)
    return Components(max(0.0, (between_square - within) / effective), within, k, int(sizes.min()))


def _grouped(trainings: Trainings) -> tuple[NDArray[np.generic], Floats, Floats, Floats]:
    """Return the folds, each training's deviation from the mean of its fold, and the mean and size of each fold."""
    missing = [column for column in ("fold", "accuracy") if column not in trainings]
    if missing:
        raise StatisticsError(
            f"the table of trainings has no column {missing[0]!r}; it has: {', '.join(map(str, trainings))}"
        )
    fold, accuracy = np.asarray(trainings["fold"]), np.asarray(trainings["accuracy"], dtype=np.float64)
    if not accuracy.size:
        raise StatisticsError("the table of trainings is empty; give one row per fold and seed")
    for place in np.flatnonzero(~np.isfinite(accuracy)):
        raise StatisticsError(
            f"fold {fold[place]}: the accuracy is {accuracy[place]}, not a finite number; repeat that training, or "
            "remove it"
        )
    if "seed" in trainings:
        known: set[tuple[object, object]] = set()
        for training in zip(fold.tolist(), np.asarray(trainings["seed"]).tolist(), strict=True):
            if training in known:
                raise StatisticsError(
                    f"fold {training[0]}, seed {training[1]} appears twice; give the rows of one arm, each training "
                    "once"
                )
            known.add(training)
    folds, position, sizes = np.unique(fold, return_inverse=True, return_counts=True)
    counts = sizes.astype(np.float64)
    means = np.bincount(position, weights=accuracy) / counts
    return folds, accuracy - means[position], means, counts
