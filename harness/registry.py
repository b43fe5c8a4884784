"""What a study can name: networks, planes, feature sets, data sets and split rules, each described by one small object.

A description names its code (``"package.module:function"``) without importing it, so that study files are checked
without torch. Built-in descriptions are in one file each, in the folders that :data:`_FOLDERS` lists: a new network,
plane, data set or split rule is one new file there, which calls :func:`register`. Other packages register theirs by
entry points in the groups ``harness.networks``, ``harness.planes``, ``harness.feature_sets``, ``harness.datasets`` and
``harness.splits``: the entry point's name is the name that studies use, its value the description. An entry point is
loaded only when a study names it.

Conventions: accuracies are fractions in [0, 1]; folds are numbered as in the official metadata, from 1.

Examples
--------
>>> NETWORKS.get("resnet18").layouts
(<Layout.IMAGE: 'image'>,)
>>> feature_set("image:mel").planes
('mel',)
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from harness.choices import Validation
from harness.errors import HarnessError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from harness.section import Section


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
T = TypeVar("T", Network, Plane, FeatureSet, Dataset, SplitRule)


class UnknownNameError(HarnessError, ValueError):
    """No such network, plane, feature set, data set or split rule."""


class Registry(Generic[T]):
    """The descriptions of one kind by name: built-in ones, registered ones, and those of installed packages.

    Parameters
    ----------
    kind : type
        Class of the descriptions.
    noun : str
        What messages call one, such as "network".
    folders : tuple of str
        Packages whose modules register the built-in descriptions.
    group : str
        Group of entry points of installed packages.
    of_code : callable, optional
        Describes the user's own code from its reference, ``"module:name"``, without importing it. None where studies
        cannot name code.
    """

    def __init__(
        self,
        kind: type[T],
        noun: str,
        folders: tuple[str, ...],
        group: str,
        of_code: Callable[[str], T] | None = None,
    ) -> None:
        self._kind: type[T] = kind
        self._noun = noun
        self._folders = folders
        self._group = group
        self._of_code: Callable[[str], T] | None = of_code
        self._items: dict[str, T] = {}

    def get(self, name: str) -> T:
        """Return the description called ``name``.

        Raises
        ------
        UnknownNameError
            When there is none, or the package that provides it cannot be imported; the message lists the known names.
        """
        self._discover()
        if self._of_code is not None and is_reference(name):
            return self._of_code(name)
        if (alias := self._aliases().get(name)) is not None:
            return alias
        if name not in self._items:
            self._load_entry_point(name)
        if name not in self._items:
            raise UnknownNameError(f"unknown {self._noun} {name!r}; allowed: {', '.join(self.names())}{self._or_code}")
        return self._items[name]

    @property
    def _or_code(self) -> str:
        return ", or code of your own as 'module:name'" if self._of_code is not None else ""

    def names(self) -> tuple[str, ...]:
        """Return every name that :meth:`get` accepts, sorted; no code of other packages is run."""
        self._discover()
        installed: list[str] = [point.name for point in _points(self._group)]
        # The order in which modules were imported depends on what a process did before.
        return tuple(sorted({*self._items, *self._aliases(), *installed}))

    def _aliases(self) -> dict[str, T]:
        return {alias: item for item in self._items.values() for alias in getattr(item, "aliases", ())}

    def __contains__(self, name: object) -> bool:
        self._discover()
        if self._of_code is not None and isinstance(name, str) and is_reference(name):
            return True
        return name in self._items or name in self.names()

    def __iter__(self) -> Iterator[T]:
        """Yield the built-in and registered descriptions, and those of other packages that a study has named, sorted by
        name; no code of other packages is run."""
        self._discover()
        yield from (item for _, item in sorted(self._items.items()))

    def add(self, item: T) -> None:
        """Add ``item``; ValueError when another one has its name."""
        known = self._items.setdefault(item.name, item)
        if known != item:
            raise ValueError(f"{self._noun} {item.name!r} is registered twice, as {known} and as {item}; rename one")

    def _discover(self) -> None:
        for folder in self._folders:
            discover(folder)

    def _load_entry_point(self, name: str) -> None:
        for point in _points(self._group):
            if point.name != name:
                continue
            try:
                item = point.load()
            except Exception as error:  # another package's module can raise anything
                raise UnknownNameError(
                    f"{self._noun} {name!r}: {point.value} of an installed package cannot be loaded: "
                    f"{type(error).__name__}: {error}"
                ) from error
            if not isinstance(item, self._kind) or item.name != name:
                raise UnknownNameError(
                    f"{self._noun} {name!r}: {point.value} of an installed package is not a {self._kind.__name__} of "
                    f"that name; received {item!r}"
                )
            self.add(item)


def _points(group: str) -> tuple[EntryPoint, ...]:
    return _points_on(group, tuple(sys.path))


@lru_cache(maxsize=16)
def _points_on(group: str, _path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    # Reading the metadata of every installed package takes about 20 ms.
    from importlib.metadata import entry_points

    return tuple(entry_points(group=group))


_SPLITS, _DATASETS = "harness.data.rules", "harness.data.datasets"
_NETWORKS, _PLANES = "harness.models.networks", "harness.features.planes"

_REFERENCE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*")
_LIBRARIES = ("torchvision", "timm")
_ANY = "harness.section:AnyOptions"


def is_reference(name: str) -> bool:
    """Return whether ``name`` names code, as ``"module:name"``, rather than something registered."""
    return _REFERENCE.fullmatch(name) is not None


def is_library(reference: str) -> bool:
    """Return whether ``reference`` names a network of torchvision or timm."""
    return reference.partition(":")[0] in _LIBRARIES


def _network_of(reference: str) -> Network:
    library, _, name = reference.partition(":")
    if is_library(reference):
        fixed = (("library", library), ("name", name))
        return Network(
            reference, "harness.models.libraries:library_network", (Layout.IMAGE, Layout.SEGMENTS), fixed, _ANY
        )
    return Network(reference, reference, tuple(Layout), options=_ANY, own=True)


def _plane_of(reference: str) -> Plane:
    return Plane(reference, reference, "", options=_ANY, own=True)


NETWORKS = Registry(Network, "model", (_NETWORKS,), "harness.networks", _network_of)
PLANES = Registry(Plane, "plane", (_PLANES,), "harness.planes", _plane_of)
FEATURE_SETS = Registry(FeatureSet, "feature set", (_PLANES, _NETWORKS), "harness.feature_sets")
DATASETS = Registry(Dataset, "data set", (_DATASETS,), "harness.datasets")
SPLITS = Registry(SplitRule, "split", (_SPLITS,), "harness.splits")
_REGISTRIES: Mapping[type, Registry[Any]] = {
    Network: NETWORKS,
    Plane: PLANES,
    FeatureSet: FEATURE_SETS,
    Dataset: DATASETS,
    SplitRule: SPLITS,
}
_discovered: set[str] = set()


def register(*items: Item) -> None:
    """Register ``items`` under their names.

    Raises
    ------
    ValueError
        When a name is taken by another description of the kind.
    """
    for item in items:
        _REGISTRIES[type(item)].add(item)


def discover(folder: str) -> None:
    """Import every module of the package ``folder`` once; each registers what it describes."""
    if folder in _discovered:
        return
    _discovered.add(folder)  # at once: its modules may look names up themselves
    try:
        package = importlib.import_module(folder)
        for found in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{folder}.{found.name}")
    except BaseException:
        # Otherwise the next look-up would find an empty registry instead of the fault.
        _discovered.discard(folder)
        raise


def described(dataset: str, n_folds: int, n_classes: int = 0) -> Dataset:
    """Return the description of ``dataset``, or of an unknown one of which no more is known than these numbers."""
    if dataset in DATASETS:
        return DATASETS.get(dataset)
    return Dataset(dataset, dataset, n_classes, tuple(range(1, n_folds + 1)), 0, 0.0, read="", own=True)


def code(reference: str) -> Any:
    """Return the object that ``"module:name"`` names.

    Raises
    ------
    ValueError
        When the reference is not of that form, or the module lacks the name. Exceptions from importing the module
        propagate.
    """
    module, colon, name = reference.partition(":")
    if not (module and colon and name.isidentifier()):
        raise ValueError(f"{reference!r} is not a reference to code; expected 'package.module:name'")
    found = getattr(importlib.import_module(module), name, None)
    if found is None:
        raise ValueError(f"{reference!r}: the module {module} has no {name!r}")
    return found


def options_of(item: Network | Plane | Dataset | SplitRule) -> type[Section]:
    """Return the class of the options of ``item``."""
    return cast("type[Section]", code(item.options))


IMAGE_PREFIX = "image:"


def feature_set(name: str, own: Collection[str] = ()) -> FeatureSet:
    """Return the feature set called ``name``: a registered one such as ``LMC``, the name of a plane (segments of that
    plane), or an image such as ``image:mel`` and ``image:a+b+c``.

    Parameters
    ----------
    name : str
        What a study calls it.
    own : collection of str
        Names of planes that the study itself describes, which images may have as channels.

    Raises
    ------
    UnknownNameError
        When the name is unknown, a plane is unknown or repeated, or an image has not 1 or 3 planes.
    """
    if name.startswith(IMAGE_PREFIX):
        return _image_set(name, own)
    if name in FEATURE_SETS:
        return FEATURE_SETS.get(name)
    if name in PLANES and not has_own_frames(PLANES.get(name)):
        return FeatureSet(name, (PLANES.get(name).name,), Layout.SEGMENTS)
    stacked = [plane.name for plane in PLANES if not has_own_frames(plane)]
    images = [f"{IMAGE_PREFIX}{plane.name}" for plane in PLANES]
    allowed = ", ".join([*own, *FEATURE_SETS.names(), *stacked, *images])
    raise UnknownNameError(f"unknown feature set; allowed: {allowed}, image:a+b+c, or one of [features.sets]")


def _image_set(name: str, own: Collection[str]) -> FeatureSet:
    given = tuple(name.removeprefix(IMAGE_PREFIX).split("+"))
    unknown = [plane for plane in given if plane not in own and plane not in PLANES]
    if unknown:
        allowed = ", ".join(dict.fromkeys([*own, *PLANES.names()]))
        raise UnknownNameError(f"unknown image plane {unknown[0]!r}; allowed: {allowed}")
    planes = tuple(plane if plane in own else PLANES.get(plane).name for plane in given)
    if len(planes) not in (1, 3) or len(set(planes)) != len(planes):
        raise UnknownNameError(f"an image has 1 plane or 3 different planes joined by '+', received {name!r}")
    return FeatureSet(name, planes, Layout.IMAGE)


def has_own_frames(plane: Plane) -> bool:
    """Whether a plane has its own sample rate and frames, so that it cannot be stacked with others."""
    return not options_of(plane).model_fields.keys().isdisjoint(("sample_rate", "hop_length"))
