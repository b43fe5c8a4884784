"""The descriptions: what the registries hold, one small frozen object for each thing that a study can name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.choices import Validation


class Layout(StrEnum):
    """How the planes of a feature set become the input of a network."""

    SEGMENTS = "segments"
    """Planes stacked along frequency into one channel; windows of a clip's frames are the items."""
    IMAGE = "image"
    """Each plane is one channel; the item is one image per clip."""
    VECTOR = "vector"
    """One vector per clip, such as an embedding, read from a file; the item has shape (1, 1, D)."""


class Unit(StrEnum):
    """What an item of a split is."""

    CLIP = "clip"
    SEGMENT = "segment"


@dataclass(frozen=True)
class Network:
    """A network.

    Attributes
    ----------
    name
        What a study calls it.
    build
        ``"module:factory"`` of a function or class that is called as ``factory(input_shape=..., n_classes=...,
        **options)`` and returns a ``torch.nn.Module`` with fresh weights. The module maps float32 items, shape (B,
        channels, rows, columns), to logits, shape (B, n_classes); ``input_shape`` is (channels, rows, columns).
    layouts
        What it takes.
    arguments
        Further keyword arguments of the factory.
    options
        ``"module:Class"`` of its options, a :class:`harness.section.Section`; they are fields of ``[model]``.
    features
        The only feature set that it accepts; empty when it accepts any with one of its layouts.
    takes_rows
        Whether the factory also takes ``plane_rows``: first row, and row after the last, of each plane of a stack.
    first_fc
        ``"module:function"`` of ``first_fc(stride, size, **arguments)``, which returns the number of layers before the
        first fully connected one, and its weights, if every convolution had ``stride`` and the input ``size`` (rows,
        columns). Audits check with it what a paper states of strides; without it they do not.
    own
        Whether ``build`` is the user's own code, which only :mod:`harness.own_code` may import.
    """

    name: str
    build: str
    layouts: tuple[Layout, ...]
    arguments: tuple[tuple[str, Any], ...] = ()
    options: str = "harness.section:NoOptions"
    features: str = ""
    takes_rows: bool = False
    first_fc: str = ""
    own: bool = False


@dataclass(frozen=True)
class Plane:
    """A time-frequency representation of a clip, such as a log-mel spectrogram.

    Attributes
    ----------
    name, aliases
        What feature sets and studies call it.
    compute
        ``"module:function"`` of ``compute(waves, options)``, which takes a :class:`harness.features.waves.Waves`, the
        clips of one length, and returns a float32 tensor, shape (B, frames, rows).
    rows
        ``"module:function"`` of ``rows(options)``, the number of rows.
    options
        ``"module:Class"`` of its settings, a :class:`harness.section.Section`; they are ``[features.planes.NAME]``. A
        plane whose options have ``sample_rate`` or ``hop_length`` has its own frames: it can be the channel of an
        image, but cannot be stacked.
    prepare
        ``"module:function"`` of ``prepare(samples, sample_rate, hop_length, options)`` for work on the host, if any:
        called for each clip (float32, shape (N,)) by the threads that load clips while a device computes others.
        ``waves.prepared[NAME]`` then has the results for the clips.
    revision
        Increased with every change of the code that affects its values: the cache then computes it again.
    libraries
        Installed distributions whose versions its values depend on, apart from torch and the libraries that decode and
        resample.
    scale
        ``"module:function"`` of ``scale(options, sample_rate)``, which returns a
        :class:`harness.features.row_scale.RowScale`: what the rows are, for pictures. Without it they are numbered.
    unit
        Unit of the values, for pictures; empty for none.
    own
        Whether ``compute`` is the user's own code, which only :mod:`harness.own_code` may import; it is then called as
        :mod:`harness.features.own_planes` describes, and ``rows`` is not used.
    """

    name: str
    compute: str
    rows: str
    options: str = "harness.section:NoOptions"
    prepare: str = ""
    revision: int = 1
    libraries: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    scale: str = ""
    unit: str = ""
    own: bool = False


@dataclass(frozen=True)
class FeatureSet:
    """A named input: which planes, in which order, and how they are laid out; of vectors, the file that holds them."""

    name: str
    planes: tuple[str, ...]
    layout: Layout
    file: str = ""


@dataclass(frozen=True)
class Source:
    """Where a data set is fetched from.

    ``checksum`` is ``algorithm:hex`` or None. ``metadata`` identifies the data set's folder inside the archive;
    ``folder`` is its name below the data root, ``also`` alternative names, such as the archive's. ``max_bytes`` is
    about twice the size of the unpacked data set; no archive of it is larger than that either.
    """

    url: str
    checksum: str | None
    archive: str
    folder: str
    metadata: str
    max_bytes: int
    also: tuple[str, ...] = ()

    @property
    def folders(self) -> tuple[str, ...]:
        """Every name that the folder may have."""
        return (self.folder, *self.also)


TEST, VALIDATION, TRAIN = 1, 2, 3
"""Numbers of the parts of a hold-out data set: the part after the tested one validates, as everywhere."""
_PART_NAMES = {TEST: "test", VALIDATION: "validation", TRAIN: "train"}


