"""Enumerations: values of a study with a fixed set of choices, each defined once."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import CoreSchema


class Choice(StrEnum):
    """A choice between words; a section also accepts the plain word, even in strict mode."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> CoreSchema:
        """Accept a member or its text, and write the text."""
        from pydantic_core import core_schema

        written = core_schema.plain_serializer_function_ser_schema(str)
        return core_schema.enum_schema(cls, list(cls), sub_type="str", strict=False, serialization=written)


class ReadAs(Choice):
    """What a published number means for an arm: a result of the same system, which the arm replicates; or one of
    another system, to compare the arm with."""

    REPLICATION = "replication"
    REFERENCE = "reference"


class EpochRule(Choice):
    """Which epoch's weights are tested."""

    FIXED = "fixed"
    BEST_ON_VALIDATION = "best-on-validation"
    BEST_ON_TEST = "best-on-test"
    BEST_MEAN_ON_TEST = "best-mean-on-test"


class Validation(Choice):
    """What validates, where it is not a share of the training part."""

    NEXT_FOLD = "next-fold"
    SAME_AS_TEST = "same-as-test"
    NONE = "none"


class FinalTrain(Choice):
    """What the final trainings learn from."""

    TRAIN = "train"
    TRAIN_AND_VALIDATION = "train+validation"


class Padding(Choice):
    """How a clip that is too short is padded."""

    ZEROS = "zeros"
    REPEAT = "repeat"


class Normalise(Choice):
    """What has zero mean and unit variance over the training part."""

    PER_BIN = "per-bin"
    PER_PLANE = "per-plane"
    NONE = "none"


class Init(Choice):
    """Initial weights."""

    TORCH = "torch"
    KAIMING_NORMAL = "kaiming-normal"


class TunedOn(Choice):
    """What stated values were chosen on."""

    NONE = "none"
    OTHER_DATA = "other data"
    VALIDATION_FOLDS = "validation folds"
    REPORTED_FOLDS = "reported folds"
    NOT_STATED = "not stated"


class Optimizer(Choice):
    """Optimisers."""

    SGD = "sgd"
    ADAM = "adam"
    ADAMW = "adamw"


class Precision(Choice):
    """Arithmetic of forward and backward."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class Schedule(Choice):
    """Learning rate over epochs."""

    CONSTANT = "constant"
    STEP = "step"
    COSINE = "cosine"


class NormStatistics(Choice):
    """What batch normalisation uses in evaluation."""

    RUNNING = "running"
    RE_ESTIMATED = "re-estimated"


class Sampler(Choice):
    """How a search proposes values."""

    TPE = "tpe"
    PER_FOLD_TPE = "per-fold-tpe"
    RANDOM = "random"
    GRID = "grid"


class Pruner(Choice):
    """What stops a trial's training early."""

    NONE = "none"
    MEDIAN = "median"
    PERCENTILE = "percentile"
    HALVING = "halving"


class Selection(Choice):
    """How a search's result is chosen."""

    PER_FOLD = "per-fold"
    POOLED = "pooled"


class FusionRule(Choice):
    """How the probabilities of several networks are fused."""

    DEMPSTER_SHAFER = "dempster-shafer"
    MEAN = "mean"


class FusionLevel(Choice):
    """What is fused."""

    CLIP = "clip"
    SEGMENT = "segment"
