"""The sections of a study file, one model each; the docstrings of fields document the file.

Units: learning rates and weight decay as in torch, margins in percentage points, durations in seconds, folds as
numbered by the data set's authors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, SerializeAsAny, ValidationInfo, field_validator, model_validator

from harness.choices import (
    Init,
    Normalise,
    NormStatistics,
    Optimizer,
    Padding,
    Precision,
    Pruner,
    ReadAs,
    Sampler,
    Schedule,
    Selection,
    TunedOn,
)
from harness.registry import (
    DATASETS,
    FEATURE_SETS,
    PLANES,
    Dataset,
    FeatureSet,
    Layout,
    Plane,
    code,
    feature_set,
    has_own_frames,
    is_reference,
    options_of,
)
from harness.section import Fraction, Most, Natural, Positive, Rate, Section, as_tuples
from harness.study.options import stated
from harness.system.addresses import split_address

CROSS_ENTROPY = "cross-entropy"


def whole_address(uri: str | None) -> str | None:
    """Return ``uri``; ValueError, which quotes nothing of it, where it is an address that cannot be taken apart."""
    if uri is not None and "://" in uri and not uri.startswith(("sqlite", "file:")):
        split_address(uri)
    return uri


class StudySection(Section):
    """The question, and the seed from which all random numbers derive."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
    """Name of the study: the MLflow experiment and the folder below reports/."""
    question: Annotated[str, Most(2_000, "a sentence is expected")] = ""
    """The question the study answers, in one sentence."""
    seed: Annotated[Natural, Most(2**63 - 1, "the largest integer that every database can store")] = 0
    """Root of every random number in the study."""


