"""What a study can name: networks, planes, feature sets, data sets and split rules, each described by one small object.

A description names its code (``"package.module:function"``) without importing it, so that study files are checked
without torch. Built-in descriptions are in one file each, in the folders of :mod:`harness.registry.registries`: a new
network, plane, data set or split rule is one new file there, which calls :func:`register`. Other packages register
theirs by entry points in the groups ``harness.networks``, ``harness.planes``, ``harness.feature_sets``,
``harness.datasets`` and ``harness.splits``: the entry point's name is the name that studies use, its value the
description. An entry point is loaded only when a study names it.

Conventions: accuracies are fractions in [0, 1]; folds are numbered as in the official metadata, from 1.

Examples
--------
>>> NETWORKS.get("resnet18").layouts
(<Layout.IMAGE: 'image'>,)
>>> feature_set("image:mel").planes
('mel',)
"""

from __future__ import annotations

from harness.registry.descriptions import (
    TEST,
    TRAIN,
    VALIDATION,
    Dataset,
    FeatureSet,
    Item,
    Layout,
    Network,
    Plane,
    Source,
    SplitRule,
    Unit,
)
from harness.registry.feature_sets import IMAGE_PREFIX, feature_set, has_own_frames
from harness.registry.registries import (
    DATASETS,
    FEATURE_SETS,
    NETWORKS,
    PLANES,
    SPLITS,
    code,
    described,
    is_library,
    options_of,
    register,
)
from harness.registry.registry import Registry, UnknownNameError, discover, is_reference

__all__ = [
    "DATASETS",
    "FEATURE_SETS",
    "IMAGE_PREFIX",
    "NETWORKS",
    "PLANES",
    "SPLITS",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Dataset",
    "FeatureSet",
    "Item",
    "Layout",
    "Network",
    "Plane",
    "Registry",
    "Source",
    "SplitRule",
    "Unit",
    "UnknownNameError",
    "code",
    "described",
    "discover",
    "feature_set",
    "has_own_frames",
    "is_library",
    "is_reference",
    "options_of",
    "register",
]
