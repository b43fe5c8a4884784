"""The smallest true differences that the tests of a family would find, given this amount of data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.comparisons.arm_contrast import Contrast
from harness.statistics.clip_tests import detectable_clip_difference
from harness.statistics.power import POWER, detectable_difference


@dataclass(frozen=True)
class Detectable:
    """The smallest true difference that is found with a probability of 80 %, at the median spread of the pairs.

    Attributes
    ----------
    over
        What the test is over: ``folds``, ``recordings`` or ``clips`` (McNemar, which takes clips as independent).
    one, family
        In percentage points: of a single test, and at the level that Holm's adjustment asks of the smallest p of the
        family.
    """

    over: str
    one: float
    family: float


def detectable(contrasts: Sequence[Contrast], clips: int, alpha: float) -> tuple[Detectable, ...]:
    """Return what the tests of ``contrasts`` would find.

    Parameters
    ----------
    contrasts : sequence of Contrast
        The family.
    clips : int
        Number of clips; 0 where they are not known.
    alpha : float
        Level of the tests.
    """
    found = []
    levels = (alpha, alpha / max(1, len(contrasts)))
    if tests := [each.test for each in contrasts if each.test is not None]:
        found.append(
            Detectable("folds", *(_of_t(_median([t.standard_error for t in tests]), tests[0].df, at) for at in levels))
        )
    if holdouts := [each.holdout for each in contrasts if each.holdout is not None]:
        error, df = _median([t.standard_error for t in holdouts]), _median([t.df for t in holdouts])
        found.append(Detectable("recordings", *(_of_t(error, df, at) for at in levels)))
    apart = [each.mcnemar.only_first + each.mcnemar.only_second for each in contrasts if each.mcnemar is not None]
    share = _median(apart) / clips if apart and clips else 0.0
    if share:
        found.append(Detectable("clips", *(100 * detectable_clip_difference(share, clips, alpha=at) for at in levels)))
    return tuple(found)


def _of_t(error: float, df: float, alpha: float) -> float:
    """Return what a t-test with this standard error finds, if that is the true one."""
    k = max(2, round(df) + 1)
    return detectable_difference(error / math.sqrt(1 / k + 1), k, ratio=1.0, alpha=alpha, power=POWER)


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))
