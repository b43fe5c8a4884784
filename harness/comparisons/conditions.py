"""The conditions under which accuracies were measured, compared with those that a claim states.

A difference makes two numbers not comparable. What a source does not state is not a difference but a caveat to the
verdict, which then assumes that the source used the same conditions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.choices import EpochRule, FinalTrain, Selection, TunedOn, Validation
from harness.claims import NOT_STATED, Claim
from harness.claims.paper import option_text, split_options
from harness.record import TUNED_ON, StudyRecord
from harness.registry import described
from harness.section import as_tuples
from harness.study import ProtocolSection, StudySpec
from harness.text.decimals import decimals

_ESTIMANDS = {
    "macro": "mean of the class accuracies",
    "macro over pieces": "mean of the class accuracies over pieces of clips",
    "clip": "fraction of clips",
    "segment": "fraction of segments",
    "class": "accuracy of one class",
}
_CHOSEN_ON_TEST = {EpochRule.BEST_ON_TEST, EpochRule.BEST_MEAN_ON_TEST}
_DRAW = "seed"
"""Option of splits that draw at random."""
_TUNED_ON_TEST = {TunedOn.REPORTED_FOLDS}


@dataclass(frozen=True)
class Conditions:
    """How accuracies were measured; ``not stated`` where that is unknown.

    Attributes
    ----------
    dataset
        Name of the data set.
    data_folds
        Folds of the data that took part at all; the others neither trained nor tested.
    validation_apart
        Whether one of them was held out for validation.
    split, epoch_rule, tuning, estimand
        In the words of a claims file.
    split_options
        Options of the split, as a study states them; empty where they are unknown.
    holdout
        Whether one part of the data was tested, instead of folds.
    own_part
        Whether the split decides which part that is, instead of the data set.
    own_fold
        The official fold that the split tests alone; 0 where it does not.
    training_share
        Share of the other folds that was trained on.
    """

    dataset: str
    data_folds: int
    validation_apart: bool = False
    split: str = NOT_STATED
    epoch_rule: str = NOT_STATED
    tuning: str = NOT_STATED
    estimand: str = NOT_STATED
    split_options: Mapping[str, Any] = field(default_factory=dict)
    holdout: bool = False
    own_part: bool = False
    own_fold: int = 0
    training_share: float = 1.0

    @property
    def ratio(self) -> float:
        """n_test / n_train of one fold, for folds of one size."""
        return 1 / (max(1, self.data_folds - 1 - self.validation_apart) * self.training_share)


def conditions_of(record: StudyRecord, arm: str | None = None) -> Conditions:
    """Return the conditions of ``arm`` in a recorded study, or of the arm with the most tuning where none is named.

    The estimand is left open, since every one can be computed. A fused arm is tuned where a stream of it is.
    """
    spec = record.spec
    protocol = record.protocol(arm) if arm else record.protocols[0]
    names = [arm] if arm else [each.name for each in spec.arms]
    tunings = [record.tuned(name)[0] for name in names]
    apart = {each.name for each in spec.arms if each.is_fused or not each.search}
    if spec.search.trials and any(stream not in apart for name in names for stream in record.streams(name)):
        pooled = spec.search.selection is Selection.POOLED
        tunings.append(TunedOn.REPORTED_FOLDS if pooled else TunedOn.VALIDATION_FOLDS)
    tuning = max(tunings, key=TUNED_ON.index)
    return Conditions(
        dataset=spec.data.name,
        data_folds=len(protocol.rule.folds or spec.data.used_folds),
        validation_apart=_fold_apart(protocol, spec),
        # Whatever validates, the authors' folds are tested.
        split="official" if protocol.rule.official and not protocol.rule.single else protocol.split,
        epoch_rule=protocol.epoch_rule_in_effect,
        tuning="validation" if tuning == TunedOn.VALIDATION_FOLDS else tuning,
        split_options={name: getattr(protocol.options, name) for name in split_options(protocol.split)},
        holdout=record.tests_one_part(arm) if arm else spec.data.description.holdout,
        own_part=protocol.rule.single,
        own_fold=getattr(protocol.options, "fold", 0),
        training_share=_training_share(protocol),
    )


def _fold_apart(protocol: ProtocolSection, spec: StudySpec) -> bool:
    """Return whether a fold is kept for validation."""
    next_fold = protocol.validates == Validation.NEXT_FOLD and (spec.data.validates or len(protocol.rule.folds) > 2)
    return next_fold and protocol.final_train == FinalTrain.TRAIN


def _training_share(protocol: ProtocolSection) -> float:
    """Return which share of the folds that are left final trainings learn from."""
    share = 0.0 if isinstance(protocol.validates, Validation) else protocol.validates
    return 1 - share if protocol.final_train == FinalTrain.TRAIN else 1.0


def estimand_in_words(estimand: str) -> str:
    """Return what an accuracy is: ``macro`` is the mean of the class accuracies."""
    return _ESTIMANDS.get(estimand, estimand)


def compared(conditions: Conditions, claim: Claim) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what differs between ``conditions`` and those of ``claim``, and what is not stated, each in words."""
    differences: list[str] = []
    caveats: list[str] = []
    table = claim.table
    if conditions.dataset != table.dataset:
        differences.append(f"data set {conditions.dataset} here, {table.dataset} there")
    elif not conditions.holdout:
        _data(conditions, claim, differences)
    if conditions.holdout:
        _test_part(claim, differences)
    if conditions.own_part or not conditions.holdout:
        _split(conditions, claim, differences, caveats)
    for name, here, there in (
        ("estimand", conditions.estimand, claim.estimand),
        ("epoch rule", conditions.epoch_rule, table.epoch_rule),
        ("tuning", conditions.tuning, table.tuning),
    ):
        sides = [side for side, stated in (("here", here), ("in the source", there)) if stated == NOT_STATED]
        if sides:
            caveats.append(f"{name} not stated {' or '.join(sides)}")
        elif name == "estimand" and here != there and not _alike(here, there, table.dataset):
            differences.append(f"{estimand_in_words(here)} here, {estimand_in_words(there)} there")
        elif name == "epoch rule" and (here in _CHOSEN_ON_TEST) != (there in _CHOSEN_ON_TEST):
            differences.append(f"the test fold chose the epoch {_where(here in _CHOSEN_ON_TEST)} only")
        elif name == "tuning" and (here in _TUNED_ON_TEST) != (there in _TUNED_ON_TEST):
            side = _where(here in _TUNED_ON_TEST)
            differences.append(f"hyperparameters were chosen on the reported folds {side} only")
    if conditions.epoch_rule in _CHOSEN_ON_TEST:
        caveats.append("the test fold chose the epoch here, so the measured accuracy is optimistic")
    if conditions.tuning in _TUNED_ON_TEST:
        caveats.append("hyperparameters were chosen on the reported folds here, so the measured accuracy is optimistic")
    return tuple(differences), tuple(caveats)


