"""Comparisons of fold accuracies from any source with claims and with each other, without study or tracking store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.choices import ReadAs
from harness.claims import NOT_STATED, Library
from harness.comparisons.against_claim import ClaimComparison, Rules, compare_with_claim, settle_family
from harness.comparisons.arm_contrast import Contrast, contrast_by_fold, settle_contrasts
from harness.comparisons.conditions import Conditions
from harness.errors import ComparisonError
from harness.registry import DATASETS, described
from harness.statistics.seeds import Trainings, average_seeds
from harness.text.messages import near


def compare_scores(
    scores: Mapping[str, Trainings],
    addresses: Sequence[str],
    library: Library,
    conditions: Conditions,
    rules: Rules,
    read_as: ReadAs | None = None,
) -> tuple[ClaimComparison, ...]:
    """Compare every arm of ``scores`` with every claim of ``addresses``, claim by claim; all comparisons are one
    family.

    Parameters
    ----------
    scores : mapping of str to trainings
        The trainings of each arm, as :func:`~harness.comparisons.score_file.read_scores` returns them.
    addresses : sequence of str
        Addresses of claims in ``library``.
    library : Library
        The papers that hold the claims.
    conditions : Conditions
        How the scores were measured.
    rules : Rules
        Margin, confidence and the treatment of claims without a known SD.
    read_as : ReadAs, optional
        Whether the arms replicate the claims' systems. None: as each claim states.

    Raises
    ------
    ClaimsError
        When a claim cannot be found.
    ComparisonError
        When the number of folds that took part contradicts the conditions.
    """
    claims = [library.claim(address) for address in addresses]
    _check_folds(scores, conditions)
    return settle_family(
        [
            compare_with_claim(arm, trainings, claim, library.paper(claim.source.key), conditions, rules, read_as)
            for claim in claims
            for arm, trainings in scores.items()
        ]
    )


def contrast_scores(
    scores: Mapping[str, Trainings], pairs: Sequence[tuple[str, str]], conditions: Conditions, rules: Rules
) -> tuple[Contrast, ...]:
    """Test the two arms of each of ``pairs`` against each other, paired by fold; all contrasts are one family.

    Parameters
    ----------
    scores : mapping of str to trainings
        The trainings of each arm, as :func:`~harness.comparisons.score_file.read_scores` returns them.
    pairs : sequence of (str, str)
        Names of two arms each.
    conditions : Conditions
        How the scores were measured.
    rules : Rules
        Margin and confidence.

    Raises
    ------
    ComparisonError
        When an arm does not exist or is paired with itself, a pair is named twice, or the number of folds that took
        part contradicts the conditions.
    """
    for position, (first, second) in enumerate(pairs):
        for arm in (first, second):
            if arm not in scores:
                raise ComparisonError(
                    f"--contrast {first} {second}: there is no arm {arm!r}{near(arm, scores)}; there are: "
                    f"{', '.join(scores)}"
                )
        if first == second:
            raise ComparisonError(f"--contrast {first} {second}: name two different arms")
        if {first, second} in map(set, pairs[:position]):
            raise ComparisonError(f"--contrast {first} {second}: this pair is named twice; name it once")
    _check_folds(scores, conditions)
    folds = {arm: average_seeds(scores[arm]) for pair in pairs for arm in pair}
    ratio = conditions.ratio
    contrasts = [contrast_by_fold(one, two, folds[one], folds[two], rules, ratio) for one, two in pairs]
    return settle_contrasts(contrasts, rules)


def conditions_of_scores(
    arms: Mapping[str, Trainings],
    library: Library,
    addresses: Sequence[str],
    dataset: str | None,
    data_folds: int | None,
    **stated: Any,
) -> Conditions:
    """Return how scores from any code were measured, as far as that is stated.

    Parameters
    ----------
    arms : mapping of str to trainings
        The trainings of each arm.
    library : Library
        The papers that hold the claims.
    addresses : sequence of str
        Addresses of the claims that the scores are compared with.
    dataset : str or None
        Data set of the scores; None for that of the first claim.
    data_folds : int or None
        Number of folds that took part; None for all of the data set, or those found if it is unknown.
    **stated
        Further fields of :class:`~harness.comparisons.conditions.Conditions`.
    """
    name = dataset or (library.claim(addresses[0]).table.dataset if addresses else None)
    found = len({fold for trainings in arms.values() for fold in trainings["fold"]})
    return Conditions(
        dataset=name or NOT_STATED,
        data_folds=data_folds or (len(described(name, found).folds) if name else found),
        **stated,
    )


def one_family(
    claims: Sequence[ClaimComparison], contrasts: Sequence[Contrast], rules: Rules
) -> tuple[tuple[ClaimComparison, ...], tuple[Contrast, ...]]:
    """Return both as one family: Holm's adjusted p values over all of them, and the verdicts that follow."""
    return settle_family(claims, contrasts), settle_contrasts(contrasts, rules, claims)


def _check_folds(scores: Mapping[str, Trainings], conditions: Conditions) -> None:
    here, dataset = conditions.data_folds, conditions.dataset
    official = len(DATASETS.get(dataset).folds) if dataset in DATASETS else here
    if here > official:
        raise ComparisonError(f"{here} folds of the data are said to take part; {dataset} has {official}")
    if here - 1 - conditions.validation_apart < 1:
        raise ComparisonError(
            f"{here} folds of the data with one to test on{' and one to validate on' * conditions.validation_apart} "
            "leave none to train on; say how many took part"
        )
    for arm, trainings in scores.items():
        tested = len(set(trainings["fold"]))
        if tested > here:
            raise ComparisonError(f"{arm} was tested on {tested} folds, but {here} are said to take part; correct one")
