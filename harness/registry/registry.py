"""Registry: the descriptions of one kind by name."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, TypeVar

from harness.errors import HarnessError
from harness.registry.descriptions import Dataset, FeatureSet, Network, Plane, SplitRule

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T", Network, Plane, FeatureSet, Dataset, SplitRule)

_REFERENCE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*")
_discovered: set[str] = set()


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
        # Planes are looked up many times for each clip, so no table of all aliases is made here.
        for item in self._items.values():
            if name in getattr(item, "aliases", ()):
                return item
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
        others: set[str] = {alias for item in self._items.values() for alias in getattr(item, "aliases", ())}
        return tuple(sorted({*self._items, *others, *installed}))

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


def is_reference(name: str) -> bool:
    """Return whether ``name`` names code, as ``"module:name"``, rather than something registered."""
    return _REFERENCE.fullmatch(name) is not None


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
