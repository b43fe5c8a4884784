"""Clips and class means with their waveforms and planes, to be drawn side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.data.inventory import ClipEntry
from harness.data.load_clips import read_inventory
from harness.errors import FeatureError
from harness.features.audio import read_mono
from harness.features.row_scale import RowScale, row_scale
from harness.features.sets import LaidOut, frames_of, n_rows, planes_of
from harness.registry import IMAGE_PREFIX, PLANES, FeatureSet, Layout, UnknownNameError
from harness.study import DataSection, FeaturesSection

ENVELOPE_SECONDS = 0.01
"""Length of the pieces whose level is averaged over the clips of a class."""


@dataclass(frozen=True)
class PlaneRow:
    """One plane, drawn for every column.

    Attributes
    ----------
    plane
        The plane in its layout.
    title
        What it is called, and in which sets it is.
    scale
        What its rows are.
    unit
        Unit of its values; empty for none.
    seconds
        Seconds that a column of the plane spans.
    """

    plane: LaidOut
    title: str
    scale: RowScale
    unit: str
    seconds: float


@dataclass(frozen=True)
class Column:
    """One clip, or the mean of a class.

    Attributes
    ----------
    title
        Its name, in words.
    times, wave
        The waveform, or of a class the mean level: seconds and values, shape (n,).
    planes
        Values by plane, float32, shape (rows, columns), as a network gets them before normalisation.
    audio
        The file of a clip; None for a class.
    """

    title: str
    times: NDArray[np.float64]
    wave: NDArray[np.float32]
    planes: Mapping[LaidOut, NDArray[np.float32]]
    audio: Path | None


def feature_sets_of(names: Sequence[str], params: FeaturesSection) -> list[FeatureSet]:
    """Return the feature sets called ``names``; the name of a plane that only images can have stands for that image.

    Raises
    ------
    FeatureError
        When a name is unknown, or a set holds vectors from a file.
    """
    found = []
    for name in names:
        try:
            found.append(params.feature_set(name))
        except UnknownNameError as error:
            if name not in PLANES:
                raise FeatureError(f"{name!r}: {error}") from None
            found.append(params.feature_set(f"{IMAGE_PREFIX}{name}"))
        if found[-1].layout is Layout.VECTOR:
            raise FeatureError(f"{name!r}: vectors from a file cannot be drawn; name sets of planes")
    return found


def rows_of(sets: Sequence[FeatureSet], params: FeaturesSection) -> list[PlaneRow]:
    """Return the planes of ``sets``, each once, in their order."""
    users: dict[LaidOut, list[str]] = {}
    for each in sets:
        for plane in planes_of(each, params):
            users.setdefault(plane, []).append(each.name)
    rows = []
    for plane, names in users.items():
        rate, hop = frames_of(plane.name, params)
        description = params.plane(plane.name)
        scale = row_scale(description, params.of(plane.name), rate, n_rows(plane.name, params))
        image = plane.layout is Layout.IMAGE
        seconds = params.image.seconds / params.image.columns if image else hop / rate
        within = [name for name in names if name not in (plane.name, f"{IMAGE_PREFIX}{plane.name}")]
        size = f"{len(scale.names)} rows"
        if image:
            size += f", first {params.image.seconds:g} s as an image of {params.image.rows} × {params.image.columns}"
        title = f"{plane.name}: {size}" + (f"; in {', '.join(within)}" if within else "")
        rows.append(PlaneRow(plane, title, scale, description.unit, seconds))
    return rows


def columns_of(
    what: Sequence[str],
    planes: Sequence[LaidOut],
    params: FeaturesSection,
    clips: Sequence[ClipEntry] = (),
    classes: Sequence[str] = (),
    most: int = 40,
) -> list[Column]:
    """Return one column for each of ``what``.

    Parameters
    ----------
    what
        Audio files, ids of clips, or names of classes.
    planes
        The planes to compute.
    params
        Settings of the planes.
    clips, classes
        The clips of a data set, and its class names.
    most
        How many clips a class mean is over at most; the first ones of the metadata are taken.

    Raises
    ------
    FeatureError
        When there is no such file, clip or class, or a clip cannot be used.
    """
    by_id = {clip.clip_id: clip for clip in clips}
    by_file = {clip.path.name: clip for clip in clips}
    labels = {name.casefold().replace(" ", "_"): label for label, name in enumerate(classes)}
    columns = []
    for name in what:
        clip = by_id.get(name) or by_file.get(name)
        label = labels.get(name.casefold().replace(" ", "_"))
        if clip is not None:
            columns.append(_clip(clip.path, f"{clip.clip_id} ({classes[clip.label]})", planes, params))
        elif label is not None:
            columns.append(_mean([each for each in clips if each.label == label], classes[label], planes, params, most))
        elif Path(name).is_file():
            columns.append(_clip(Path(name), Path(name).name, planes, params))
        else:
            known = f"neither a file nor a clip or class of the data set; its classes: {', '.join(classes)}"
            raise FeatureError(f"{name!r}: {known if classes else 'no such file; for a clip or class, give --dataset'}")
    return columns


def read_study_clips(data: DataSection, root: Path, folder: Path) -> tuple[list[ClipEntry], tuple[str, ...]]:
    """Return the clips of a study's data whose files exist, and the class names."""
    inventory = read_inventory(data.dataset, root, data.options, folder)
    return list(inventory.present()), inventory.classes


def _clip(path: Path, title: str, planes: Sequence[LaidOut], params: FeaturesSection) -> Column:
    samples, rate = read_mono(path)
    return Column(title, np.arange(len(samples)) / rate, samples, _planes(path, planes, params), path)


def _mean(
    clips: Sequence[ClipEntry], name: str, planes: Sequence[LaidOut], params: FeaturesSection, most: int
) -> Column:
    if not clips:
        raise FeatureError(f"class {name!r}: no clip of it has a file below the data root")
    chosen = clips[:most]
    computed, levels = [], []
    for clip in chosen:
        samples, rate = read_mono(clip.path)
        size = max(1, round(ENVELOPE_SECONDS * rate))
        pieces = samples[: len(samples) // size * size].reshape(-1, size)
        levels.append(np.sqrt((pieces**2).mean(axis=1)))
        computed.append(_planes(clip.path, planes, params))
    means = {plane: _stacked([each[plane] for each in computed]).mean(axis=0) for plane in planes}
    level = _stacked([each[None] for each in levels]).mean(axis=0)[0]
    of = f"{len(chosen)} of {len(clips)}" if len(chosen) < len(clips) else str(len(clips))
    return Column(
        f"{name}, mean of {of} clips", np.arange(len(level), dtype=np.float64) * ENVELOPE_SECONDS, level, means, None
    )


def _stacked(arrays: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return arrays, shape (rows, columns), cut to the length of the shortest; shape (n, rows, columns)."""
    shortest = min(array.shape[1] for array in arrays)
    return np.stack([array[:, :shortest] for array in arrays])


def _planes(path: Path, planes: Sequence[LaidOut], params: FeaturesSection) -> dict[LaidOut, NDArray[np.float32]]:
    from harness.features.compute import compute_planes, one_thread

    with one_thread():
        computed = compute_planes(path, planes, params)
    return {plane: array.T if plane.layout is Layout.SEGMENTS else array for plane, array in computed.items()}
