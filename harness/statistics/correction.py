"""The standard error of a cross-validated mean, corrected for training sets that overlap.

Folds share most of their training data, so their accuracies are correlated and the usual standard error, s / sqrt(k),
is too small: by a factor of 1.5 with 5 folds and 1.45 with 10. No unbiased estimate exists (Bengio and Grandvalet
2004); Nadeau and Bengio (2003, "Inference for the generalization error", Machine Learning 52) put the correlation at
n_test / (n_test + n_train), which adds n_test / n_train to 1 / k.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from harness.statistics.fold_values import Floats, check_count

Number = TypeVar("Number", float, Floats)


def fold_ratio(k: int) -> float:
    """Return n_test / n_train of k-fold cross-validation: 1 / (k - 1).

    ``k`` is the number of folds that the data are split into, even when only some of them are tested. Where another
    fold is held out for validation, the ratio is 1 / (k - 2): divide the sizes instead of calling this function.

    Raises
    ------
    StatisticsError
        When ``k`` is below 2.

    Examples
    --------
    >>> fold_ratio(5)
    0.25
    """
    return 1 / (check_count(k, "k") - 1)


def standard_error(sd: Number, k: int, ratio: float) -> Number:
    """Return ``sd`` x sqrt(1 / k + ratio); ``ratio`` 0 gives the uncorrected one. ``sd`` may be an array."""
    return sd * float(np.sqrt(1 / k + ratio))