@dataclass(frozen=True)
class Dataset:
    """A data set with folds.

    Attributes
    ----------
    name, title
        What studies and prose call it.
    n_classes, folds, n_clips, seconds
        What the official release has: classes, numbers of its folds, clips (0 where the study decides), and the usual
        length of a clip in seconds.
    uneven
        Whether clips differ in length, so that a check does not compare them with ``seconds``.
    read
        ``"module:function"`` of ``read(dataset, root, options)``, which returns the
        :class:`harness.data.inventory.Inventory` of what the metadata below the data root names.
    known_leaks
        Recordings that the authors spread over more than one fold.
    fold_counts
        Clips of each fold and class in the official release, one tuple per fold; empty where all have the same number.
    class_counts
        Clips of each class by name, where they are not the same for all.
    channels
        Numbers of channels that its files may have.
    source
        Where it is downloaded from; None where it cannot be.
    obtain
        Where else it can be had, as a sentence without its end, for messages; empty where ``source`` says it.
    prepare
        ``"module:function"`` of ``prepare(root, options)``, which generates it below the data root; empty where it is
        not generated.
    options
        ``"module:Class"`` of its options, a :class:`harness.section.Section`; they are ``[data.NAME]``.
    columns
        Headings of its metadata file that hold the file, label, fold and recording of a clip, as pairs of these names
        and headings; empty where there is no such file.
    part_of
        Larger data set that contains it; messages name it where the two may be confused.
    holdout
        Whether fold 1 (:data:`TEST`) alone is tested, fold 2 (:data:`VALIDATION`) validates and fold 3 (:data:`TRAIN`)
        trains, instead of a cross-validation.
    recordings
        Whether the metadata says which recording a clip was cut from.
    own
        Whether it is data of the user's own: ``read`` then also takes the folder of the study file, and what it has is
        its release. Recordings that cross its folds are counted, not refused.
    resolve
        ``"module:function"`` of ``resolve(options, folder)``, which adds to a study's options what the data in
        ``folder`` say; called when a study file is read. Empty where nothing is to add.
    describe
        ``"module:function"`` of ``describe(dataset, options)``, which returns the description that the options make of
        this one; empty where that is this one.
    """

    name: str
    title: str
    n_classes: int
    folds: tuple[int, ...]
    n_clips: int
    seconds: float
    read: str
    known_leaks: tuple[str, ...] = ()
    fold_counts: tuple[tuple[int, ...], ...] = ()
    class_counts: tuple[tuple[str, int], ...] = ()
    channels: tuple[int, ...] = (1,)
    source: Source | None = None
    uneven: bool = False
    obtain: str = ""
    prepare: str = ""
    options: str = "harness.section:NoOptions"
    columns: tuple[tuple[str, str], ...] = ()
    part_of: str = ""
    holdout: bool = False
    recordings: bool = True
    own: bool = False
    resolve: str = ""
    describe: str = ""

    @property
    def tested_folds(self) -> tuple[int, ...]:
        """The folds that are tested: all, or the first one of a hold-out data set."""
        return self.folds[:1] if self.holdout else self.folds

    def fold_name(self, fold: int) -> str:
        """Return what messages call a fold: ``fold 3``, or ``train`` in a hold-out data set."""
        return _PART_NAMES[fold] if self.holdout else f"fold {fold}"

    @property
    def balanced(self) -> bool:
        """Whether every class is known to have the same number of clips in every fold."""
        return not self.own and not self.class_counts

    def clips_of(self, class_name: str) -> int | None:
        """Return how many clips the release has of a class; None where that is unknown (or the name is)."""
        if self.class_counts:
            return dict(self.class_counts).get(class_name)
        return self.n_clips // self.n_classes or None if self.balanced else None


@dataclass(frozen=True)
class SplitRule:
    """How items are dealt over folds, or into a test part and others.

    Attributes
    ----------
    name
        What ``protocol.split`` calls it.
    deal
        ``"module:function"`` of ``deal(clips, seed, segments_per_clip)``, which returns the items, a
        :class:`harness.data.splits.Part`, and the fold of each, int64, shape (n_items,). A rule with ``options`` gets
        them as a fourth argument. A rule with one tested part returns the part of each item instead of the fold:
        :data:`TEST`, :data:`VALIDATION` or :data:`TRAIN`.
    meaning
        One sentence: what is dealt, for tables and for `harness fields`.
    unit
        What an item is.
    official
        Whether the folds are the authors': recordings must then not cross them, except for the known ones.
    shuffles
        Whether items are drawn at random, without regard to recordings.
    used_by
        Who uses it, as a phrase; empty where nobody is known to.
    options
        ``"module:Class"`` of its options, a :class:`harness.section.Section`; they are fields of ``[protocol]``.
    single
        Whether one part is tested, once, instead of every fold.
    folds
        Numbers of its folds, ascending; empty for those of the data set.
    validation
        What validates where a study does not say.
    only_validation
        Whether nothing else may validate.
    own_parts
        Whether a rule with one tested part also deals a validation part.
    files
        Options that name a file relative to the study file; ``deal`` gets their paths.
    resolve
        ``"module:function"`` of ``resolve(options, folder)``, which adds to the options of a study in ``folder`` what
        its files say; called when a study file is read. Empty where nothing is to add.
    describe
        ``"module:function"`` of ``describe(rule, options)``, which returns the description that the options make of
        this one; empty where that is this one.
    """

    name: str
    deal: str
    meaning: str
    unit: Unit = Unit.CLIP
    official: bool = False
    shuffles: bool = False
    used_by: str = ""
    options: str = "harness.section:NoOptions"
    single: bool = False
    folds: tuple[int, ...] = ()
    validation: Validation = Validation.NEXT_FOLD
    only_validation: bool = False
    own_parts: bool = False
    files: tuple[str, ...] = ()
    resolve: str = ""
    describe: str = ""

    @property
    def has_next_fold(self) -> bool:
        """Whether there can be a fold, or a part of its own, that validates."""
        return self.own_parts if self.single else True


Item = Network | Plane | FeatureSet | Dataset | SplitRule