def _where(here: bool) -> str:
    return "here" if here else "there"


def _alike(here: str, there: str, dataset: str) -> bool:
    """Return whether two estimands coincide, as in a balanced data set whose folds contain all classes equally
    often."""
    return {here, there} == {"macro", "clip"} and described(dataset, 0).balanced


def _test_part(claim: Claim, differences: list[str]) -> None:
    if claim.table.folds > 1:
        differences.append(f"one test part here, cross-validation over {claim.table.folds} folds there")


def _data(conditions: Conditions, claim: Claim, differences: list[str]) -> None:
    official, stated = len(claim.table.description.folds), claim.table.training_folds
    there = stated or (official - 1 if claim.table.folds == official else 0)
    learned = conditions.data_folds - 1 - conditions.validation_apart
    if conditions.data_folds < official and learned < there:
        differences.append(
            f"training uses {learned} fold{'' if learned == 1 else 's'} here ({conditions.data_folds} of {official} "
            f"folds of the data), {'' if stated else 'up to '}{there} there"
        )


def compared_folds(folds: Mapping[int, float], claim: Claim) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what differs between the tested ``folds``, with their accuracies in percent, and those of ``claim``, and
    caveats about them, each in words."""
    table, here = claim.table, f"{len(folds)} fold{' is' if len(folds) == 1 else 's are'} tested here"
    if table.tested_folds or (table.folds == 1 and table.split != "one split"):
        if len(folds) == table.folds and set(folds) >= set(table.tested_folds):
            return (), ()
        names = ", ".join(map(str, table.tested_folds))
        there = f"fold{'' if table.folds == 1 else 's'} {names} alone" if names else "one alone"
        own = [f"{decimals(folds[fold], 1)} % on fold {fold}" for fold in table.tested_folds if fold in folds]
        return (f"{here}, {there} there",), ((f"the accuracy here is {' and '.join(own)}",) if own else ())
    return (), ((f"{here}, {table.folds} there",) if 1 < len(folds) < table.folds else ())


def _split(conditions: Conditions, claim: Claim, differences: list[str], caveats: list[str]) -> None:
    here, there = conditions.split, claim.table.split
    if conditions.own_fold and (there, claim.table.tested_folds) == ("official", (conditions.own_fold,)):
        return
    sides = [side for side, stated in (("here", here), ("in the source", there)) if stated == NOT_STATED]
    if there == "one split":
        what = f"the {here} split" if conditions.holdout else "cross-validation"
        differences.append(f"{what} here, one split of the source's own there")
    elif sides:
        caveats.append(f"split not stated {' or '.join(sides)}")
    elif here != there:
        differences.append(f"{here} split here, {there} there")
    else:
        _split_options(conditions, claim, differences, caveats)


def _split_options(conditions: Conditions, claim: Claim, differences: list[str], caveats: list[str]) -> None:
    """Compare the options of one split; another seed is another draw under the same rule."""
    here, there = conditions.split_options, claim.table.split_options
    unstated: dict[str, list[str]] = {}
    for name in split_options(claim.table.split):
        sides = [side for side, stated in (("here", here), ("in the source", there)) if name not in stated]
        if sides:
            unstated.setdefault(" or ".join(sides), []).append(name)
        elif as_tuples(there[name]) != here[name]:
            said = f"{name} = {option_text(here[name])} here, {option_text(there[name])} there"
            if name == _DRAW:
                caveats.append(f"other draw of the {claim.table.split} split: {said}")
            else:
                differences.append(f"{claim.table.split} split with {said}")
    caveats += [f"{', '.join(names)} of the split not stated {where}" for where, names in unstated.items()]
