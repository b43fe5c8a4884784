"""All planes of a batch of clips in one pass, with shared transforms, on any device.

A file passes through :func:`load` on the host, which decodes it and resamples it once per rate, then :func:`compute`,
for several clips at once.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import FeatureError
from harness.features.audio import Samples, lengthen, read_mono, resample, seconds_before_resampling
from harness.features.image import excerpt, resize
from harness.features.own_planes import own_values
from harness.features.sets import LaidOut, frames_of, minimum_samples, n_rows
from harness.features.waves import Stretch, Waves
from harness.registry import Layout, code, has_own_frames
from harness.study import FeaturesSection

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Planes = dict[LaidOut, NDArray[np.float32]]


@dataclass(frozen=True)
class Source:
    """A common input of planes: clips in one layout, at one sample rate and with one hop length."""

    layout: Layout
    sample_rate: int
    hop_length: int


@dataclass(frozen=True)
class LoadedClip:
    """What planes need of an audio file.

    Attributes
    ----------
    peak
        Largest absolute sample of what was decoded.
    stretches
        The clip, or its excerpt for images, for each source of the planes.
    """

    path: Path
    peak: float
    stretches: Mapping[Source, Stretch]


def compute_planes(path: Path, planes: Sequence[LaidOut], params: FeaturesSection, device: str = "cpu") -> Planes:
    """Return the planes of one clip: :func:`load`, then :func:`compute`.

    Parameters
    ----------
    path : Path
        Audio file of the clip.
    planes : sequence of LaidOut
        The planes to compute.
    params : FeaturesSection
        Settings of the planes.
    device : str
        ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.

    Raises
    ------
    FeatureError
        As :func:`load` and :func:`compute`.
    """
    return compute([load(path, planes, params)], planes, params, device)[0]


def load(path: Path, planes: Sequence[LaidOut], params: FeaturesSection) -> LoadedClip:
    """Decode the part of the clip at ``path`` that ``planes`` use, and convert it to their rates and lengths.

    Raises
    ------
    FeatureError
        When the audio cannot be used; the message names the file.
    """
    sources = _sources(planes, params)
    lengths = {source: _seconds(source, params) for source in sources}

    def needed(rate: int) -> float:
        return max(seconds_before_resampling(length, rate, source.sample_rate) for source, length in lengths.items())

    return _prepared_clip(path, *read_mono(path, None if math.inf in lengths.values() else needed), sources, params)


def prepare_clip(
    path: Path, decoded: Samples, rate: int, planes: Sequence[LaidOut], params: FeaturesSection
) -> LoadedClip:
    """Convert ``decoded`` samples, shape (N,), at ``rate`` Hz to the rates and lengths that ``planes`` are computed
    from under ``params``; ``path`` names them in messages."""
    return _prepared_clip(path, decoded, rate, _sources(planes, params), params)


def _prepared_clip(
    path: Path, decoded: Samples, rate: int, sources: Mapping[Source, Sequence[LaidOut]], params: FeaturesSection
) -> LoadedClip:
    resampled = {target: resample(decoded, rate, target) for target in {source.sample_rate for source in sources}}
    stretches = {}
    for source, wanted in sources.items():
        samples, names = _cut(resampled[source.sample_rate], source, params), [plane.name for plane in wanted]
        stretches[source] = prepared(samples, source.sample_rate, source.hop_length, names, params)
    return LoadedClip(path, float(max(decoded.max(), -decoded.min())), stretches)


def compute(
    clips: Sequence[LoadedClip], planes: Sequence[LaidOut], params: FeaturesSection, device: str = "cpu"
) -> list[Planes]:
    """Return the ``planes`` of each clip; clips of one length are computed together.

    Segment planes have shape (frames, bins), frames = 1 + n_samples // hop_length of the clip, padded to one segment
    where it is shorter; image planes have shape (rows, columns).

    Parameters
    ----------
    clips : sequence of LoadedClip
        Clips from :func:`load`, with the same ``planes`` and ``params``.
    planes : sequence of LaidOut
        The planes to compute.
    params : FeaturesSection
        Settings of the planes.
    device : str
        ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.

    Raises
    ------
    FeatureError
        When a setting does not fit, or a plane is not finite or not of its declared shape; the message names the
        setting, the file or the plane.
    """
    computed: list[Planes] = [{} for _ in clips]
    for source, wanted in _sources(planes, params).items():
        stretches = [clip.stretches[source] for clip in clips]
        for chosen in _equally_long(stretches):
            waves = Waves([stretches[k] for k in chosen], source.sample_rate, source.hop_length, device)
            for plane in wanted:
                for k, values in zip(chosen, laid_out(plane, waves, params).numpy(force=True), strict=True):
                    computed[k][plane] = values
    for clip, arrays in zip(clips, computed, strict=True):
        for plane, values in arrays.items():
            if not np.isfinite(values).all():
                raise FeatureError(
                    f"{clip.path}: the plane {plane.slug} is not finite although the samples are (peak {clip.peak:g}); "
                    "rescale the audio to full scale 1.0 or remove the clip"
                )
    return computed


def prepared(
    samples: Samples, sample_rate: int, hop_length: int, planes: Sequence[str], params: FeaturesSection
) -> Stretch:
    """Return a clip with what its planes prepare on the host.

    Parameters
    ----------
    samples : ndarray of float32, shape (N,)
        The clip, at the sample rate of ``planes``.
    sample_rate : int
        In Hz.
    hop_length : int
        Samples between frames.
    planes : sequence of str
        Names of planes.
    params : FeaturesSection
        Settings of the planes.
    """
    made = {
        name: code(function)(samples, sample_rate, hop_length, params.of(name))
        for name in planes
        if (function := params.plane(name).prepare)
    }
    return Stretch(samples, made)


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit computations to one thread within the context.

    Sums in another order differ in their last digits, so the number of threads affects the result; parallelism comes
    from processes, not threads.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    before, settings = torch.get_num_threads(), {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    with threadpool_limits(limits=1):
        torch.set_num_threads(1)
        # For libraries that a plane loads later, such as scipy with its own BLAS.
        os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
        try:
            yield
        finally:
            torch.set_num_threads(before)
            for name, value in settings.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _sources(planes: Sequence[LaidOut], params: FeaturesSection) -> dict[Source, list[LaidOut]]:
    """Return the planes by what they are computed from."""
    sources: dict[Source, list[LaidOut]] = defaultdict(list)
    for plane in planes:
        sources[Source(plane.layout, *frames_of(plane.name, params))].append(plane)
    return sources


def _seconds(source: Source, params: FeaturesSection) -> float:
    """Return how much of a clip, from its start, its planes use."""
    if source.layout == Layout.IMAGE:
        return params.image.seconds
    return math.inf if params.clip_seconds is None else params.clip_seconds


def _cut(samples: Samples, source: Source, params: FeaturesSection) -> Samples:
    """Return ``samples`` at the length that the layout needs: the excerpt of an image; or the study's seconds, and at
    least one segment."""
    if source.layout == Layout.IMAGE:
        return excerpt(samples, source.sample_rate, params.image.seconds)
    if params.clip_seconds is not None:
        length = round(params.clip_seconds * source.sample_rate)
        samples = lengthen(samples[:length], length, params.padding)
    return lengthen(samples, minimum_samples(params), params.padding)


def _equally_long(stretches: Sequence[Stretch]) -> Iterator[list[int]]:
    """Yield the positions of clips of the same length."""
    places: dict[int, list[int]] = defaultdict(list)
    for k, stretch in enumerate(stretches):
        places[len(stretch.samples)].append(k)
    yield from places.values()


def laid_out(plane: LaidOut, waves: Waves, params: FeaturesSection) -> Tensor:
    """Return a plane in its layout: float32, shape (B, frames, rows), as images (B, rows, columns).

    Raises FeatureError when the plane's code returns another shape than it states.
    """
    description, options = params.plane(plane.name), params.of(plane.name)
    if description.own:
        values_BTR = own_values(description.compute, options, waves)
    else:
        values_BTR = code(description.compute)(waves.under(plane.name, description.name), options)
    # Images are resized, so that their planes may have any number of frames.
    free = has_own_frames(description) or (description.own and plane.layout == Layout.IMAGE)
    frames = values_BTR.shape[1:2] if free else (waves.n_frames,)
    expected = (len(waves), *frames, n_rows(plane.name, params))
    if tuple(values_BTR.shape) != expected:
        raise FeatureError(
            f"the plane {plane.name!r}: {description.compute} returned the shape {tuple(values_BTR.shape)}, expected "
            f"(clips, frames, rows) = {expected}; correct it{f', or {description.rows}' if description.rows else ''}"
        )
    if plane.layout == Layout.SEGMENTS:
        return values_BTR.float()
    return resize(values_BTR.mT, params.image.rows, params.image.columns)
