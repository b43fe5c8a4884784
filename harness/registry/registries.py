"""The registries, one for each kind, and the code that their descriptions name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from harness.registry.descriptions import Dataset, FeatureSet, Item, Layout, Network, Plane, SplitRule
from harness.registry.registry import Registry

if TYPE_CHECKING:
    from harness.section import Section

_SPLITS, _DATASETS = "harness.data.rules", "harness.data.datasets"
_NETWORKS, _PLANES = "harness.models.networks", "harness.features.planes"
_LIBRARIES = ("torchvision", "timm")
_ANY = "harness.section:AnyOptions"


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


def register(*items: Item) -> None:
    """Register ``items`` under their names.

    Raises
    ------
    ValueError
        When a name is taken by another description of the kind.
    """
    for item in items:
        _REGISTRIES[type(item)].add(item)


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
