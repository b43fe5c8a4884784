"""Comparisons of a study's arms, paired by fold and by clip. Differences are percentage points.

Arms that were split differently share no folds. Their two sets of folds are then compared as independent ones, which is
conservative, since both test the same clips; tests over clips are still paired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.comparisons.arm_contrast import Contrast, pair_by_fold, settle_contrasts, settled
from harness.comparisons.claim_comparison import Rules
from harness.comparisons.conditions import conditions_of
from harness.comparisons.over_recordings import clip_answers, pair_on_shared_clips, pair_on_test_part
from harness.comparisons.statistical_tests import attempt
from harness.comparisons.study_claims import correct_by_clip, in_percent, rules_of
from harness.statistics.against_published import against_published
from harness.statistics.bootstrap import BootstrapInterval, accuracy_difference_bootstrap
from harness.statistics.clip_tests import CochranQ, McNemar, cochran_q, mcnemar

if TYPE_CHECKING:
    import pandas as pd

    from harness.comparisons.scores import StudyScores
    from harness.record import StudyRecord

Family = Literal["declared", "every pair", "fusions"]

MOST_ARMS = 20
"""With more, only declared pairs and those of a fusion and its own streams are compared: 21 arms make 210 pairs, too
many for a table, and 200 make 19,900, over which Holm's correction leaves nothing significant."""


@dataclass(frozen=True)
class ArmComparisons:
    """The contrasts of a study, fusion against its streams first; ``family`` says which pairs Holm's correction covers.

    ``cochran`` tests over clips whether all ``cochran_arms`` (those trained on the same folds, first seed) are right
    equally often; None with fewer than three.
    """

    contrasts: tuple[Contrast, ...]
    family: Family
    cochran: CochranQ | None
    cochran_arms: tuple[str, ...]


def compare_arms(record: StudyRecord, scores: StudyScores) -> ArmComparisons:
    """Return every contrast of the study: the declared pairs first, then every other pair of arms with a tested fold,
    or of more than :data:`MOST_ARMS` arms those of a fusion and its own streams alone.

    Where the study declares no pair, all of them are the family. A pair whose arm has no tested fold is left out.
    """
    tested = [str(arm) for arm in scores.arms["arm"] if scores.folds_of(str(arm))]
    declared = record.spec.evaluate.contrasts
    family = [pair for pair in declared if set(pair) <= set(tested)]
    others = [pair for pair in _pairs(record, tested) if not any(set(pair) == set(own) for own in family)]
    rules = rules_of(record.spec)
    clips = {arm: correct_by_clip(record, arm) for arm in tested}
    answers = {arm: _first_seed(record, arm) for arm in tested}
    contrasts = [
        replace(_contrast(record, scores, clips, answers, *pair, rules), in_family=not declared or pair in family)
        for pair in (*family, *others)
    ]
    inside = iter(settle_contrasts([each for each in contrasts if each.in_family], rules))
    found = tuple(next(inside) if each.in_family else settled(each, None, None, rules) for each in contrasts)
    arms, cochran = _cochran(record, answers)
    undeclared: Family = "every pair" if len(tested) <= MOST_ARMS else "fusions"
    return ArmComparisons(found, "declared" if declared else undeclared, cochran, arms)


def _pairs(record: StudyRecord, tested: Sequence[str]) -> list[tuple[str, str]]:
    """Return every pair once: each fusion with its own streams, then (of at most :data:`MOST_ARMS` arms) with the rest,
    then the others, in the study's order."""
    streams = {arm.name: arm.fuse or () for arm in record.spec.arms}
    fused = [arm for arm in tested if streams.get(arm)]

    def rank(pair: tuple[str, str]) -> tuple[int, int, int]:
        first, second = pair
        own = 0 if second in streams.get(first, ()) else 1 if first in fused else 2
        return (own, tested.index(first), tested.index(second))

    if len(tested) > MOST_ARMS:
        return [(arm, stream) for arm in fused for stream in tested if stream in streams[arm]]
    ordered = fused + [arm for arm in tested if arm not in fused]
    return sorted(combinations(ordered, 2), key=rank)


