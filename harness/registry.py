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
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar, cast

from harness.errors import HarnessError
from harness.section import NoOptions, Section


class Layout(StrEnum):
    """How the planes of a feature set become the input of a network."""

    SEGMENTS = "segments"
    """Planes stacked along frequency into one channel; windows of a clip's frames are the items."""
    IMAGE = "image"
    """Each plane is one channel; the item is one image per clip."""


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
    """

    name: str
    build: str
    layouts: tuple[Layout, ...]
    arguments: tuple[tuple[str, Any], ...] = ()
    options: str = "harness.section:NoOptions"
    features: str = ""
    takes_rows: bool = False


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
    """

    name: str
    compute: str
    rows: str
    options: str = "harness.section:NoOptions"
    prepare: str = ""
    revision: int = 1
    libraries: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class FeatureSet:
    """A named input: which planes, in which order, and how they are laid out."""

    name: str
    planes: tuple[str, ...]
    layout: Layout


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
    prepare
        ``"module:function"`` of ``prepare(root, options)``, which generates it below the data root; empty where it is
        not generated.
    options
        ``"module:Class"`` of its options, a :class:`harness.section.Section`; they are ``[data.NAME]``.
    part_of
        Larger data set that contains it; messages name it where the two may be confused.
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
    prepare: str = ""
    options: str = "harness.section:NoOptions"
    part_of: str = ""

    def clips_of(self, class_name: str) -> int | None:
        """Return how many clips the release has of a class; None where that is unknown (or the name is)."""
        if self.class_counts:
            return dict(self.class_counts).get(class_name)
        return self.n_clips // self.n_classes or None


@dataclass(frozen=True)
class SplitRule:
    """How items are dealt over folds.

    Attributes
    ----------
    name
        What ``protocol.split`` calls it.
    deal
        ``"module:function"`` of ``deal(clips, seed, segments_per_clip)``, which returns the items, a
        :class:`harness.data.splits.Part`, and the fold of each, int64, shape (n_items,).
    meaning
        One sentence: what is dealt, for tables and for `harness fields`.
    unit
        What an item is.
    official
        Whether the folds are the authors': recordings must then not cross them, except for the known ones.
    """

    name: str
    deal: str
    meaning: str
    unit: Unit = Unit.CLIP
    official: bool = False


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
    """

    def __init__(self, kind: type[T], noun: str, folders: tuple[str, ...], group: str) -> None:
        self._kind: type[T] = kind
        self._noun = noun
        self._folders = folders
        self._group = group
        self._items: dict[str, T] = {}

    def get(self, name: str) -> T:
        """Return the description called ``name``.

        Raises
        ------
        UnknownNameError
            When there is none, or the package that provides it cannot be imported; the message lists the known names.
        """
        self._discover()
        if name not in self._items:
            self._load_entry_point(name)
        if name not in self._items:
            raise UnknownNameError(f"unknown {self._noun} {name!r}; allowed: {', '.join(self.names())}")
        return self._items[name]

    def names(self) -> tuple[str, ...]:
        """Return every name that :meth:`get` accepts, built-in ones first; no code of other packages is run."""
        self._discover()
        return tuple(dict.fromkeys([*self._items, *(point.name for point in _points(self._group))]))

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._items or name in self.names()

    def __iter__(self) -> Iterator[T]:
        """Yield the built-in and registered descriptions, and those of other packages that a study has named; no code
        of other packages is run."""
        self._discover()
        yield from tuple(self._items.values())

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
                    f"{self._noun} {name!r}: {point.value} of an installed package is no {self._kind.__name__} of that "
                    f"name; received {item!r}"
                )
            self.add(item)


def _points(group: str) -> tuple[EntryPoint, ...]:
    return _points_on(group, tuple(sys.path))


@lru_cache(maxsize=16)
def _points_on(group: str, _path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    # Reading the metadata of every installed package takes about 20 ms.
    return tuple(entry_points(group=group))


_SPLITS, _DATASETS = "harness.data.rules", "harness.data.datasets"
_NETWORKS, _PLANES = "harness.models.networks", "harness.features.planes"

NETWORKS = Registry(Network, "model", (_NETWORKS,), "harness.networks")
PLANES = Registry(Plane, "plane", (_PLANES,), "harness.planes")
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
        raise ValueError(f"{reference!r} names no code; expected 'package.module:name'")
    found = getattr(importlib.import_module(module), name, None)
    if found is None:
        raise ValueError(f"{reference!r}: the module {module} has no {name!r}")
    return found


def options_of(item: Network | Plane | Dataset) -> type[Section]:
    """Return the class of the options of ``item``."""
    found = code(item.options)
    return cast(type[Section], found) if found is not NoOptions else NoOptions


IMAGE_PREFIX = "image:"


def feature_set(name: str) -> FeatureSet:
    """Return the feature set called ``name``: a registered one such as ``LMC``, the name of a plane (segments of that
    plane), or an image such as ``image:mel`` and ``image:a+b+c``.

    Raises
    ------
    UnknownNameError
        When the name is unknown, a plane is unknown or repeated, or an image has not 1 or 3 planes.
    """
    if name.startswith(IMAGE_PREFIX):
        return _image_set(name)
    if name in FEATURE_SETS:
        return FEATURE_SETS.get(name)
    if name in PLANES and not has_own_frames(PLANES.get(name)):
        return FeatureSet(name, (name,), Layout.SEGMENTS)
    stacked = [plane.name for plane in PLANES if not has_own_frames(plane)]
    images = [f"{IMAGE_PREFIX}{plane}" for plane in image_planes()]
    allowed = ", ".join([*FEATURE_SETS.names(), *stacked, *images])
    raise UnknownNameError(f"unknown feature set; allowed: {allowed}, or image:a+b+c")


def _image_set(name: str) -> FeatureSet:
    given = tuple(name.removeprefix(IMAGE_PREFIX).split("+"))
    known = image_planes()
    unknown = [plane for plane in given if plane not in known and plane not in PLANES]
    if unknown:
        allowed = ", ".join(dict.fromkeys([*known, *PLANES.names()]))
        raise UnknownNameError(f"unknown image plane {unknown[0]!r}; allowed: {allowed}")
    planes = tuple(known.get(plane) or PLANES.get(plane).name for plane in given)
    if len(planes) not in (1, 3) or len(set(planes)) != len(planes):
        raise UnknownNameError(f"an image has 1 plane or 3 different planes joined by '+', received {name!r}")
    return FeatureSet(name, planes, Layout.IMAGE)


def image_planes() -> dict[str, str]:
    """Return the plane for each name or alias in an image; of other packages, of those that a study has named."""
    return {name: plane.name for plane in PLANES for name in (plane.name, *plane.aliases)}


def has_own_frames(plane: Plane) -> bool:
    """Whether a plane has its own sample rate and frames, so that it cannot be stacked with others."""
    return not options_of(plane).model_fields.keys().isdisjoint(("sample_rate", "hop_length"))