class DataSection(Section):
    """The clips. A table with the name of the data set, such as [data.synthetic], sets its options."""

    model_config = ConfigDict(extra="allow")

    dataset: Annotated[str, Most(100, "a name")]
    """Data set below the data root; csv for data of your own."""
    folds: Annotated[tuple[Positive, ...] | None, Most(1_000, "more than any data set has")] = None
    """Folds to use; default all. Naming them allows a data set of which only these folds are present."""

    @classmethod
    def tabled(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``given``, a section whose data set is known, with the options that are written in [data] itself in
        the table of the data set."""
        name = given["dataset"]
        options = options_of(DATASETS.get(name)).model_fields.keys() - cls.model_fields.keys()
        inline = {key: value for key, value in given.items() if key in options}
        rest = {key: value for key, value in given.items() if key not in inline}
        if inline and isinstance(rest.get(name, {}), Mapping):
            rest[name] = {**rest.get(name, {}), **inline}
        return rest

    @model_validator(mode="before")
    @classmethod
    def _with_options(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("dataset") not in DATASETS:
            return given
        rest = cls.tabled(given)
        name = given["dataset"]
        kind = options_of(DATASETS.get(name))
        kinds = {name: kind} if kind.model_fields else {}
        own = {key: {} for key in kinds} | {key: rest[key] for key in rest if key not in cls.model_fields}
        # Python sees lists first here, which strict sections accept as tuples only in JSON.
        return as_tuples(rest) | stated(own, kinds)

    @field_validator("dataset")
    @classmethod
    def _known(cls, dataset: str) -> str:
        return DATASETS.get(dataset).name

    @field_validator("folds")
    @classmethod
    def _distinct(cls, folds: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if folds is not None and (len(set(folds)) != len(folds) or len(folds) < 2):
            raise ValueError("name at least 2 different folds, one to test and one to train on, 3 with one to validate")
        return folds

    @model_validator(mode="after")
    def _known_folds(self) -> Self:
        known = self.description.folds
        if self.folds is not None and self.description.holdout:
            raise ValueError(f"folds: {self.name} has a train and a test part, so no folds can be named")
        for fold in self.folds or ():
            if fold not in known:
                raise ValueError(f"folds: {self.name} has no fold {fold}; it has {', '.join(map(str, known))}")
        return self

    @property
    def name(self) -> str:
        """What tables and claims call the data set."""
        return self.description.name

    @property
    def description(self) -> Dataset:
        """The data set."""
        known = DATASETS.get(self.dataset)
        described: Dataset = code(known.describe)(known, self.options) if known.describe else known
        return described

    @property
    def options(self) -> Section:
        """The data set's options, as stated or by default."""
        given: Section | None = (self.model_extra or {}).get(self.dataset)
        return options_of(DATASETS.get(self.dataset))() if given is None else given

    @property
    def used_folds(self) -> tuple[int, ...]:
        """The folds of the study, ascending."""
        return tuple(sorted(self.folds or self.description.folds))

    @property
    def validates(self) -> bool:
        """Whether there is a fold to validate on: with two folds, one is tested and the other trains."""
        return 2 in self.used_folds if self.description.holdout else len(self.used_folds) > 2


class ImageSection(Section):
    """How a plane becomes the channel of an image (the defaults are the ResNet-18 practical's)."""

    seconds: Annotated[Rate, Most(60, "the longest clip that can be used")] = 3.0
    """Length taken from the start of the clip; shorter clips are padded with silence."""
    rows: Annotated[Positive, Most(4_096, "64 MiB per plane")] = 128
    """Rows each plane is resized to."""
    columns: Annotated[Positive, Most(4_096, "64 MiB per plane")] = 128
    """Columns each plane is resized to."""


class SetSection(Section):
    """A feature set of the study itself: a plane with settings of its own, several planes stacked or as the channels of
    an image, or vectors from a file."""

    model_config = ConfigDict(extra="allow")

    plane: Annotated[str | None, Most(200, "a name")] = None
    """Plane, or code of your own as 'module:function'; further keys are its settings."""
    planes: Annotated[tuple[str, ...] | None, Most(100, "more planes than a network sees", each=200)] = None
    """Planes in order, of the registry or of [features.sets]: stacked, or the channels of an image."""
    layout: Layout | None = None
    """segments: planes are stacked, and windows of a clip's frames are the items. image: each plane is a channel,
    resized as [features.image] says. Default: segments, or image if a plane has a sample rate and frames of its own."""
    file: Annotated[str | None, Most(1_000, "a path")] = None
    """File of one vector per clip (.npz, or .parquet), relative to the study file."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [name for name in ("plane", "planes", "file") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of plane, planes or file, received {' and '.join(given) or 'none'}")
        if self.plane is None and self.model_extra:
            extra = next(iter(self.model_extra))
            raise ValueError(f"{extra}: unknown key; settings belong to a set with one plane")
        if self.file is not None and self.layout not in (None, Layout.VECTOR):
            raise ValueError(f"a file holds vectors, so layout must be 'vector' or left out, received {self.layout!r}")
        if self.file is None and self.layout is Layout.VECTOR:
            raise ValueError("layout = 'vector' needs file = 'FILE.npz' or 'FILE.parquet'")
        if self.planes is not None and len(set(self.planes)) != len(self.planes):
            raise ValueError(f"planes: each must be named once, received {list(self.planes)}")
        return self


SetName = Annotated[str, Field(pattern=r"^[A-Za-z][\w.-]*$", max_length=60)]


class FeaturesSection(Section):
    """How audio becomes the items that a network sees (defaults: Su et al. 2019, section 3.1; librosa's defaults where
    the paper states none)."""

    sample_rate: Annotated[Positive, Most(768_000, "Hz, the highest sample rate of a clip")] = 22050
    """Hz; clips are resampled to it, except for planes with their own rate."""
    hop_length: Annotated[Positive, Most(2**20, "24 s at 44.1 kHz")] = 512
    """Samples between frames, the same for all planes that are stacked."""
    clip_seconds: Annotated[Rate | None, Most(60, "the longest clip that can be used")] = None
    """Trim or pad every clip to this many seconds before segmentation; default each clip keeps its length. ESC's first
    release has clips of 3.6 to 7.2 s, which the later release changed to 5 s."""
    segment_frames: Annotated[Positive, Most(1_000_000, "more than a minute of frames")] = 41
    """Frames of one segment."""
    segment_hop: Annotated[Positive, Most(1_000_000, "more than a minute of frames")] = 20
    """Frames between the starts of neighbouring segments; an incomplete last segment is dropped, a silent one is kept
    (Piczak 2015 discards it)."""
    padding: Padding = Padding.ZEROS
    """How a clip shorter than one segment is padded: with silence, or by repeating the clip."""
    normalise: Normalise = Normalise.PER_BIN
    """Zero mean and unit variance for each row (image: pixel row), for each plane, or no normalisation; statistics come
    from the fold's training part."""
    image: ImageSection = ImageSection()
    """Image channels."""
    planes: Annotated[dict[str, SerializeAsAny[Section]], Most(1_000, "more than the number of planes")] = Field(
        default_factory=dict
    )
    """Settings of planes, one table per plane: [features.planes.LM]."""

    sets: Annotated[dict[SetName, SetSection], Most(1_000, "more than a study compares")] = Field(default_factory=dict)
    """Feature sets of the study itself, a table each: [features.sets.mel128]."""

    @field_validator("planes", mode="before")
    @classmethod
    def _own_settings(cls, planes: Any) -> Any:
        if not isinstance(planes, dict):
            return planes
        named = [PLANES.get(name) for name in planes if name in PLANES and not is_reference(name)]
        return stated(planes, {plane.name: options_of(plane) for plane in named})

    @model_validator(mode="after")
    def _known_sets(self) -> Self:
        for name, own in self.sets.items():
            if name in PLANES or name in FEATURE_SETS:
                raise ValueError(f"sets.{name}: the harness has a plane or feature set of this name; choose another")
            for plane in own.planes or (own.plane,) if own.file is None else ():
                within = self.sets.get(str(plane)) if own.planes else None
                if (within is None or within.plane is None) and plane not in PLANES:
                    mine = [each for each, other in self.sets.items() if other.plane and each != name]
                    raise ValueError(
                        f"sets.{name}: unknown plane {plane!r}; allowed: {', '.join([*mine, *PLANES.names()])}, or "
                        "code of your own as 'module:function'"
                    )
            if own.plane is not None:
                self.of(name)
        return self

    def plane(self, name: str) -> Plane:
        """Return the description of the plane that ``name`` calls, which may be a set of the study with one plane."""
        own = self.sets.get(name)
        return PLANES.get(own.plane if own is not None and own.plane is not None else name)

    def of(self, plane: str) -> Section:
        """Return the settings of a plane, as stated or by default; a set's own settings override those of its plane."""
        own = self.sets.get(plane)
        if own is None or own.plane is None:
            return self.planes.get(plane) or options_of(PLANES.get(plane))()
        options = options_of(self.plane(plane))
        base = self.planes.get(self.plane(plane).name)
        inherited = base.model_dump(exclude_unset=True) if base is not None else {}
        return options.model_validate(inherited | as_tuples(dict(own.model_extra or {})))

    def feature_set(self, name: str) -> FeatureSet:
        """Return the feature set called ``name``, of the study or of the registry.

        Raises
        ------
        UnknownNameError
            When there is none.
        """
        own = self.sets.get(name)
        if own is None:
            return feature_set(name, [each for each, other in self.sets.items() if other.plane])
        if own.file is not None:
            return FeatureSet(name, (name,), Layout.VECTOR, own.file)
        planes = (name,) if own.planes is None else own.planes
        canonical = tuple(plane if plane in self.sets else PLANES.get(plane).name for plane in planes)
        by_default = Layout.IMAGE if any(has_own_frames(self.plane(each)) for each in planes) else Layout.SEGMENTS
        return FeatureSet(name, canonical, own.layout or by_default)


class ModelSection(Section):
    """Initial weights, and the options of the arms' networks by name."""

    model_config = ConfigDict(extra="allow")

    init: Init = Init.TORCH
    """Initial weights: torch's default, or Kaiming normal as in the 2019 student replication."""

    @property
    def options(self) -> dict[str, Any]:
        """Options of networks."""
        return dict(self.model_extra or {})


class TrainSection(Section):
    """How one network is trained."""

    tuned_on: TunedOn = TunedOn.NOT_STATED
    """Data that the values of this study, apart from those found by [search], were tuned on. none: no data, for example
    the paper's own values. validation folds: for each tested fold, its own validation fold. reported folds: any choice
    for all folds that used the folds reported here, in this study or another one; tables and comparisons say so."""
    tuned_by: Annotated[str, Most(2_000, "a sentence is expected")] = ""
    """How they were tuned, in words."""

    epochs: Annotated[Positive, Most(100_000, "more would take years of training")] = 50
    """Passes over the training part."""
    batch_size: Annotated[Annotated[int, Field(ge=2)], Most(65_536, "more than the clips of a fold")] = 32
    """Items per step."""
    optimizer: Annotated[Optimizer | str, Field(union_mode="left_to_right"), Most(200, "a name")] = Optimizer.SGD
    """Optimiser: sgd, adam, adamw, or code of your own as 'module:factory', which is called with the parameters, lr and
    weight_decay, and returns a torch.optim.Optimizer."""
    loss: Annotated[str, Most(200, "a name")] = CROSS_ENTROPY
    """Loss: cross-entropy, or code of your own as 'module:function', which is called with logits (B, classes) and
    labels (B,), under mixup probabilities (B, classes), and returns the mean loss of the batch."""
    augment: Annotated[tuple[str, ...], Most(20, "more than help", each=200)] = ()
    """Augmentations of your own as 'module:function', in this order, after gain and masks and before mixup: each is
    called with a batch of normalised inputs, shape (B, channels, rows, columns), and returns one of the same shape.
    Random numbers from torch are seeded."""
    lr: Annotated[Rate, Most(1_000, "no network learns with more")] = 0.001
    """Learning rate."""
    momentum: Fraction = 0.9
    """Momentum of sgd."""
    weight_decay: Annotated[Annotated[float, Field(ge=0)], Most(1_000, "no network learns with more")] = 0.001
    """L2 coefficient (decoupled for adamw)."""
    precision: Precision = Precision.FLOAT32
    """Precision of the forward and backward pass; weights and optimiser stay float32."""
    schedule: Schedule = Schedule.CONSTANT
    """Learning rate over epochs: constant; times gamma at each milestone; or a half cosine down to zero."""
    milestones: Annotated[tuple[Positive, ...], Most(1_000, "more than the epochs of a study", each=100_000)] = ()
    """Epochs after which the step schedule multiplies the rate."""
    gamma: Annotated[Rate, Most(1_000, "no network learns with more")] = 0.1
    """Factor of the step schedule."""
    norm_statistics: NormStatistics = NormStatistics.RUNNING
    """What batch normalisation uses in evaluation: torch's running averages, which are affected by the dropout of
    training; or averages over the training part, re-estimated without dropout."""
    patience: Annotated[Natural, Most(100_000, "the most epochs")] = 0
    """Stop after this many epochs without a better validation macro accuracy (best-on-validation only); 0 = never."""
    class_weights: bool = False
    """Weigh the loss by largest class count over class count."""
    gain: Annotated[Annotated[int, Field(ge=1)], Most(1_000_000, "inputs have unit variance")] = 1
    """Multiply each normalised input by a random integer in 1..gain (the student replication used 4)."""
    mixup: Annotated[Annotated[float, Field(ge=0)], Most(1_000, "Beta(1000, 1000) is practically 0.5")] = 0.0
    """Alpha of mixup's Beta distribution; 0 = off."""
    mask_frames: Annotated[Natural, Most(1_000_000, "more than a minute of frames")] = 0
    """SpecAugment: widest mask in frames (columns); 0 = off."""
    mask_bins: Annotated[Natural, Most(65_536, "more than the number of bins")] = 0
    """SpecAugment: widest mask in bins (rows); 0 = off."""
    cuda_graphs: bool = True
    """On a GPU, record a step once and replay it in every training of the same shape: the same arithmetic with less
    overhead. The networks of Su et al. trained 3 to 6 times as fast with it in bfloat16 and 1.1 to 2 times in float32,
    at batch size 32 on an H100 (others were not measured). No effect on a CPU."""
    threads: Annotated[Positive, Most(1_024, "more than the cores of a machine")] = 1
    """CPU threads per training. Part of the study, because the order of summation affects the last digits."""

    @field_validator("optimizer", "loss", "augment")
    @classmethod
    def _names_code(cls, value: Any, info: ValidationInfo) -> Any:
        words = {"optimizer": tuple(Optimizer), "loss": (CROSS_ENTROPY,)}.get(info.field_name or "", ())
        for name in value if isinstance(value, tuple) else (value,):
            if name not in words and not is_reference(name):
                allowed = f"{', '.join(words)}, or " if words else ""
                raise ValueError(f"{name!r} is unknown; allowed: {allowed}code of your own as 'module:function'")
        return value

    @model_validator(mode="after")
    def _weights_are_of_cross_entropy(self) -> Self:
        if self.class_weights and self.loss != CROSS_ENTROPY:
            raise ValueError("class_weights belong to loss = 'cross-entropy'; weigh classes within your own loss")
        return self

    @model_validator(mode="after")
    def _schedule_is_whole(self) -> Self:
        if (self.schedule == Schedule.STEP) != bool(self.milestones):
            raise ValueError("schedule = 'step' and milestones must be set together; set both or neither")
        return self


class Space(Section):
    """The range of one searched value: low and high (log or stepped), or choices."""

    low: Annotated[float | None, Most(1e12, "more than any field allows")] = None
    """Smallest value."""
    high: Annotated[float | None, Most(1e12, "more than any field allows")] = None
    """Largest value."""
    log: bool = False
    """Draw on a logarithmic scale."""
    step: Annotated[float | None, Most(1e12, "more than any field allows")] = None
    """Distance between values."""
    choices: Annotated[
        tuple[bool | int | float | str, ...] | None, Most(1_000, "more than a search can try", each=1e12)
    ] = None
    """The values to choose from."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.log or self.step is not None:
                raise ValueError("give either choices, or low and high, not both")
            if not self.choices:
                raise ValueError("choices is empty; give at least one value")
            return self
        if self.low is None or self.high is None:
            raise ValueError("give either low and high, or choices")
        if not self.low < self.high:
            raise ValueError(f"low must be below high, received low = {self.low}, high = {self.high}")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("a logarithmic range needs low > 0 and no step")
        return self


class SearchSection(Section):
    """Hyperparameter search with Optuna, one search per arm."""

    trials: Annotated[Natural, Most(100_000, "more would take years of training")] = 0
    """Trials per arm; 0 = no search."""
    parallel_trials: Annotated[Positive, Most(1_000, "more than a sampler can learn from")] = 1
    """Trials of an arm that are proposed and trained at once: a batch, which learns from earlier batches. More of them
    occupy more workers, but learn from fewer trials. The outcome depends on this number, not on that of workers."""
    sampler: Sampler = Sampler.TPE
    """How values are proposed. tpe: by the mean of earlier trials over all folds. per-fold-tpe: for each fold by trials
    of its own, so that it sees no other fold (trials per arm and fold). grid takes choices only."""
    pruner: Pruner = Pruner.NONE
    """Stops a training of a trial after an epoch in which its best validation accuracy is below the median of earlier
    trials on the same fold (percentile: below the best quarter). halving: after a ninth and a third of the epochs, if
    it is not in the best third of the trainings that got there. Each fold is judged separately."""
    startup_trials: Annotated[Natural, Most(100_000, "the most trials")] = 4
    """Trials before the sampler builds a model, and trainings of a fold before the pruner judges it."""
    selection: Selection = Selection.PER_FOLD
    """per-fold: each fold uses the trial that is best on its own validation fold, so its test fold does not influence
    the choice (it does influence the values that tpe proposes; sampler = "per-fold-tpe" or "random" avoids this).
    pooled: one choice for all folds; the report marks it as tuned on the reported folds."""
    storage: Annotated[str | None, Most(2_000, "a URL")] = None
    """URL of Optuna's storage; default a SQLite file next to the tracking store. PostgreSQL URLs work."""
    space: Annotated[dict[str, Space], Most(100, "more than the number of fields", each=100)] = Field(
        default_factory=dict
    )
    """Search ranges, by dotted name of a train or model field."""

    _whole = field_validator("storage")(whole_address)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.trials and not self.space:
            raise ValueError("a search needs a space: add [search.space], or set trials = 0")
        if self.sampler == Sampler.GRID and any(entry.choices is None for entry in self.space.values()):
            raise ValueError("the grid sampler needs choices for every entry of the space")
        if self.sampler == Sampler.PER_FOLD_TPE and self.selection == Selection.POOLED:
            raise ValueError(
                "the per-fold-tpe sampler tries other values on each fold, so no single trial can be chosen for all of "
                "them; use selection = 'per-fold', or sampler = 'tpe'"
            )
        points = math.prod(len(entry.choices or ()) for entry in self.space.values())
        if self.sampler == Sampler.GRID and self.trials > points:
            raise ValueError(f"trials = {self.trials}, but the grid has {points} points")
        return self


class EvaluateSection(Section):
    """Seeds, tested folds and statistical tests."""

    seeds: Annotated[Positive, Most(1_000, "more would take years of training")] = 1
    """Final trainings per fold, each from its own seed."""
    folds: Annotated[tuple[Positive, ...] | None, Most(100, "more than any data set has")] = None
    """Folds to test; default every fold of the study. The other folds still train."""
    margin: Annotated[Rate, Most(100, "percentage points")] = 2.0
    """Margin of the equivalence test in percentage points, declared before the run."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Confidence of intervals; tests reject at 1 - confidence."""
    claim_exact: bool = False
    """Treat a claim that is a mean over folds with unknown SD as exact; otherwise the measured SD is used for both."""
    contrasts: Annotated[tuple[tuple[str, str], ...], Most(10_000, "all pairs of 141 arms")] = ()
    """Pairs of arms to test against each other: the family of Holm's correction. Default: all pairs; with more than 20
    arms, those of each fusion and its streams."""

    @field_validator("contrasts")
    @classmethod
    def _each_pair_once(cls, contrasts: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        for first, second in contrasts:
            if first == second:
                raise ValueError(f"contrasts: {first!r} is paired with itself; name two different arms")
            if sum({first, second} == set(pair) for pair in contrasts) > 1:
                raise ValueError(f"contrasts: {first!r} and {second!r} are paired more than once; give each pair once")
        return contrasts


class Comparison(Section):
    """A published number to compare with an arm."""

    # A Python keyword needs another name as an attribute.
    model_config = ConfigDict(serialize_by_alias=True)

    claim: Annotated[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+:[^/]+/.+$")], Most(500, "an address")]
    """Address of the claim: paper:table/column."""
    arm: Annotated[str, Most(60, "the maximum length of an arm's name")]
    """The arm to compare with it."""
    read_as: Annotated[ReadAs | None, Field(alias="as")] = None
    """replication: the arm replicates the system of the claim. reference: the claim is about another system. Default:
    reference if the claims file says so of its table."""


class TrackingSection(Section):
    """Where runs are recorded."""

    _whole = field_validator("uri")(whole_address)

    uri: Annotated[str, Most(2_000, "a URL")] = "sqlite:///mlruns/mlflow.db"
    """MLflow tracking URI; any that MLflow accepts."""
    weights: bool = True
    """Keep the weights of every final training (safetensors; 64 MB each for the 4-layer network)."""
    system_metrics: bool = True
    """Record processor, memory and GPU load during the run."""
