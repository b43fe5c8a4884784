"""Comparisons of a study's arms with the claims that it names, with the claim's estimand and as one family."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.claims import Claim, Library, load_library, parse_paper
from harness.comparisons.against_claim import ClaimComparison, Rules, compare_with_claim, settle_family
from harness.comparisons.conditions import conditions_of
from harness.comparisons.over_recordings import ClipAnswers, answered, clip_answers
from harness.statistics.bootstrap import BootstrapInterval, macro_accuracy_bootstrap

if TYPE_CHECKING:
    import pandas as pd

    from harness.comparisons.scores import StudyScores
    from harness.record import StudyRecord
    from harness.study import StudySpec

_COLUMNS = {"macro": "macro_accuracy", "clip": "clip_accuracy", "segment": "segment_accuracy"}


def rules_of(spec: StudySpec) -> Rules:
    """Return what a study declares before it runs."""
    declared = spec.evaluate
    return Rules(margin=declared.margin, confidence=declared.confidence, claim_exact=declared.claim_exact)


def library_of(record: StudyRecord) -> Library:
    """Return the papers as the study recorded them; for a record without any, those that ship with the project.

    Raises
    ------
    ClaimsError
        When a recorded paper cannot be read by this version.
    """
    if not record.claims:
        return load_library()
    return Library(
        {
            key: parse_paper(paper, f"claims recorded in run {record.run_id}, {key}")
            for key, paper in record.claims.items()
        }
    )


def compare_claims(record: StudyRecord, scores: StudyScores) -> tuple[ClaimComparison, ...]:
    """Return one comparison per [[compare]] of the study whose arm has a tested fold, in the study file's order.

    They are one family: p values are adjusted together.

    Raises
    ------
    ClaimsError
        When a claim cannot be found.
    """
    if not record.spec.compare:
        return ()
    library = library_of(record)
    rules = rules_of(record.spec)
    found = []
    for entry in record.spec.compare:
        claim, arm = library.claim(entry.claim), entry.arm
        runs = scores.runs[scores.runs["arm"] == arm]
        if runs.empty:
            continue
        estimand, trainings = _trainings(record, scores, runs, claim)
        comparison = compare_with_claim(
            arm,
            trainings,
            claim,
            library.paper(claim.source.key),
            replace(conditions_of(record, arm), estimand=estimand),
            rules,
            entry.read_as,
            _clips(record, arm, claim, estimand),
        )
        n_seeds = runs.groupby("fold").size()
        found.append(
            replace(
                comparison,
                n_seeds=(int(n_seeds.min()), int(n_seeds.max())),
                classes=_classes(record, scores, arm, claim),
                bootstrap=_bootstrap(record, arm, claim, estimand, rules),
            )
        )
    return settle_family(found)


def _trainings(record: StudyRecord, scores: StudyScores, runs: pd.DataFrame, claim: Claim) -> tuple[str, pd.DataFrame]:
    """Return the estimand that the arm's accuracies have and the accuracies, by fold and seed, in percent.

    It is the claim's where the arm has it; the macro accuracy where the claim states none, or one that the arm does not
    have (segments of a fused arm, a class that is not tested), which makes the two not comparable.
    """
    if claim.class_name is not None:
        own = _class_trainings(record, scores, str(runs["arm"].iloc[0]), claim.class_name)
        if len(own):
            return "class", own
    estimand = claim.estimand if claim.estimand in _COLUMNS else "macro"
    if not np.isfinite(runs[_COLUMNS[estimand]].to_numpy(float)).all():
        estimand = "macro"
    table = runs[["fold", "seed"]].assign(accuracy=100 * runs[_COLUMNS[estimand]].astype(float))
    return estimand, table.reset_index(drop=True)


def _class_trainings(record: StudyRecord, scores: StudyScores, arm: str, name: str) -> pd.DataFrame:
    """Return the class's accuracies by fold; class accuracies are kept averaged over seeds."""
    import pandas as pd

    position = record.classes.index(name) if name in record.classes else -1
    own = scores.classes[(scores.classes["arm"] == arm) & (scores.classes["class"] == position)]
    # A fold that tests no clip of the class says nothing about it.
    own = own[own["accuracy"].notna()]
    return pd.DataFrame({"fold": own["fold"], "accuracy": 100 * own["accuracy"].astype(float)}).reset_index(drop=True)


def _clips(record: StudyRecord, arm: str, claim: Claim, estimand: str) -> ClipAnswers | None:
    """Return what the arm has right of a test part, with labels as ``estimand`` weighs classes; None with folds."""
    if not record.tests_one_part(arm):
        return None
    clips = clip_answers(record, arm)
    if estimand == "class":
        return clips.of_class(record.classes.index(str(claim.class_name)))
    return clips if estimand == "macro" else clips.as_one_class()


def _classes(record: StudyRecord, scores: StudyScores, arm: str, claim: Claim) -> dict[str, tuple[float, float]]:
    printed = claim.class_percents if claim.class_name is None else {}
    if not printed or set(printed) != set(record.classes):
        return {}
    means = scores.class_means()[arm]
    return {name: (printed[name], 100 * float(means[position])) for position, name in enumerate(record.classes)}


def _bootstrap(record: StudyRecord, arm: str, claim: Claim, estimand: str, rules: Rules) -> BootstrapInterval | None:
    """Return the interval of the arm's accuracy over recordings, in percent; seeds are averaged per clip."""
    if estimand == "segment":
        return None
    clips = correct_by_clip(record, arm)
    if estimand == "class":
        clips = clips[clips["y_true"] == record.classes.index(str(claim.class_name))]
    if clips["recording"].nunique() < 2:
        return None
    interval = macro_accuracy_bootstrap(
        clips["correct"],
        # Where classes do not matter, all clips belong to one.
        clips["y_true"] if estimand == "macro" else np.zeros(len(clips)),
        clips["recording"],
        folds=clips["fold"],
        confidence=rules.confidence,
        seed=0,
    )
    return in_percent(interval)


def in_percent(interval: BootstrapInterval) -> BootstrapInterval:
    """Return an interval of fractions in percent."""
    return replace(interval, estimate=100 * interval.estimate, low=100 * interval.low, high=100 * interval.high)


def correct_by_clip(record: StudyRecord, arm: str) -> pd.DataFrame:
    """Return each tested clip of ``arm``: ``fold``, ``clip_id``, ``recording``, ``y_true``, and ``correct``, the
    fraction of seeds that classed it correctly; by fold and clip."""
    keys = ["fold", "clip_id", "recording", "y_true"]
    return answered(record, arm).groupby(keys, sort=True, observed=True)["correct"].mean().reset_index()
