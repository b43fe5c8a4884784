"""The [protocol] section: how clips are split, what validates, and which epoch is tested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import ConfigDict, field_validator, model_serializer, model_validator
from pydantic_core.core_schema import SerializerFunctionWrapHandler

from harness.choices import EpochRule, FinalTrain, Validation
from harness.registry import SPLITS, SplitRule, code, options_of
from harness.section import Most, Section, as_tuples


class ProtocolSection(Section):
    """How clips are split, what validates, and which epoch is tested. The options of the split are fields too."""

    model_config = ConfigDict(extra="allow")

    split: Annotated[str, Most(100, "a name")] = "official"
    """How items are dealt: official (the authors' folds), or another rule of `harness list splits`, some of which have
    options, such as split = "every-nth-row", n = 10."""
    validation: Annotated[Validation | float | None, Most(100, "a word, or a share below 1")] = None
    """What validates: next-fold (the fold after the tested one, or the validation part of a split that has one),
    same-as-test (as some code does; every table says so), none, or a number such as 0.1: that share of the training
    part, by whole recordings. Default: as the split says, next-fold for folds."""
    epoch_rule: EpochRule = EpochRule.FIXED
    """Which epoch's weights are tested. best-on-test lets the test fold choose, as some papers do, and every table
    says so. best-mean-on-test takes one epoch for all folds, the one with the best mean over the test folds (AST)."""
    final_train: FinalTrain = FinalTrain.TRAIN
    """Data of the final trainings: the training part, or also the validation fold (never used by a search)."""

    @model_validator(mode="before")
    @classmethod
    def _with_options(cls, given: Any) -> Any:
        """Check the options of the split, and state those that are not given."""
        if not isinstance(given, Mapping) or given.get("split", "official") not in SPLITS:
            return given
        fields = {name: value for name, value in given.items() if name in cls.model_fields}
        own = {name: as_tuples(value) for name, value in given.items() if name not in cls.model_fields}
        options = options_of(SPLITS.get(given.get("split", "official"))).model_validate(own)
        return fields | options.model_dump()

    @field_validator("split")
    @classmethod
    def _known(cls, split: str) -> str:
        return SPLITS.get(split).name

    @field_validator("validation", mode="before")
    @classmethod
    def _known_validation(cls, given: Any) -> Any:
        share = isinstance(given, float) and 0 < given < 1
        if given is not None and not share and given not in list(Validation):
            raise ValueError(
                f"allowed: {', '.join(Validation)}, or a share of the training part above 0 and below 1, received "
                f"{given!r}"
            )
        return given

    @model_validator(mode="after")
    def _validation_fits(self) -> Self:
        rule, given = self.rule, self.validation
        if rule.only_validation and given not in (None, rule.validation):
            raise ValueError(
                f"validation: split = {self.split!r} has validation = '{rule.validation}' by its name, received "
                f"{_written(given)}; use another split"
            )
        if self.validates == Validation.NEXT_FOLD and not rule.has_next_fold:
            raise ValueError(
                f"validation: split = {self.split!r} deals a test and a training part, so there is no next fold; use "
                "'none', 'same-as-test', or a share of the training part such as 0.1"
            )
        if self.validates == Validation.NONE and self.epoch_rule == EpochRule.BEST_ON_VALIDATION:
            raise ValueError(
                "epoch_rule = 'best-on-validation' needs a validation part, and validation is 'none'; use epoch_rule = "
                "'fixed', or a share of the training part such as validation = 0.1"
            )
        if self.final_train == FinalTrain.TRAIN_AND_VALIDATION:
            if self.epoch_rule == EpochRule.BEST_ON_VALIDATION:
                raise ValueError(
                    "final_train = 'train+validation' leaves no validation fold for choosing the epoch; use "
                    "epoch_rule = 'fixed' or final_train = 'train'"
                )
            if self.validates in (Validation.NONE, Validation.SAME_AS_TEST):
                raise ValueError(
                    f"final_train = 'train+validation' with validation = '{self.validates}' would train on "
                    f"{'nothing else' if self.validates == Validation.NONE else 'the test part'}; use final_train = "
                    "'train'"
                )
        return self

    @model_serializer(mode="wrap")
    def _without_default(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out a validation that the split decides, so that records and digests are those of earlier versions."""
        written: dict[str, Any] = handler(self)
        return {name: value for name, value in written.items() if (name, value) != ("validation", None)}

    @property
    def rule(self) -> SplitRule:
        """The split rule, as its options make it."""
        known = SPLITS.get(self.split)
        described: SplitRule = code(known.describe)(known, self.options) if known.describe else known
        return described

    @property
    def options(self) -> Section:
        """The options of the split."""
        return options_of(SPLITS.get(self.split)).model_validate(self.model_extra or {})

    @property
    def validates(self) -> Validation | float:
        """What validates, as stated or as the split says."""
        return self.rule.validation if self.validation is None else self.validation

    @property
    def cut(self) -> ProtocolSection:
        """What determines the parts of each fold, without what is trained on and tested of them."""
        # An explicit value is the same cut as the split's own.
        validation = None if self.validates == self.rule.validation else self.validation
        fixed = {"validation": validation, "epoch_rule": EpochRule.FIXED, "final_train": FinalTrain.TRAIN}
        return self.model_copy(update=fixed)

    @property
    def label(self) -> str:
        """What tables call the split: its name, options that are not the default, and what validates if that is not
        what the split says."""
        defaults = options_of(SPLITS.get(self.split)).model_fields
        stated = [
            f"{name} = {'/'.join(map(str, value)) if isinstance(value, tuple) else value}"
            for name, value in (self.model_extra or {}).items()
            if name != FOUND and value != defaults[name].get_default()
        ]
        if self.cut.validation is not None:
            stated.append(f"validation = {self.validates}")
        return f"{self.split} ({', '.join(stated)})" if stated else self.split

    @property
    def dealing(self) -> tuple[str, Section]:
        """What determines the items of each fold: protocols that share it test the same items in every fold."""
        return self.rule.deal, self.options

    @property
    def epoch_rule_in_effect(self) -> EpochRule:
        """The epoch rule; the best epoch on a validation part that is the test part is the best one on test."""
        same = self.validates == Validation.SAME_AS_TEST and self.epoch_rule == EpochRule.BEST_ON_VALIDATION
        return EpochRule.BEST_ON_TEST if same else self.epoch_rule

    @property
    def chooses_on_test(self) -> bool:
        """Whether the test part chooses the epoch."""
        return self.epoch_rule_in_effect in (EpochRule.BEST_ON_TEST, EpochRule.BEST_MEAN_ON_TEST)


FOUND = "found"
"""Option of a rule that holds what its files say; filled in when a study is read."""


def _written(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else f"'{value}'"