def _contrast(
    record: StudyRecord,
    scores: StudyScores,
    clips: Mapping[str, pd.DataFrame],
    answers: Mapping[str, pd.Series],
    first: str,
    second: str,
    rules: Rules,
) -> Contrast:
    left, right = (scores.fold_percents(arm) for arm in (first, second))
    ratios = [conditions_of(record, arm).ratio for arm in (first, second)]
    # Protocols that differ in what validates still test the same clips in every fold.
    split_alike = record.protocol(first).dealing == record.protocol(second).dealing
    contrast = Contrast(
        first=first,
        second=second,
        margin=rules.margin,
        mcnemar=_mcnemar(*_answers_alike(answers[first], answers[second], split_alike)),
        bootstrap=_bootstrap(*_clips_alike(clips[first], clips[second], split_alike), rules, by_fold=split_alike),
    )
    if record.tests_one_part(first) or record.tests_one_part(second):
        if not all(answers[arm].index.get_level_values("clip_id").is_unique for arm in (first, second)):
            return replace(contrast, refused="one is tested on one part, the other on a clip in several folds")
        pair = pair_on_test_part if split_alike else pair_on_shared_clips
        return pair(contrast, clip_answers(record, first), clip_answers(record, second), rules)
    if split_alike:
        return pair_by_fold(contrast, left, right, rules, max(ratios))
    return _unpaired(contrast, left, right, rules, ratios)


def _unpaired(
    contrast: Contrast, left: Mapping[int, float], right: Mapping[int, float], rules: Rules, ratios: Sequence[float]
) -> Contrast:
    """Add the tests of two unrelated sets of folds."""
    mean, sd = np.mean(list(right.values())), np.std(list(right.values()), ddof=min(1, len(right) - 1))
    test, refused = attempt(
        lambda: against_published(
            left,
            float(mean),
            float(sd),
            len(right),
            ratio=ratios[0],
            published_ratio=ratios[1],
            confidence=rules.confidence,
        )
    )
    difference = float(np.mean(list(left.values())) - mean)
    return replace(
        contrast,
        mean=difference,
        unpaired=test,
        refused=refused,
        fewest_folds=min(len(left), len(right)) if test else 0,
    )


def _first_seed(record: StudyRecord, arm: str) -> pd.Series:
    """Return right or wrong per tested fold and clip with the arm's first seed of each fold."""
    import pandas as pd

    from harness.training.metrics import predicted_classes

    rows = record.predictions[record.predictions["arm"] == arm]
    rows = rows[rows["seed"] == rows.groupby("fold")["seed"].transform("min")]
    right = predicted_classes(rows) == rows["y_true"].to_numpy()
    return pd.Series(right, index=pd.MultiIndex.from_frame(rows[["fold", "clip_id"]])).sort_index()


def _answers_alike(first: pd.Series, second: pd.Series, split_alike: bool) -> tuple[pd.Series, pd.Series]:
    """Return the answers in an order in which they can be paired: by fold and clip, or by clip alone."""
    if split_alike:
        return first, second
    return first.droplevel("fold").sort_index(), second.droplevel("fold").sort_index()


def _mcnemar(first: pd.Series, second: pd.Series) -> McNemar | None:
    if not first.index.equals(second.index) or not first.index.is_unique:
        return None
    return mcnemar(first.to_numpy(bool), second.to_numpy(bool))


def _clips_alike(first: pd.DataFrame, second: pd.DataFrame, split_alike: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the clips in an order in which they can be paired: by fold, or those that both were tested on, each once
    with the mean of its tests."""
    if split_alike:
        return first, second
    keys = ["clip_id", "recording", "y_true"]
    left, right = (
        clips.groupby(keys, sort=True, observed=True)["correct"].mean().reset_index() for clips in (first, second)
    )
    shared = set(left["clip_id"]) & set(right["clip_id"])
    kept = [side[side["clip_id"].isin(shared)].reset_index(drop=True) for side in (left, right)]
    return kept[0], kept[1]


def _bootstrap(first: pd.DataFrame, second: pd.DataFrame, rules: Rules, *, by_fold: bool) -> BootstrapInterval | None:
    keys = ["fold", "clip_id"] if by_fold else ["clip_id"]
    if not first[keys].equals(second[keys]) or first["recording"].nunique() < 2:
        return None
    interval = accuracy_difference_bootstrap(
        first["correct"],
        second["correct"],
        first["y_true"],
        first["recording"],
        folds=first["fold"] if by_fold else None,
        confidence=rules.confidence,
        seed=0,
    )
    return in_percent(interval)


def _cochran(record: StudyRecord, answers: Mapping[str, pd.Series]) -> tuple[tuple[str, ...], CochranQ | None]:
    """Return the largest group of trained arms that were tested on the same clips, and their test."""
    present = [arm.name for arm in record.spec.trained_arms if arm.name in answers]
    groups = [tuple(arm for arm in present if answers[arm].index.equals(answers[other].index)) for other in present]
    arms = max(groups, key=len, default=())
    if len(arms) < 3:
        return (), None
    return arms, cochran_q(np.column_stack([answers[arm].to_numpy(bool) for arm in arms]))
