"""The sections of a study file, one model each; the doc of a field is the documentation of the file.

Units: learning rates and weight decay as in torch, margins in percentage points, durations in seconds, folds as
numbered by the data set's authors.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from harness.addresses import split_address
from harness.study.bounds import Most
from harness.vocabulary import DATASETS, ReadAs

Positive = Annotated[int, Field(gt=0)]
Natural = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


def whole_address(uri: str | None) -> str | None:
    """Return ``uri``; ValueError, which quotes nothing of it, where it is an address that cannot be taken apart."""
    if uri is not None and "://" in uri and not uri.startswith(("sqlite", "file:")):
        split_address(uri)
    return uri


class Section(BaseModel):
    """A table of the study file: frozen, and closed to unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class StudySection(Section):
    """What is asked, and the seed everything random derives from."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
    """Name of the study: the MLflow experiment and the folder below reports/."""
    question: Annotated[str, Most(2_000, "a sentence, not a document")] = ""
    """The question the study answers, in one sentence."""
    seed: Annotated[Natural, Most(2**63 - 1, "what every database keeps")] = 0
    """Root of every random number in the study."""


class SyntheticSection(Section):
    """The embedded data set, used when data.dataset is "synthetic"."""

    clips_per_class_and_fold: Annotated[Positive, Most(1_000, "100,000 clips of 10 classes in 5 folds")] = 4
    """Clips of each of the 10 classes in each of the 5 folds."""
    seed: Annotated[Natural, Most(2**63 - 1, "what every database keeps")] = 0
    """Seed of the generator."""


class DataSection(Section):
    """Which clips."""

    dataset: Literal["esc10", "esc50", "esc50-categories", "urbansound8k", "synthetic"]
    """Data set below the data root."""
    folds: Annotated[tuple[Positive, ...] | None, Most(100, "no data set has more")] = None
    """Official folds to use; default all. Naming them allows a data set of which only these folds are present."""
    synthetic: SyntheticSection = SyntheticSection()
    """Size of the embedded data set."""

    @field_validator("folds")
    @classmethod
    def _distinct(cls, folds: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if folds is not None and (len(set(folds)) != len(folds) or len(folds) < 3):
            raise ValueError("name at least 3 different folds: one to test, one to validate, one to train")
        return folds

    @model_validator(mode="after")
    def _known_folds(self) -> Self:
        known = DATASETS[self.dataset].folds
        for fold in self.folds or ():
            if fold not in known:
                raise ValueError(f"folds: {self.dataset} has no fold {fold}; it has {', '.join(map(str, known))}")
        return self

    @property
    def used_folds(self) -> tuple[int, ...]:
        """The folds of the study, ascending."""
        return tuple(sorted(self.folds or DATASETS[self.dataset].folds))


class ProtocolSection(Section):
    """How clips are split, and which epoch counts."""

    split: Literal["official", "random-clip", "random-segment"] = "official"
    """official: the authors' folds. random-clip: clips shuffled over folds. random-segment: segments shuffled, so that
    pieces of one clip lie on both sides."""
    epoch_rule: Literal["fixed", "best-on-validation", "best-on-test"] = "fixed"
    """Which epoch's weights are tested. best-on-test lets the test fold choose, as some papers do, and every table
    says so."""
    final_train: Literal["train", "train+validation"] = "train"
    """What the final trainings learn from: the training part, or the validation fold as well (search never does)."""

    @model_validator(mode="after")
    def _validation_is_free(self) -> Self:
        if self.final_train == "train+validation" and self.epoch_rule == "best-on-validation":
            raise ValueError(
                "final_train = 'train+validation' leaves no validation fold to choose the epoch on; "
                "use epoch_rule = 'fixed' or final_train = 'train'"
            )
        return self


class ImageSection(Section):
    """Settings of image channels (the defaults are the ResNet-18 practical's)."""

    sample_rate: Annotated[Positive, Most(768_000, "Hz, the highest rate of a clip")] = 44100
    """Hz; clips are resampled to it. The paper's planes keep features.sample_rate also as image channels."""
    n_fft: Annotated[Positive, Most(2**16, "1.5 s at 44.1 kHz")] = 1024
    """Points of the Fourier transform."""
    win_length: Annotated[Positive, Most(2**16, "no longer than the transform")] = 512
    """Samples of the Hann window."""
    hop_length: Annotated[Positive, Most(2**20, "24 s at 44.1 kHz")] = 256
    """Samples between frames."""
    n_mels: Annotated[Positive, Most(4_096, "more than a transform of 2^13 points has")] = 64
    """Mel bands (HTK scale, no area normalisation)."""
    n_mfcc: Annotated[Positive, Most(4_096, "no more than there are bands")] = 64
    """MFCC coefficients of n_mels bands."""
    f_min: Annotated[Annotated[float, Field(ge=0)], Most(384_000, "half the highest rate")] = 1.0
    """Lowest mel frequency in Hz; the highest is half the sample rate."""
    db_offset: Annotated[Rate, Most(1, "full scale")] = 1e-10
    """Power added before the logarithm: dB = 10 log10(power + db_offset)."""
    seconds: Annotated[Rate, Most(60, "the longest clip that is read")] = 3.0
    """Length taken from the start of the clip; shorter clips are padded with silence."""
    rows: Annotated[Positive, Most(4_096, "64 MiB a plane")] = 128
    """Rows each plane is resized to."""
    columns: Annotated[Positive, Most(4_096, "64 MiB a plane")] = 128
    """Columns each plane is resized to."""


class FeaturesSection(Section):
    """Settings of the paper's planes and of their segments (defaults: Su et al. 2019, section 3.1; librosa's
    defaults where the paper is silent)."""

    sample_rate: Annotated[Positive, Most(768_000, "Hz, the highest rate of a clip")] = 22050
    """Hz; clips are resampled to it."""
    n_fft: Annotated[Positive, Most(2**16, "1.5 s at 44.1 kHz")] = 1024
    """Points of the Fourier transform and samples of its Hann window."""
    hop_length: Annotated[Positive, Most(2**20, "24 s at 44.1 kHz")] = 512
    """Samples between frames; the constant-Q transform of tonnetz uses it too."""
    n_mels: Annotated[Positive, Most(4_096, "more than a transform of 2^13 points has")] = 60
    """Mel bands (Slaney scale and area normalisation) of LM; MFCC is computed from 128 bands, librosa's default."""
    n_mfcc: Annotated[Positive, Most(4_096, "no more than there are bands")] = 20
    """MFCC coefficients; their first and second derivatives are appended."""
    delta_width: Annotated[Annotated[int, Field(ge=3)], Most(1_001, "frames; 23 s by default")] = 9
    """Frames of the Savitzky-Golay filter of the derivatives; odd."""
    n_chroma: Annotated[Positive, Most(1_024, "a twelfth of a semitone has 144")] = 12
    """Chroma bins."""
    contrast_bands: Annotated[Positive, Most(16, "octaves; hearing spans 10")] = 6
    """Octave bands of spectral contrast; one row more than bands."""
    contrast_fmin: Annotated[Rate, Most(384_000, "half the highest rate")] = 200.0
    """Upper edge of spectral contrast's first band in Hz."""
    clip_seconds: Annotated[Rate | None, Most(60, "the longest clip that is read")] = None
    """Cut or lengthen every clip to this many seconds before the paper's planes; default each clip keeps its length.
    ESC's first release holds clips of 3.6 to 7.2 s that its later one brought to 5 s."""
    segment_frames: Annotated[Positive, Most(1_000_000, "more than a minute of frames")] = 41
    """Frames of one segment."""
    segment_hop: Annotated[Positive, Most(1_000_000, "more than a minute of frames")] = 20
    """Frames between the starts of neighbouring segments; an incomplete last segment is dropped, a silent one is kept
    (Piczak 2015 discards it)."""
    padding: Literal["zeros", "repeat"] = "zeros"
    """How a clip shorter than one segment is lengthened: silence, or the clip again."""
    normalise: Literal["per-bin", "per-plane", "none"] = "per-bin"
    """Zero mean and unit variance for each row (image: pixel row), each plane, or not at all; statistics of the
    fold's training part."""
    image: ImageSection = ImageSection()
    """Image channels."""

    @model_validator(mode="after")
    def _odd_width(self) -> Self:
        if self.delta_width % 2 == 0:
            raise ValueError(f"delta_width must be odd, received {self.delta_width}")
        return self


class ModelSection(Section):
    """Choices within a network."""

    conv4: Literal["pool", "stride"] = "pool"
    """Su networks, the step after conv4: a 2 x 2 pool after a stride-1 convolution (agrees with the paper's memory
    column), or a stride-2 convolution and no pool."""
    dropout: Fraction = 0.5
    """Su networks: probability of dropping in the layers the paper names."""
    init: Literal["torch", "kaiming-normal"] = "torch"
    """Initial weights: torch's default, or Kaiming normal as in the 2019 student replication."""


class TrainSection(Section):
    """How one network is trained."""

    tuned_on: Literal["none", "other data", "validation folds", "reported folds", "not stated"] = "not stated"
    """What the values of this study, apart from those that [search] finds, were chosen on. none: no data, such as a
    paper's own values. validation folds: for each tested fold, its own validation fold. reported folds: any choice for
    all folds that saw the folds reported here, in this study or another one; tables and comparisons say so."""
    tuned_by: Annotated[str, Most(2_000, "a sentence, not a document")] = ""
    """How they were chosen, in words."""

    epochs: Annotated[Positive, Most(100_000, "years, at a minute an epoch")] = 50
    """Passes over the training part."""
    batch_size: Annotated[Annotated[int, Field(ge=2)], Most(65_536, "more than a fold has clips")] = 32
    """Items in a step."""
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"
    """Optimiser."""
    lr: Annotated[Rate, Most(1_000, "nothing learns beyond")] = 0.001
    """Learning rate."""
    momentum: Fraction = 0.9
    """Momentum of sgd."""
    weight_decay: Annotated[Annotated[float, Field(ge=0)], Most(1_000, "nothing learns beyond")] = 0.001
    """L2 coefficient (decoupled for adamw)."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Arithmetic of forward and backward; weights and optimiser stay float32."""
    schedule: Literal["constant", "step", "cosine"] = "constant"
    """Learning rate over epochs: constant; times gamma at each milestone; or a half cosine down to zero."""
    milestones: Annotated[tuple[Positive, ...], Most(1_000, "entries", each=100_000)] = ()
    """Epochs after which the step schedule multiplies the rate."""
    gamma: Annotated[Rate, Most(1_000, "nothing learns beyond")] = 0.1
    """Factor of the step schedule."""
    norm_statistics: Literal["running", "re-estimated"] = "running"
    """What batch normalisation uses in evaluation: torch's running averages, in which the dropout of training takes
    part; or averages over the training part, taken again without dropout."""
    patience: Annotated[Natural, Most(100_000, "no more than epochs")] = 0
    """Stop after this many epochs without a better validation macro accuracy (best-on-validation only); 0 = never."""
    class_weights: bool = False
    """Weigh the loss by largest class count over class count."""
    gain: Annotated[Annotated[int, Field(ge=1)], Most(1_000_000, "inputs have unit variance")] = 1
    """Multiply each normalised input by a random whole number 1..gain (the student replication took 4)."""
    mixup: Annotated[Annotated[float, Field(ge=0)], Most(1_000, "Beta(1000, 1000) is one half")] = 0.0
    """Alpha of mixup's Beta distribution; 0 = off."""
    mask_frames: Annotated[Natural, Most(1_000_000, "more than a minute of frames")] = 0
    """SpecAugment: widest mask in frames (columns); 0 = off."""
    mask_bins: Annotated[Natural, Most(65_536, "more than there are bins")] = 0
    """SpecAugment: widest mask in bins (rows); 0 = off."""
    cuda_graphs: bool = True
    """On a GPU, record a step once and replay it in every training of the same shape: the same arithmetic with fewer
    waits. The networks of Su et al. trained 3 to 6 times as fast with it in bfloat16 and 1.1 to 2 times in float32, at
    batch 32 on an H100 (others were not measured). Without effect on a CPU."""
    threads: Annotated[Positive, Most(1_024, "more than a machine has cores")] = 1
    """CPU threads of one training. Part of the study, because sums in another order give other last digits."""

    @model_validator(mode="after")
    def _schedule_is_whole(self) -> Self:
        if (self.schedule == "step") != bool(self.milestones):
            raise ValueError("schedule = 'step' and milestones go together: give both or neither")
        return self


class Space(Section):
    """The range of one searched value: low and high (log or stepped), or choices."""

    low: Annotated[float | None, Most(1e12, "beyond every field")] = None
    """Smallest value."""
    high: Annotated[float | None, Most(1e12, "beyond every field")] = None
    """Largest value."""
    log: bool = False
    """Draw on a logarithmic scale."""
    step: Annotated[float | None, Most(1e12, "beyond every field")] = None
    """Distance between values."""
    choices: Annotated[
        tuple[bool | int | float | str, ...] | None, Most(1_000, "more than a search tries", each=1e12)
    ] = None
    """The values to choose from."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.log or self.step is not None:
                raise ValueError("give choices, or low and high, not both")
            if not self.choices:
                raise ValueError("choices is empty")
            return self
        if self.low is None or self.high is None:
            raise ValueError("give low and high, or choices")
        if not self.low < self.high:
            raise ValueError(f"low must be below high, received low = {self.low}, high = {self.high}")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("a logarithmic range needs low above 0 and no step")
        return self


class SearchSection(Section):
    """Hyperparameter search with Optuna, one search per arm."""

    trials: Annotated[Natural, Most(100_000, "years of training")] = 0
    """Trials per arm; 0 = no search."""
    sampler: Literal["tpe", "per-fold-tpe", "random", "grid"] = "tpe"
    """How values are proposed. tpe: by the mean of earlier trials over all folds. per-fold-tpe: for each fold by trials
    of its own, so that it sees no other fold (trials per arm and fold). grid takes choices only."""
    pruner: Literal["none", "median", "percentile"] = "none"
    """Stops a training of a trial after an epoch in which its best validation accuracy is below the median of earlier
    trials on the same fold (percentile: below the best quarter). Folds are judged apart."""
    startup_trials: Annotated[Natural, Most(100_000, "no more than trials")] = 4
    """Trials before the sampler models, and trainings of a fold before the pruner judges it."""
    selection: Literal["per-fold", "pooled"] = "per-fold"
    """per-fold: each fold takes the trial best on its own validation fold, so its test fold has no say in the choice
    (in the values that tpe proposes it has; sampler = "per-fold-tpe" or "random" avoids even that). pooled: one choice
    for all folds; the report marks it as tuned on the reported folds."""
    storage: Annotated[str | None, Most(2_000, "a URL")] = None
    """URL of Optuna's storage; default a SQLite file beside the tracking store. PostgreSQL URLs work."""
    space: Annotated[dict[str, Space], Most(100, "there are fewer fields", each=100)] = {}
    """What is searched, by dotted name of a train or model field."""

    _whole = field_validator("storage")(whole_address)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.trials and not self.space:
            raise ValueError("a search needs a space: add [search.space], or set trials = 0")
        if self.sampler == "grid" and any(entry.choices is None for entry in self.space.values()):
            raise ValueError("the grid sampler needs choices for every entry of the space")
        if self.sampler == "per-fold-tpe" and self.selection == "pooled":
            raise ValueError(
                "the per-fold-tpe sampler tries other values on each fold, so no trial can be chosen for all of them; "
                "use selection = 'per-fold', or sampler = 'tpe'"
            )
        points = math.prod(len(entry.choices or ()) for entry in self.space.values())
        if self.sampler == "grid" and self.trials > points:
            raise ValueError(f"trials = {self.trials}, but the grid has {points} points")
        return self


class EvaluateSection(Section):
    """What is repeated and reported."""

    seeds: Annotated[Positive, Most(1_000, "years of training")] = 1
    """Final trainings per fold, each from its own seed."""
    folds: Annotated[tuple[Positive, ...] | None, Most(100, "no data set has more")] = None
    """Folds to test; default every fold of the study. The other folds still train."""
    margin: Annotated[Rate, Most(100, "percentage points")] = 2.0
    """Margin of the equivalence test in percentage points, declared before the run."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Confidence of intervals; tests reject at 1 - confidence."""
    claim_exact: bool = False
    """Take a claim that is a mean over folds of unknown SD as exact; else the measured SD is used for both sides."""
    contrasts: Annotated[tuple[tuple[str, str], ...], Most(10_000, "pairs of 141 arms")] = ()
    """Pairs of arms to test against each other: the family that Holm's correction covers. Default: every pair, of
    more than 20 arms those of a fusion and its own streams."""

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
    """A published number set beside an arm."""

    # A keyword of Python has to be called otherwise inside.
    model_config = ConfigDict(serialize_by_alias=True)

    claim: Annotated[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+:[^/]+/.+$")], Most(500, "an address")]
    """Address of the claim: paper:table/column."""
    arm: Annotated[str, Most(60, "the longest name of an arm")]
    """The arm beside it."""
    read_as: Annotated[ReadAs | None, Field(alias="as")] = None
    """replication: the arm replicates the system that the number is of. reference: the number is of another system, and
    tests no replication. Default: reference where the claims file calls its table one."""


class TrackingSection(Section):
    """Where runs are recorded."""

    _whole = field_validator("uri")(whole_address)

    uri: Annotated[str, Most(2_000, "a URL")] = "sqlite:///mlruns/mlflow.db"
    """MLflow tracking URI; any that MLflow accepts."""
    weights: bool = True
    """Keep the weights of every final training (safetensors; 64 MB each for the 4-layer network)."""
    system_metrics: bool = True
    """Record processor, memory and GPU load during the run."""
