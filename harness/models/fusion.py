"""Fusion of class probabilities of several networks: Dempster's rule and the mean.

Pure functions on arrays of shape (n, C): n items, C classes, rows that sum to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.choices import FusionRule

# Sums of float32 softmax rows differ from 1 by about 1e-6; anything further off is not a probability.
TOLERANCE = 1e-3


def dempster_shafer(probabilities: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """Return the combination of mass functions on singletons by Dempster's rule, float64, shape (n, C).

    Su et al. 2019, section 3.3: with all mass on single classes only equal classes intersect, so the rule becomes the
    normalised element-wise product. It is computed as a sum of logarithms: a product of many small numbers would
    underflow.

    Where the streams contradict each other completely (every class has probability 0 in some stream, K = 1) the rule is
    undefined; those rows are the mean of the streams. :func:`total_conflict` returns which they are.

    Raises
    ------
    ValueError
        When the arrays differ in shape or a row is not a probability distribution.

    Examples
    --------
    >>> import numpy as np
    >>> dempster_shafer([np.array([[0.6, 0.4]]), np.array([[0.9, 0.1]])]).round(3)
    array([[0.931, 0.069]])
    """
    streams = _checked(probabilities)
    with np.errstate(divide="ignore"):
        logs = np.log(streams).sum(axis=0)
    peak = logs.max(axis=1, keepdims=True)
    conflict = np.isneginf(peak[:, 0])
    product = np.exp(logs - np.where(np.isneginf(peak), 0.0, peak))
    product[conflict] = streams[:, conflict].mean(axis=0)
    return _normalised(product)


def mean_fusion(probabilities: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """Return the mean of the streams' probabilities, float64, shape (n, C). Raises as :func:`dempster_shafer`."""
    return _normalised(_checked(probabilities).mean(axis=0))


def total_conflict(probabilities: Sequence[ArrayLike]) -> NDArray[np.bool_]:
    """Return which rows have no class that every stream considers possible, shape (n,). Raises as the rule itself."""
    possible = np.all(_checked(probabilities) > 0, axis=0)
    conflict: NDArray[np.bool_] = np.logical_not(np.any(possible, axis=1))
    return conflict


RULES: dict[str, Callable[[Sequence[ArrayLike]], NDArray[np.float64]]] = {
    FusionRule.DEMPSTER_SHAFER: dempster_shafer,
    FusionRule.MEAN: mean_fusion,
}


def _checked(probabilities: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """Return the streams as one array, float64, shape (streams, n, C), every row summing to 1."""
    arrays = [np.asarray(stream, dtype=np.float64) for stream in probabilities]
    if not arrays:
        raise ValueError("fusion needs at least one stream of probabilities")
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) != 1 or len(shapes[0]) != 2:
        raise ValueError(f"streams must have the same shape (n, classes), received {', '.join(map(str, shapes))}")
    stacked = np.stack(arrays)
    if not (np.isfinite(stacked).all() and (stacked >= 0).all()):
        raise ValueError("probabilities must be finite and non-negative")
    sums = stacked.sum(axis=2)
    if (np.abs(sums - 1) > TOLERANCE).any():
        worst = float(sums.flat[np.argmax(np.abs(sums - 1))])
        raise ValueError(f"each row must sum to 1, but one sums to {worst:.6g}")
    exact: NDArray[np.float64] = stacked / sums[:, :, None]
    return exact


def _normalised(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    exact: NDArray[np.float64] = rows / rows.sum(axis=1, keepdims=True)
    return exact
