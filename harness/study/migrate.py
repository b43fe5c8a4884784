"""Migration of a recorded study from any version to the current StudySpec.

A record holds every field that its version had. A missing field gets the current default, which is what earlier
versions did, except for those in :data:`_BEFORE`. Fields that have moved since are moved to their new place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import StudyError
from harness.registry import NETWORKS, Network, feature_set, options_of
from harness.study.dotted import Dotted
from harness.study.sections import ImageSection
from harness.study.spec import StudySpec
from harness.study.study_file import parse_study

_BEFORE = {"train.cuda_graphs": False}
"""What studies were trained with before the field was added, where the current default differs."""

_FLAT = {
    "LM": ("n_fft", "n_mels"),
    "MFCC": ("n_fft", "n_mfcc", "delta_width"),
    "chroma": ("n_fft", "n_chroma"),
    "contrast": ("n_fft", "contrast_bands", "contrast_fmin"),
    "tonnetz": (),
}
"""Settings of planes that were fields of [features] before each plane had its own table."""

_FOURIER = ("sample_rate", "n_fft", "win_length", "hop_length")
_PICTURES = {
    "spectrogram": (*_FOURIER, "db_offset"),
    "mel": (*_FOURIER, "db_offset", "n_mels", "f_min"),
    "mfcc": (*_FOURIER, "n_mels", "f_min", "n_mfcc"),
}
"""Those that were fields of [features.image]."""

_OF_SU = {"conv4", "dropout"}
"""Options that [model] had regardless of the study's networks."""


def read_recorded(document: Mapping[str, Any], source: str, environment: Mapping[str, Any]) -> StudySpec:
    """Return the study that ``document``, as JSON data, records; its values may exceed the bounds of studies that run.

    Fields that the record does not state are missing from the ``model_fields_set`` of their sections, and from
    :func:`recorded_document`.

    Parameters
    ----------
    source
        Where the document is from, for messages.
    environment
        The record's environment, which names the version of the code.

    Raises
    ------
    StudyError
        When this version cannot read it, naming the field, the value and the version that recorded it.
    """
    try:
        return parse_study(_migrated(document), source)
    except StudyError as error:
        git = environment.get("git")
        commit = git.get("commit") if isinstance(git, Mapping) else None
        made = f"commit {commit}" if commit else f"version {environment.get('harness') or 'unknown'}"
        raise StudyError(
            *error.args, f"The study was recorded by {made} of the harness; use that version to read or replay it"
        ) from None


def recorded_document(spec: StudySpec) -> dict[str, Any]:
    """Return a recorded study as JSON data, without what its record did not state."""
    return spec.model_dump(mode="json", exclude_unset=True)


def _migrated(document: Mapping[str, Any]) -> dict[str, Any]:
    today = dict(document)
    for name, value in _BEFORE.items():
        dotted = Dotted.parse(name)
        section = today.get(dotted.section)
        if isinstance(section, Mapping) and dotted.field not in section:
            today[dotted.section] = {**section, dotted.field: value}
    arms = [arm for arm in today.get("arms") or () if isinstance(arm, Mapping)]
    features, model, data = (today.get(name) for name in ("features", "model", "data"))
    if isinstance(features, Mapping) and "planes" not in features:
        today["features"] = _by_plane(features, arms)
    if isinstance(model, Mapping):
        networks = {str(arm["model"]) for arm in arms if arm.get("model")}
        options = {name for network in networks if network in NETWORKS for name in _fields(NETWORKS.get(network))}
        today["model"] = {name: value for name, value in model.items() if name not in _OF_SU - options}
    if isinstance(data, Mapping) and data.get("dataset") != "synthetic":
        today["data"] = {name: value for name, value in data.items() if name != "synthetic"}
    return today


def _by_plane(features: Mapping[str, Any], arms: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a section that had the settings of all planes in one list with a table for each plane in use."""
    image = features.get("image")
    pictures = image if isinstance(image, Mapping) else {}
    planes: dict[str, dict[str, Any]] = {}
    for name in (str(arm["features"]) for arm in arms if arm.get("features")):
        for plane in _planes(name):
            given, fields = (features, _FLAT[plane]) if plane in _FLAT else (pictures, _PICTURES.get(plane, ()))
            planes[plane] = {field.removeprefix("contrast_"): given[field] for field in fields if field in given}
    own = {field for fields in _FLAT.values() for field in fields}
    rest = {name: value for name, value in features.items() if name not in own}
    if pictures:
        rest["image"] = {name: value for name, value in pictures.items() if name in ImageSection.model_fields}
    return rest | {"planes": planes}


def _planes(features: str) -> tuple[str, ...]:
    try:
        return feature_set(features).planes
    except ValueError:  # validation reports it for the arm
        return ()


def _fields(network: Network) -> list[str]:
    return list(options_of(network).model_fields)
