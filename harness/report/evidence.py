"""Evidence: all results that a report presents, computed once from the study's record."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from harness.claims import Paper
from harness.claims.audit.checks import audit
from harness.claims.audit.finding import Audit
from harness.comparisons.against_claim import ClaimComparison
from harness.comparisons.between_arms import ArmComparisons, compare_arms
from harness.comparisons.conditions import conditions_of
from harness.comparisons.missed_clips import HardClips, hard_clips
from harness.comparisons.over_recordings import accuracy_on_test_part, clip_answers
from harness.comparisons.protocols import ProtocolEffect, protocol_effects
from harness.comparisons.recounted_leakage import leakage_of
from harness.comparisons.scores import StudyScores, score_study
from harness.comparisons.statistical_tests import attempt
from harness.comparisons.study_claims import compare_claims, library_of, rules_of
from harness.errors import ClaimsError
from harness.record import StudyRecord
from harness.report import wording
from harness.report.report_section import unique_stems
from harness.statistics.holdout import HoldoutTest
from harness.statistics.t_tests import TTest, one_sample

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evidence:
    """A study's record, and the results computed from it.

    Attributes
    ----------
    record, scores, marks
        The record as read, its scores, and the sentences that every caption carries.
    claims, claims_refused
        The comparisons with published numbers, in the study file's order; if a claim cannot be read there are none,
        and ``claims_refused`` says why.
    arms
        The arms compared with each other.
    clips
        Clips that all arms miss, and those that only a fusion gets right.
    protocols
        The effect of the protocol alone, for networks under several protocols.
    leakage
        What the parts of each split share: one row per split, fold and choice of final training data.
    intervals
        By arm, the interval of the mean macro accuracy, in percent: corrected over folds, of which one gives none, or
        over the recordings and seeds of a test part.
    papers, audits
        The papers that the claims are from, by key, and the audits of their numbers.
    networks
        By trained arm, the table of its network's layers with the columns ``layer``, ``output``, ``weights`` and
        ``activations``; may be empty.
    """

    record: StudyRecord
    scores: StudyScores
    marks: tuple[str, ...]
    claims: tuple[ClaimComparison, ...]
    claims_refused: str
    arms: ArmComparisons
    clips: HardClips
    intervals: Mapping[str, TTest | HoldoutTest]
    leakage: pd.DataFrame
    protocols: tuple[ProtocolEffect, ...] = ()
    papers: Mapping[str, Paper] = field(default_factory=dict)
    audits: tuple[Audit, ...] = ()
    networks: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def stems(self) -> dict[str, str]:
        """By arm, in the study's order: its part of the names of files."""
        return unique_stems([str(arm) for arm in self.scores.arms["arm"]])

    @property
    def fused(self) -> tuple[str, ...]:
        """The arms that fuse others."""
        return tuple(arm.name for arm in self.record.spec.arms if arm.is_fused)

    @property
    def macro_claims(self) -> tuple[ClaimComparison, ...]:
        """The comparisons with a published macro accuracy; see :func:`reads_as_macro`."""
        folds = self.scores.folds
        return tuple(each for each in self.claims if reads_as_macro(each.estimand, folds[folds["arm"] == each.arm]))

    @property
    def sample(self) -> str:
        """What means, SDs and intervals are over, in two sentences of a caption."""
        if wording.is_holdout(self.record):
            size = wording.seeds_size(self.scores)
            interval = f"Interval: {self.confidence}, over recordings and seeds."
            return f"Means are over seeds, on the test part; {size}. {interval}"
        return (
            f"SD: {wording.OVER_FOLDS}; {wording.sample_size(self.scores)}. Interval: {self.confidence}, of the mean "
            "over folds, corrected for training sets that overlap."
        )

    @property
    def small(self) -> str:
        """The sample of an interval that is too wide."""
        return "little data" if wording.is_holdout(self.record) else "few folds"

    @property
    def mean(self) -> str:
        """What the means of a table are over."""
        return self.mean_of(wording.sample_size(self.scores))

    def mean_of(self, size: str) -> str:
        """Return what means are over; ``size`` is that of a sample of folds and seeds."""
        if wording.is_holdout(self.record):
            return f"mean over seeds, on the test part; {wording.seeds_size(self.scores)}"
        return f"mean over folds, seeds averaged first; {size}"

    @property
    def margin(self) -> float:
        """The declared margin of equivalence in points."""
        return rules_of(self.record.spec).margin

    @property
    def confidence(self) -> str:
        """The confidence of intervals in words: ``95 %``."""
        return f"{100 * rules_of(self.record.spec).confidence:g} %"


def reads_as_macro(estimand: str, folds: pd.DataFrame) -> bool:
    """Return whether an accuracy can be compared with macro accuracy.

    That is also true of clip accuracy if the two are equal, as on balanced folds. ``folds`` has a row for each fold of
    one arm, with ``clip_accuracy`` and ``macro_accuracy``.
    """
    if estimand != "clip":
        return estimand == "macro"
    return bool(np.allclose(folds["clip_accuracy"], folds["macro_accuracy"], rtol=0, atol=1e-12))


def gather(record: StudyRecord, networks: Mapping[str, pd.DataFrame] | None = None) -> Evidence:
    """Return the evidence of ``record``.

    Parameters
    ----------
    record
        Record of the study.
    networks
        Layer tables by arm, as :func:`~harness.report.topics.network_layers.layer_tables` returns them; None for none.

    Raises
    ------
    ReportError
        When the record holds no tested fold, or invalid predictions.
    """
    scores = score_study(record)
    claims: tuple[ClaimComparison, ...] = ()
    papers: dict[str, Paper] = {}
    refused = ""
    try:
        claims = compare_claims(record, scores)
        library = library_of(record) if claims else None
        papers = {each.claim.source.key: library.paper(each.claim.source.key) for each in claims} if library else {}
    except ClaimsError as error:
        # The arms' own numbers are valid without the published ones.
        refused = str(error)
        _logger.warning("The comparison with published numbers is left out of the report: %s", refused)
    arms = compare_arms(record, scores)
    return Evidence(
        record=record,
        scores=scores,
        marks=tuple(wording.marks(record, scores)),
        claims=claims,
        claims_refused=refused,
        arms=arms,
        clips=hard_clips(record),
        intervals=_intervals(record, scores),
        leakage=leakage_of(record),
        protocols=protocol_effects(record, scores, arms),
        papers=papers,
        audits=tuple(audit(paper) for paper in papers.values()),
        networks=networks or {},
    )


def _intervals(record: StudyRecord, scores: StudyScores) -> dict[str, TTest | HoldoutTest]:
    rules = rules_of(record.spec)
    found: dict[str, TTest | HoldoutTest] = {}
    for arm, rows in scores.folds.groupby("arm", sort=False, observed=True):
        percents = {int(fold): 100 * float(value) for fold, value in rows[["fold", "macro_accuracy"]].to_numpy()}
        ratio = conditions_of(record, str(arm)).ratio
        # Only the interval is used, which does not depend on the hypothesised mean.
        measure: Callable[[], TTest | HoldoutTest] = partial(
            one_sample, percents, 0.0, ratio=ratio, confidence=rules.confidence
        )
        if record.tests_one_part(str(arm)):
            measure = partial(accuracy_on_test_part, clip_answers(record, str(arm)), rules)
        test, _ = attempt(measure)
        if test is not None:
            found[str(arm)] = test
    return found
