"""Feature sets by name: registered ones, single planes, and images."""

from __future__ import annotations

from collections.abc import Collection

from harness.registry.descriptions import FeatureSet, Layout, Plane
from harness.registry.registries import FEATURE_SETS, PLANES, options_of
from harness.registry.registry import UnknownNameError

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
