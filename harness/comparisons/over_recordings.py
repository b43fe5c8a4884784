"""Comparisons on the test part of a hold-out data set: over its recordings and the seeds, instead of over folds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.comparisons.statistical_tests import attempt
from harness.statistics.holdout import HoldoutTest, holdout_accuracy, holdout_difference

if TYPE_CHECKING:  # a comparison of fold accuracies needs no pandas, and these modules import this one
    import pandas as pd

    from harness.comparisons.arm_contrast import Contrast
    from harness.comparisons.claim_comparison import ClaimComparison, Rules
    from harness.record import StudyRecord


@dataclass(frozen=True)
class ClipAnswers:
    """What an arm has right of a test part.

    Attributes
    ----------
    clips
        Names of the clips, ascending, shape (N,).
    correct
        Right or wrong by clip and seed, shape (N, S).
    labels, recordings
        True class and recording of each clip, shape (N,).
    """

    clips: NDArray[Any]
    correct: NDArray[np.bool_]
    labels: NDArray[np.int64]
    recordings: NDArray[Any]

    def of_class(self, label: int) -> ClipAnswers:
        """Return the clips of one class."""
        inside = self.labels == label
        return ClipAnswers(self.clips[inside], self.correct[inside], self.labels[inside], self.recordings[inside])

    def of_clips(self, clips: NDArray[Any]) -> ClipAnswers:
        """Return the given clips alone."""
        inside = np.isin(self.clips, clips)
        return ClipAnswers(self.clips[inside], self.correct[inside], self.labels[inside], self.recordings[inside])

    def as_one_class(self) -> ClipAnswers:
        """Return the clips with one label, whose accuracy is the fraction of clips."""
        return replace(self, labels=np.zeros_like(self.labels))


def clip_answers(record: StudyRecord, arm: str) -> ClipAnswers:
    """Return what ``arm`` has right of the clips that it was tested on, each by one fold or on one test part."""
    rows = answered(record, arm)
    table = rows.set_index(["clip_id", "seed"])["correct"].sort_index().unstack("seed")  # noqa: PD010 no clip is twice
    of_clip = rows.drop_duplicates("clip_id").set_index("clip_id").loc[table.index]
    return ClipAnswers(
        clips=table.index.to_numpy(),
        correct=table.to_numpy(bool),
        labels=of_clip["y_true"].to_numpy(np.int64),
        recordings=of_clip["recording"].to_numpy(),
    )


def answered(record: StudyRecord, arm: str) -> pd.DataFrame:
    """Return the predictions of ``arm`` with a column ``correct``, right or wrong, by fold, seed and clip."""
    from harness.comparisons.scores import checked_predictions
    from harness.training.metrics import predicted_classes

    rows = checked_predictions(record)
    rows = rows[rows["arm"] == arm]
    right = predicted_classes(rows) == rows["y_true"].to_numpy()
    return rows[["fold", "seed", "clip_id", "recording", "y_true"]].assign(correct=right)


def over_recordings(comparison: ClaimComparison, clips: ClipAnswers, rules: Rules) -> ClaimComparison:
    """Return a comparison with a claim with the tests on a test part."""
    if comparison.estimand == "segment":
        return replace(comparison, over="recordings", refused="segment accuracies are not tested over recordings")
    exact = comparison.basis == "exact"
    measured, refused = attempt(lambda: accuracy_on_test_part(clips, rules))
    test, _ = attempt(
        lambda: holdout_accuracy(
            clips.correct,
            clips.labels,
            clips.recordings,
            comparison.claim.percent,
            exact=exact,
            confidence=rules.confidence,
            rounding=comparison.rounding,
        )
    )
    same = test.equivalence(rules.margin) if test else None
    spread = "taken as exact" if exact else "with the measured spread on both sides"
    return replace(
        comparison,
        over="recordings",
        measured=measured,
        refused=refused,
        used=f",{on_test_part(test)}, {spread}" if test else "",
        decisive=test,
        equivalence=same,
        p=test.p if test else None,
        p_equivalence=same.p if same else None,
        caveats=(*comparison.caveats, *_one_seed(test)),
    )


def accuracy_on_test_part(clips: ClipAnswers, rules: Rules) -> HoldoutTest:
    """Return the accuracy with its interval over recordings and seeds.

    Raises
    ------
    StatisticsError
        With fewer than 2 recordings, or no spread over them.
    """
    return holdout_accuracy(clips.correct, clips.labels, clips.recordings, confidence=rules.confidence)


def pair_on_test_part(contrast: Contrast, first: ClipAnswers, second: ClipAnswers, rules: Rules) -> Contrast:
    """Return ``contrast`` with the tests on a test part, on whose clips the two arms are paired.

    Parameters
    ----------
    contrast : Contrast
        Names of the arms, and the margin.
    first, second : ClipAnswers
        Right or wrong by clip and seed, of the first and of the second arm.
    rules : Rules
        Margin and confidence.
    """
    contrast = replace(contrast, over="recordings", mean=_percent(first) - _percent(second))
    if not np.array_equal(first.clips, second.clips):
        return replace(contrast, refused="the two were not tested on the same clips; complete both arms")
    test, refused = attempt(
        lambda: holdout_difference(
            first.correct, second.correct, first.labels, first.recordings, confidence=rules.confidence
        )
    )
    return replace(
        contrast,
        holdout=test,
        refused=refused,
        equivalence=test.equivalence(rules.margin) if test else None,
    )


def pair_on_shared_clips(contrast: Contrast, first: ClipAnswers, second: ClipAnswers, rules: Rules) -> Contrast:
    """Return ``contrast`` with the tests on the clips that both arms were tested on, where one was tested on one part
    of the data, so that there is no test over folds.

    Parameters
    ----------
    contrast : Contrast
        Names of the arms, and the margin.
    first, second : ClipAnswers
        Right or wrong by clip and seed, of the first and of the second arm.
    rules : Rules
        Margin and confidence.
    """
    shared = np.intersect1d(first.clips, second.clips)
    if not len(shared):
        return replace(contrast, over="recordings", refused="the two were tested on different clips")
    return pair_on_test_part(contrast, first.of_clips(shared), second.of_clips(shared), rules)


def on_test_part(test: HoldoutTest) -> str:
    """Return what a test is over, as the continuation of a sentence."""
    seeds = "one seed" if test.n_seeds == 1 else f"{test.n_seeds} seeds"
    return f" on the test part, over {test.n_recordings:,} recordings and {seeds}"


def _one_seed(test: HoldoutTest | None) -> tuple[str, ...]:
    return (
        ("one seed: the variation between trainings is not known and not covered",)
        if test and test.n_seeds == 1
        else ()
    )


def _percent(clips: ClipAnswers) -> float:
    """Return the macro accuracy, seeds averaged."""
    right, counts = np.bincount(clips.labels, weights=clips.correct.mean(axis=1)), np.bincount(clips.labels)
    present = counts > 0
    return float(100 * (right[present] / counts[present]).mean())
