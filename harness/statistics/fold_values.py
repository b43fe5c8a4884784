"""Validation of fold values and test settings: values are checked, ordered and paired.

The functions of this package are independent of units: values, targets and margins share one unit, usually percentage
points. ``ratio`` is n_test / n_train of one fold; see :func:`harness.statistics.correction.fold_ratio`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.errors import StatisticsError

if TYPE_CHECKING:
    import pandas as pd

Floats: TypeAlias = NDArray[np.float64]
FoldValues: TypeAlias = "Mapping[int, float] | pd.Series[float] | Sequence[float] | Floats"
"""One value per fold, already averaged over seeds: a mapping (or Series) of fold to value, or values in fold order."""

# A spread below this fraction of the values' magnitude is rounding error of equal numbers.
_ROUNDING = 1e-12


def fold_array(values: FoldValues, name: str = "values") -> Floats:
    """Return ``values`` as an array, shape (k,), in ascending order of folds where these are named.

    Raises
    ------
    StatisticsError
        When there are fewer than 2 folds, or a value is not a finite number.
    """
    array, labels = _labelled(values, name)
    if array.size < 2:
        raise StatisticsError(
            f"{name}: a test over folds needs at least 2 folds, received {array.size}; test the model on more folds"
        )
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise StatisticsError(
            f"{name}: the value of fold {labels[bad[0]]} is {array[bad[0]]}, not a finite number; repeat that fold, or "
            "exclude it from every arm"
        )
    return array


def fold_pairs(first: FoldValues, second: FoldValues) -> tuple[Floats, Floats]:
    """Return both as arrays, shapes (k,), with the same fold at each position.

    Raises
    ------
    StatisticsError
        When the folds differ, when only one side names its folds, or as :func:`fold_array`.
    """
    (left, left_folds), (right, right_folds) = _labelled(first, "first"), _labelled(second, "second")
    if _named(first) != _named(second):
        raise StatisticsError(
            "first and second cannot be paired: only one of them names its folds; give both as fold -> value"
        )
    if left_folds != right_folds:
        alone = [f"{fold} (first only)" for fold in left_folds if fold not in right_folds]
        alone += [f"{fold} (second only)" for fold in right_folds if fold not in left_folds]
        raise StatisticsError(
            f"first has {left.size} folds and second {right.size}, and they differ: {', '.join(alone)}; give the folds "
            "that both were tested on"
        )
    return fold_array(first, "first"), fold_array(second, "second")


def differences(first: FoldValues, second: FoldValues | float) -> tuple[Floats, float]:
    """Return first - second by fold, shape (k,), and the largest absolute value, against which rounding is judged.

    ``second`` may be one number, which is subtracted from every fold of ``first``.
    """
    if isinstance(second, int | float | np.number):
        left, right = fold_array(first, "first"), np.asarray(finite(float(second), "target"))
    else:
        left, right = fold_pairs(first, second)
    return left - right, float(max(np.abs(left).max(), np.abs(right).max()))


def fold_sd(values: Floats, size: float) -> float:
    """Return the standard deviation over folds (ddof 1).

    Raises
    ------
    StatisticsError
        When all values are equal up to rounding of numbers of this ``size``.
    """
    if equal(values, size):
        raise StatisticsError(
            f"values: all {values.size} folds have the same value, {values[0]:g}, so their spread says nothing about "
            "chance and no test can be made; give each fold's own value, or more folds"
        )
    return float(np.std(values, ddof=1))


def equal(values: Floats, size: float) -> bool:
    """Return whether ``values`` differ by no more than rounding of numbers as large as ``size``."""
    return bool(np.ptp(values) <= _ROUNDING * size)


def finite(value: float, name: str) -> float:
    """Return ``value``, or raise StatisticsError when it is not a finite number."""
    if not np.isfinite(value):
        raise StatisticsError(f"{name} is {value}; give a finite number in the unit of the values")
    return value


def positive(value: float, name: str, advice: str) -> float:
    """Return ``value``, or raise StatisticsError with ``advice`` when it is not a finite number above 0."""
    if not (np.isfinite(value) and value > 0):
        raise StatisticsError(f"{name} must be above 0, received {value}; {advice}")
    return value


def not_below_0(value: float, name: str) -> float:
    """Return ``value``, or raise StatisticsError when it is not a finite number of at least 0."""
    if not (np.isfinite(value) and value >= 0):
        raise StatisticsError(f"{name} must be 0 or more, received {value}")
    return value


def check_ratio(ratio: float, name: str = "ratio") -> float:
    """Return ``ratio``, or raise StatisticsError when it is not above 0."""
    return positive(ratio, name, "give n_test / n_train, which is 1 / (k - 1) for k folds")


def check_margin(margin: float) -> float:
    """Return ``margin``, or raise StatisticsError when it is not above 0."""
    return positive(
        margin, "margin", "give the largest difference that is of no practical relevance, in the unit of the values"
    )


def check_confidence(confidence: float) -> float:
    """Return ``confidence``, or raise StatisticsError when it is outside (0, 1)."""
    if not 0 < confidence < 1:
        raise StatisticsError(f"confidence must be between 0 and 1, received {confidence}; 0.95 is common")
    return confidence


def check_alpha(alpha: float) -> float:
    """Return ``alpha``, or raise StatisticsError when it is outside (0, 0.5)."""
    if not 0 < alpha < 0.5:
        raise StatisticsError(f"alpha must be between 0 and 0.5, received {alpha}; 0.05 is common")
    return alpha


def check_count(k: int, name: str) -> int:
    """Return ``k``, or raise StatisticsError when it is not an integer of at least 2."""
    if not float(k).is_integer() or k < 2:
        raise StatisticsError(f"{name} must be an integer of at least 2, received {k}")
    return int(k)


def _named(values: FoldValues) -> bool:
    # A Series is recognised by its ``items``, so that callers need not import pandas.
    return hasattr(values, "items")


def _labelled(values: FoldValues, name: str) -> tuple[Floats, list[int]]:
    """Return the values and their folds, ascending; unnamed folds are numbered from 1."""
    if not isinstance(values, Sequence | np.ndarray):
        pairs = sorted((int(str(fold)), float(value)) for fold, value in values.items())
        folds = [fold for fold, _ in pairs]
        for fold, following in pairwise(folds):
            if fold == following:
                raise StatisticsError(f"{name}: fold {fold} appears twice; average its seeds first (average_seeds)")
        return np.array([value for _, value in pairs], dtype=np.float64), folds
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise StatisticsError(f"{name} must have one value per fold, received an array of shape {array.shape}")
    return array, list(range(1, array.size + 1))
