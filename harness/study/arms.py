"""An arm: one row of the study, a network on a feature set or the fusion of such arms."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from harness.study.bounds import Most
from harness.study.sections import Positive, Section
from harness.vocabulary import IMAGE_MODELS, MODELS, STACKED_FEATURES, STACKED_MODELS, SU_MODELS, feature_set

NAME = r"^[^\W_][\w .,+&%#()=-]*$"


class Arm(Section):
    """One row of the study: a network on a feature set, or the fusion of two or more such arms."""

    name: Annotated[str, Field(pattern=NAME, max_length=60)]
    """Name in every table."""
    model: Annotated[str | None, Most(100, "a name")] = None
    """Network."""
    features: Annotated[str | None, Most(200, "a name")] = None
    """Feature set: LMC, MC, MLMC, LM, MFCC, chroma, contrast, tonnetz, image:plane or image:a+b+c."""
    fuse: Annotated[tuple[str, ...] | None, Most(100, "more arms than a table shows", each=60)] = None
    """Arms whose predictions are fused instead of training a network."""
    rule: Literal["dempster-shafer", "mean"] | None = None
    """How they are fused: Dempster's rule (normalised product), or the mean of probabilities."""
    level: Literal["clip", "segment"] = "clip"
    """Fuse clip probabilities, or segment probabilities before they are summed to a clip's."""
    search: bool = True
    """Whether [search] tunes this arm; false trains it with the values the study states."""
    tuned_as: Annotated[str | None, Most(60, "the longest name of an arm")] = None
    """Searched arm whose chosen values this one trains with, fold by fold, instead of a search of its own."""
    set: Annotated[dict[str, Any], Most(100, "there are fewer fields", each=100)] = Field(default_factory=dict)
    """This arm's own values, by dotted name: { "train.lr" = 0.01 }; sections train, model and protocol."""
    seed_of: Annotated[str | None, Most(60, "the longest name of an arm")] = None
    """Arm whose random numbers this one uses as well, so that the two differ in nothing but their settings. Default:
    numbers of its own."""
    seeds: Annotated[Positive | None, Most(1_000, "years of training")] = None
    """Final trainings per fold of this arm, where it is to have another number than evaluate.seeds. A fused arm has the
    seeds that all its streams have."""

    @property
    def is_fused(self) -> bool:
        """Whether the arm trains nothing."""
        return self.fuse is not None

    @property
    def searches(self) -> bool:
        """Whether hyperparameters are searched for this arm itself, where the study has trials."""
        return self.search and self.tuned_as is None and not self.is_fused

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.is_fused:
            for field in ("model", "features", "set", "seed_of", "tuned_as", "seeds"):
                if getattr(self, field):
                    raise ValueError(f"arm {self.name!r} fuses other arms, so it takes no {field}")
            if self.rule is None:
                raise ValueError(f"arm {self.name!r} needs rule = 'dempster-shafer' or 'mean'")
            return self
        if self.model not in MODELS:
            raise ValueError(f"arm {self.name!r}: model {self.model!r} is unknown; allowed: {', '.join(MODELS)}")
        if self.rule is not None or self.level != "clip":
            raise ValueError(f"arm {self.name!r} trains a network; rule and level belong to arms with fuse")
        if self.features is None:
            raise ValueError(f"arm {self.name!r} needs features")
        try:
            layout = feature_set(self.features).layout
        except ValueError as error:
            raise ValueError(f"arm {self.name!r}: features {self.features!r}: {error}") from None
        if self.model in IMAGE_MODELS and layout != "image":
            raise ValueError(
                f"arm {self.name!r}: {self.model} takes image features (image:mel, ...), received {self.features!r}"
            )
        if self.model in SU_MODELS + STACKED_MODELS and layout != "segments":
            raise ValueError(
                f"arm {self.name!r}: {self.model} takes segment features (LMC, MC, ...), received {self.features!r}"
            )
        if self.model in STACKED_MODELS and self.features != STACKED_FEATURES:
            raise ValueError(
                f"arm {self.name!r}: {self.model} cuts its two streams (LMC and MC) out of "
                f"{STACKED_FEATURES}, received {self.features!r}"
            )
        return self
