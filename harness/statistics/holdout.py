"""Tests of accuracies that were measured on one test part: over its recordings, and over the seeds of the trainings.

There are no folds to test over, so the chance in an accuracy is divided into its two sources.

*Recordings*: others might have been drawn. The variance is that of the mean of the class accuracies by a jackknife that
leaves out one recording at a time, with classes as strata (Wolter 2007, section 4.5). It errs on the large side (Efron
and Stein 1981), where that of a bootstrap is too small by a factor of (n - 1) / n with n recordings a class.

*Seeds*: other trainings might have been made. The variance is that of the trainings' accuracies over their number. What
a training gets right by chance is part of both sources, so their sum errs on the large side. With one training this
source is unknown, and the test is about the networks as they were trained.

Degrees of freedom are recordings minus classes and seeds minus 1, joined as Welch and Satterthwaite do.

Where few clips are wrong the variance over recordings is estimated from these few, and is small whenever the network
was lucky. So a hypothesis is tested with the variance that holds under it, if that is larger than the estimated one: of
an accuracy that of a score test (Wilson 1927), of two arms that of Tango (1998), both times the design effect, by which
recordings and classes change the variance of independent clips. Accuracies are percentages, differences percentage
points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import StatisticsError
from harness.statistics.against_published import DifferenceTest
from harness.statistics.fold_values import Floats, check_confidence, check_margin, finite, not_below_0
from harness.statistics.student import above, critical, two_sided
from harness.statistics.tost import Equivalence

_POINTS = 100.0
_STEPS = 50
_NOTHING = 1e-20
_PRIOR = 4


@dataclass(frozen=True)
class Sources:
    """The sources of chance in a difference.

    Attributes
    ----------
    recordings, recordings_df
        Estimated variance over recordings of the measured accuracy, or of two arms' difference; degrees of freedom.
    design
        The variance over recordings is this times the variance of one clip.
    seeds, seeds_df
        Variance over seeds of both sides, 0 where it is not known; degrees of freedom.
    accuracy, target, exact
        The measured accuracy, what it is compared with, and whether that has no variance of its own; None for two arms.
    apart
        Of two arms, the percentages of clips that only the first and only the second has right.
    """

    recordings: float
    recordings_df: float
    design: float
    seeds: float = 0.0
    seeds_df: float = 1.0
    accuracy: float = math.nan
    target: float = math.nan
    exact: bool = True
    apart: tuple[float, float] | None = None

    def over_recordings(self, difference: float) -> float:
        """Return the variance over recordings of both sides if the true difference is ``difference``."""
        if self.apart is not None:
            return max(self.recordings, self.design * _paired(*self.apart, difference))
        if self.exact:
            return self._at(self.target + difference)
        middle = (self.accuracy + self.target) / 2
        return self._at(middle + difference / 2) + self._at(middle - difference / 2)

    def error(self, difference: float) -> tuple[float, float]:
        """Return the standard error, and its degrees of freedom, if the true difference is ``difference``."""
        recordings = self.over_recordings(difference)
        total = recordings + self.seeds
        return math.sqrt(total), total**2 / (recordings**2 / self.recordings_df + self.seeds**2 / self.seeds_df)

    def _at(self, accuracy: float) -> float:
        """Return the variance over recordings of an arm with this true accuracy."""
        return max(self.recordings, self.design * accuracy * (_POINTS - accuracy))


@dataclass(frozen=True)
class HoldoutTest(DifferenceTest):
    """An accuracy minus a number, or minus another arm's, on one test part; intervals are over recordings and seeds.

    Attributes
    ----------
    n_recordings, n_seeds
        Recordings of the test part, and trainings of the arm; of two arms, those of the one with fewer.
    recordings_error, seeds_error
        The two parts of the standard error. With one seed the second is None: it is not known, and not covered.
    sources
        What they are computed from.
    """

    n_recordings: int
    n_seeds: int
    recordings_error: float
    seeds_error: float | None
    sources: Sources

    def equivalence(self, margin: float) -> Equivalence:
        """Return the two one-sided tests that the difference is within ``margin``, at alpha = 1 - confidence.

        Raises
        ------
        StatisticsError
            When ``margin`` is not above 0.
        """
        p_lower, p_upper = self._one_sided(margin)
        alpha = 1 - self.confidence
        low, high = _interval(self.difference, self.sources, 1 - 2 * alpha, self.rounding)
        return Equivalence(
            difference=self.difference,
            margin=margin,
            p_lower=p_lower,
            p_upper=p_upper,
            p=max(p_lower, p_upper),
            equivalent=max(p_lower, p_upper) < alpha,
            low=low,
            high=high,
            smallest_margin=max(-low, high),
        )

    def equivalence_p(self, margin: float) -> float:
        """Return the p of :meth:`equivalence`."""
        return max(self._one_sided(margin))

    def _one_sided(self, margin: float) -> list[float]:
        """Return the p of the tests against a difference at or below ``-margin``, and at or above ``margin``."""
        room = check_margin(margin) - self.rounding
        return [
            above(sign * (self.difference - edge) / error, df)
            for sign, edge in ((1, -room), (-1, room))
            for error, df in [self.sources.error(edge)]
        ]


def holdout_accuracy(
    correct: ArrayLike,
    labels: ArrayLike,
    recordings: ArrayLike,
    target: float = 0.0,
    *,
    exact: bool = True,
    confidence: float = 0.95,
    rounding: float = 0.0,
) -> HoldoutTest:
    """Test an arm's macro accuracy on a test part against ``target``; with 0 its interval is that of the accuracy.

    A target that is not ``exact`` was itself measured, with one training and on as many recordings, so it is given the
    arm's variance over recordings and that of one seed. That takes the two as independent. Where both were measured on
    the same test part, clips that are hard for one tend to be hard for the other, which a single published number
    cannot show, and the test is conservative.

    Parameters
    ----------
    correct : array_like, shape (n_clips, n_seeds)
        Right or wrong per clip and training.
    labels, recordings : array_like, shape (n_clips,)
        True class and recording of each clip. With one label for all the accuracy is the fraction of clips.
    target : float
        The number to test against, in percent.
    exact : bool
        Whether ``target`` has no error of its own.
    confidence : float
        Probability of the interval.
    rounding : float
        Half a unit of the last printed digit of ``target``, in points.

    Raises
    ------
    StatisticsError
        With fewer than 2 recordings, no spread over them, shapes that do not fit, a number that is not finite,
        ``rounding`` below 0, or ``confidence`` outside (0, 1).

    Examples
    --------
    >>> correct = [[1, 1], [1, 0], [0, 0], [1, 1], [0, 1], [1, 1]]
    >>> found = holdout_accuracy(correct, [0, 0, 0, 1, 1, 1], list("abcdef"), 90.0)
    >>> round(found.difference, 1), found.n_recordings, found.n_seeds
    (-23.3, 6, 2)
    """
    clips = _Clips(labels, recordings)
    answers = clips.checked(correct, "correct")
    by_seed = clips.accuracies(answers)
    mean, seeds, right = float(by_seed.mean()), by_seed.size, answers.mean(axis=1)
    recordings_variance = clips.variance(right)
    sources = Sources(
        recordings=recordings_variance,
        recordings_df=clips.df,
        design=clips.design(recordings_variance / (mean * (_POINTS - mean)), right > 0, right < 1),
        seeds=float(by_seed.var(ddof=1)) * (1 / seeds + (not exact)) if seeds > 1 else 0.0,
        seeds_df=max(1, seeds - 1),
        accuracy=mean,
        target=finite(target, "target"),
        exact=exact,
    )
    return _test(mean - target, sources, clips.n_recordings, seeds, check_confidence(confidence), rounding)


def holdout_difference(
    first: ArrayLike, second: ArrayLike, labels: ArrayLike, recordings: ArrayLike, *, confidence: float = 0.95
) -> HoldoutTest:
    """Test the difference in macro accuracy, first - second, of two arms on the same test part, paired by clip.

    Parameters
    ----------
    first, second : array_like, shape (n_clips, n_seeds)
        Right or wrong per clip and training; clips in the same order. With as many seeds on both sides trainings are
        paired in their order, else the two variances over seeds are added.
    labels, recordings : array_like, shape (n_clips,)
        True class and recording of each clip. With one label for all the accuracy is the fraction of clips.
    confidence : float
        Probability of the interval.

    Raises
    ------
    StatisticsError
        As :func:`holdout_accuracy`.
    """
    clips = _Clips(labels, recordings)
    answers = clips.checked(first, "first"), clips.checked(second, "second")
    left, right = (clips.accuracies(each) for each in answers)
    variances, df = np.zeros(1), np.ones(1)
    seeds = min(left.size, right.size)
    if seeds > 1:
        spread = [left - right] if left.size == right.size else [left, right]
        variances = np.array([each.var(ddof=1) / each.size for each in spread])
        df = np.array([each.size - 1 for each in spread])
    over_seeds = float(variances.sum())
    apart = answers[0].mean(axis=1) - answers[1].mean(axis=1)
    shares = clips.percent(np.maximum(apart, 0)), clips.percent(np.maximum(-apart, 0))
    recordings_variance, difference = clips.variance(apart), shares[0] - shares[1]
    sources = Sources(
        recordings=recordings_variance,
        recordings_df=clips.df,
        design=clips.design(recordings_variance / _paired(*shares, difference), apart != 0),
        apart=shares,
        seeds=over_seeds,
        seeds_df=over_seeds**2 / float((variances**2 / df).sum()) if over_seeds else 1.0,
    )
    return _test(difference, sources, clips.n_recordings, seeds, check_confidence(confidence), 0.0)


class _Clips:
    """The clips of a test part: their classes (C) as strata, their recordings (G) as clusters."""

    def __init__(self, labels: ArrayLike, recordings: ArrayLike) -> None:
        columns = (np.unique(np.asarray(each), return_inverse=True)[1] for each in (labels, recordings))
        self._label, self._recording = columns
        if self._label.shape != self._recording.shape:
            raise StatisticsError(
                f"labels has the shape {self._label.shape} and recordings {self._recording.shape}; "
                "give one of each per clip"
            )
        self.n_recordings = int(self._recording.max()) + 1 if self._recording.size else 0
        if self.n_recordings < 2:
            raise StatisticsError(
                f"a test over recordings needs at least 2 of them, received {self.n_recordings}; test more recordings"
            )
        self._n_classes = int(self._label.max()) + 1
        self.df = max(1, self.n_recordings - self._n_classes)
        self._totals_C = np.bincount(self._label).astype(np.float64)
        # Cells: every class of every recording, of which most are usually empty.
        cells, self._cell, clips = np.unique(
            self._recording * self._n_classes + self._label, return_inverse=True, return_counts=True
        )
        self._cell_recording, self._cell_label = np.divmod(cells, self._n_classes)
        recordings = np.bincount(self._cell_label)[self._cell_label]
        self._alone = recordings == 1
        self._share = clips / self._totals_C[self._cell_label]
        self._rest = np.where(self._alone, 1, self._totals_C[self._cell_label] - clips)
        self._weight = np.sqrt(1 - 1 / recordings)

    def checked(self, correct: ArrayLike, name: str) -> Floats:
        """Return answers as an array, or raise StatisticsError where they are not right or wrong for each clip."""
        answers = np.asarray(correct)
        if answers.ndim != 2 or not answers.size or len(answers) != self._label.size:
            raise StatisticsError(
                f"{name} has the shape {answers.shape}; give (n_clips, n_seeds), in the order of the "
                f"{self._label.size} labels"
            )
        if answers.dtype.kind not in "biuf" or not np.isin(answers, (0, 1)).all():
            raise StatisticsError(f"{name} must say right (True) or wrong (False) for each clip and training")
        converted: Floats = answers.astype(np.float64)
        return converted

    def accuracies(self, answers_NS: Floats) -> Floats:
        """Return the macro accuracy of each training in percent, shape (S,)."""
        return np.array([self.percent(answers) for answers in answers_NS.T])

    def percent(self, values_N: Floats) -> float:
        """Return the mean of the class means in percent."""
        return _POINTS * float(self._by_class(values_N).mean())

    def design(self, estimated: float, *telling_N: NDArray[np.bool_]) -> float:
        """Return by how much the variance over recordings exceeds that of one clip.

        Few recordings tell little about it, so that the estimate is joined with what it is where the clips of a
        recording are all right or all wrong; that counts as :data:`_PRIOR` recordings.

        Parameters
        ----------
        estimated : float
            The estimated variance over recordings over that of one clip.
        *telling_N : ndarray of bool, shape (N,)
            Clips that tell about it; of several kinds, the one that fewest recordings have counts.
        """
        together = float(np.square(self._share).sum()) / self._n_classes**2
        n = min(np.unique(self._recording[telling]).size for telling in telling_N)
        return max(estimated, (n * estimated + _PRIOR * together) / (n + _PRIOR))

    def variance(self, values_N: Floats) -> float:
        """Return the variance over recordings of the mean of class means of ``values_N``, in squared points.

        Raises
        ------
        StatisticsError
            When the recordings show no spread.
        """
        means_C = self._by_class(values_N)
        sums = np.bincount(self._cell, weights=values_N - means_C[self._label])
        # How far the mean of a class moves if one of its recordings is left out.
        moves: Floats = sums / self._rest * self._weight
        if self._n_classes > 1:
            # A class with one recording shows no spread of its own; its deviation from the other classes replaces it.
            apart_C = (means_C - means_C.mean()) / math.sqrt(1 - 1 / self._n_classes)
            moves[self._alone] = apart_C[self._cell_label[self._alone]]
        sums_G = np.bincount(self._cell_recording, weights=moves) / self._n_classes
        variance = float((sums_G**2).sum())
        if variance <= _NOTHING:
            raise StatisticsError(
                f"the {self.n_recordings} recordings show no spread, as when all clips are right or all are wrong, so "
                "nothing is known about chance and no test can be made; test more recordings"
            )
        return _POINTS**2 * variance

    def _by_class(self, values_N: Floats) -> Floats:
        means_C: Floats = np.bincount(self._label, weights=values_N) / self._totals_C
        return means_C


def _test(
    difference: float, sources: Sources, n_recordings: int, n_seeds: int, confidence: float, rounding: float
) -> HoldoutTest:
    nearest = math.copysign(min(abs(difference), not_below_0(rounding, "rounding")), difference)
    error, df = sources.error(nearest)
    t = (difference - nearest) / error
    low, high = _interval(difference, sources, confidence, rounding)
    return HoldoutTest(
        difference=difference,
        standard_error=error,
        df=df,
        t=t,
        p=two_sided(t, df),
        low=low,
        high=high,
        confidence=confidence,
        rounding=rounding,
        n_recordings=n_recordings,
        n_seeds=n_seeds,
        recordings_error=math.sqrt(sources.over_recordings(nearest)),
        seeds_error=math.sqrt(sources.seeds) if n_seeds > 1 else None,
        sources=sources,
    )


def _paired(first_only: float, second_only: float, difference: float) -> float:
    """Return the variance of one clip's difference, in squared points, if the true difference is ``difference``.

    Arguments are percentages; the share of clips that the two have apart is the most likely one under that hypothesis
    (Tango 1998).
    """
    if difference < 0:
        return _paired(second_only, first_only, -difference)
    b, c, d = first_only / _POINTS, second_only / _POINTS, min(difference / _POINTS, 1.0)
    linear = (2 - b + c) * d - b - c
    most_likely = (math.sqrt(linear**2 + 8 * c * d * (1 - d)) - linear) / 4
    return _POINTS**2 * (2 * most_likely + d * (1 - d))


def _interval(difference: float, sources: Sources, confidence: float, rounding: float) -> tuple[float, float]:
    """Return the differences that a two-sided test does not reject, widened by ``rounding`` at both ends."""
    tail = (1 - confidence) / 2

    def end(sign: int) -> float:
        inside, outside = 0.0, 2 * _POINTS  # no difference is larger
        for _ in range(_STEPS):
            middle = (inside + outside) / 2
            error, df = sources.error(difference + sign * middle)
            if middle <= critical(tail, df) * error:
                inside = middle
            else:
                outside = middle
        return inside

    return difference - end(-1) - rounding, difference + end(1) + rounding
