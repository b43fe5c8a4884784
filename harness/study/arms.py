"""An arm: one row of the study, a network on a feature set or the fusion of such arms."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from harness.choices import FusionLevel, FusionRule
from harness.registry import NETWORKS
from harness.section import Most, Positive, Section

NAME = r"^[^\W_][\w .,+&%#()=-]*$"


class Arm(Section):
    """One row of the study: a network on a feature set, or the fusion of two or more such arms."""

    name: Annotated[str, Field(pattern=NAME, max_length=60)]
    """Name in every table."""
    model: Annotated[str | None, Most(200, "a name")] = None
    """Network: a registered one, code of your own as 'module:factory', or one of a library, as 'torchvision:resnet50'
    or 'timm:convnext_tiny'."""
    model_args: Annotated[dict[str, Any], Most(100, "no factory takes more", each=1_000)] = Field(default_factory=dict)
    """Arguments of the network, for this arm alone: { width = 64 }."""
    weights: Annotated[str | None, Most(1_000, "a path")] = None
    """Weights to start from, a safetensors file relative to the study file; tensors of the same name and shape are
    taken over. Default: initial weights as [model] says."""
    features: Annotated[str | None, Most(200, "a name")] = None
    """Feature set: LMC, MC, MLMC, a plane such as LM, MFCC, chroma, contrast, tonnetz, PCEN, MFCC-static, gammatone or
    CQT, image:plane or image:a+b+c, or one of [features.sets]."""
    fuse: Annotated[tuple[str, ...] | None, Most(100, "more than a table can show", each=60)] = None
    """Arms whose predictions are fused instead of training a network."""
    rule: FusionRule | None = None
    """How they are fused: Dempster's rule (normalised product), or the mean of probabilities."""
    level: FusionLevel = FusionLevel.CLIP
    """Fuse clip probabilities, or segment probabilities before they are summed over a clip."""
    search: bool = True
    """Whether [search] tunes this arm; false trains it with the values given in the study."""
    tuned_as: Annotated[str | None, Most(60, "the maximum length of an arm's name")] = None
    """Searched arm whose chosen values this arm uses, fold by fold, instead of its own search."""
    set: Annotated[dict[str, Any], Most(100, "more than the number of fields", each=100)] = Field(default_factory=dict)
    """This arm's own values, by dotted name: { "train.lr" = 0.01 }; sections train, model and protocol."""
    seed_of: Annotated[str | None, Most(60, "the maximum length of an arm's name")] = None
    """Arm whose random numbers this arm also uses, so that the two differ only in their settings. Default: its own
    random numbers."""
    seeds: Annotated[Positive | None, Most(1_000, "more would take years of training")] = None
    """Final trainings per fold of this arm; default evaluate.seeds. A fused arm has the seeds that all its streams
    have."""

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
            for field in ("model", "model_args", "weights", "features", "set", "seed_of", "tuned_as", "seeds"):
                if getattr(self, field):
                    raise ValueError(f"arm {self.name!r} fuses other arms, so it takes no {field}")
            if self.rule is None:
                raise ValueError(f"arm {self.name!r} needs rule = 'dempster-shafer' or 'mean'")
            return self
        if self.model is None:
            raise ValueError(f"arm {self.name!r} needs a model; allowed: {', '.join(NETWORKS.names())}")
        try:
            NETWORKS.get(self.model)
        except ValueError as error:
            raise ValueError(f"arm {self.name!r}: {error}") from None
        if self.rule is not None or self.level is not FusionLevel.CLIP:
            raise ValueError(f"arm {self.name!r} trains a network; rule and level are only for arms with fuse")
        if self.features is None:
            raise ValueError(f"arm {self.name!r} needs features")
        return self
