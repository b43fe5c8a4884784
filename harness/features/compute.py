"""All planes of a batch of clips in one pass: transformed once, on any device.

A file's way is :func:`load` on the host, which decodes it and resamples it once per rate, then :func:`compute`, for
several clips at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import FeatureError
from harness.features.audio import Samples, lengthen, read_mono, resample
from harness.features.chroma import chroma
from harness.features.constant_q import OctaveSignals
from harness.features.contrast import contrast
from harness.features.image import PracticalPlanes, excerpt, resize
from harness.features.logmel import log_mel
from harness.features.mfcc import mfcc_with_deltas
from harness.features.sets import Plane, minimum_samples
from harness.features.spectrum import Spectrum, spectrum
from harness.features.tonnetz import tonnetz
from harness.study import FeaturesSection

Planes = dict[Plane, NDArray[np.float32]]


@dataclass(frozen=True)
class LoadedClip:
    """What planes need of an audio file.

    Attributes
    ----------
    peak
        Largest absolute sample of the file.
    whole, start
        The clip and its excerpt for images, at the sample rate of the paper's planes; None when no plane needs it.
    practical
        The excerpt for images at the practical's sample rate; None when no plane needs it.
    """

    path: Path
    peak: float
    whole: OctaveSignals | None
    start: OctaveSignals | None
    practical: Samples | None


def compute_planes(path: Path, planes: Sequence[Plane], params: FeaturesSection, device: str = "cpu") -> Planes:
    """Return the ``planes`` of the clip at ``path``: :func:`load`, then :func:`compute`, whose errors these are."""
    return compute([load(path, planes, params)], planes, params, device)[0]


def load(path: Path, planes: Sequence[Plane], params: FeaturesSection) -> LoadedClip:
    """Decode the clip at ``path`` and bring it to the rates and lengths that ``planes`` are computed from.

    Raises
    ------
    FeatureError
        When the audio cannot be used; the message names the file.
    """
    decoded, rate = read_mono(path)
    papers = [plane for plane in planes if plane.paper_name is not None]
    resampled = resample(decoded, rate, params.sample_rate) if papers else decoded
    image = params.image

    def signals(layout: str, samples: Samples) -> OctaveSignals | None:
        names = [plane.paper_name for plane in papers if plane.layout == layout]
        prepared = OctaveSignals(samples, params.sample_rate, params.hop_length)
        if "tonnetz" in names:
            prepared.slow_down()
        return prepared if names else None

    practical = None
    if len(papers) < len(planes):
        practical = excerpt(resample(decoded, rate, image.sample_rate), image.sample_rate, image.seconds)
    return LoadedClip(
        path,
        float(np.abs(decoded).max()),
        signals("segments", _at_length(resampled, params)),
        signals("image", excerpt(resampled, params.sample_rate, image.seconds)),
        practical,
    )


def _at_length(samples: Samples, params: FeaturesSection) -> Samples:
    """Return ``samples`` cut or lengthened to the seconds asked for, and to one segment at least."""
    if params.clip_seconds is not None:
        length = round(params.clip_seconds * params.sample_rate)
        samples = lengthen(samples[:length], length, params.padding)
    return lengthen(samples, minimum_samples(params), params.padding)


def compute(
    clips: Sequence[LoadedClip], planes: Sequence[Plane], params: FeaturesSection, device: str = "cpu"
) -> list[Planes]:
    """Return the ``planes`` of each clip; the paper's planes of clips of one length are computed together,
    on ``device``.

    Segment planes have shape (frames, bins), frames = 1 + n_samples // hop_length of the clip, lengthened to one
    segment where it is shorter; image planes have shape (rows, columns).

    Raises
    ------
    FeatureError
        When a setting does not fit, or a plane is not finite; the message names the setting or the file.
    """
    image = params.image
    computed: list[Planes] = [{} for _ in clips]
    for layout in ("segments", "image"):
        papers = [plane for plane in planes if plane.layout == layout and plane.paper_name is not None]
        for chosen, stretches in _equally_long([clip.whole if layout == "segments" else clip.start for clip in clips]):
            batch = _Batch(stretches, params, device)
            for plane in papers:
                for k, values in zip(chosen, batch.plane(plane).numpy(force=True), strict=True):
                    computed[k][plane] = values
    for clip, arrays in zip(clips, computed, strict=True):
        if clip.practical is not None:
            pictures = PracticalPlanes(clip.practical, params.image)
            for plane in planes:
                if plane.paper_name is None:
                    picture = pictures.plane(plane.name)
                    arrays[plane] = resize(picture[None], image.rows, image.columns)[0].numpy()
        for plane, values in arrays.items():
            if not np.isfinite(values).all():
                raise FeatureError(
                    f"{clip.path}: the plane {plane.slug} is not finite, though the samples are (largest "
                    f"{clip.peak:g}); rescale the audio to full scale 1.0 or leave the clip out"
                )
    return computed


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread inside, and restore what was outside.

    Sums in another order give other last digits, so the number of threads is part of the result; and processes, not
    threads, fill the machine's cores.
    """
    import librosa.core.constantq  # noqa: F401 (loads the libraries whose threads are to be limited)
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    before = torch.get_num_threads()
    with threadpool_limits(limits=1):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def _equally_long(stretches: Sequence[OctaveSignals | None]) -> Iterator[tuple[list[int], list[OctaveSignals]]]:
    """Yield clips of one length, by their places, and their signals."""
    places: dict[int, list[int]] = defaultdict(list)
    for k, stretch in enumerate(stretches):
        if stretch is not None:
            places[len(stretch.samples)].append(k)
    for chosen in places.values():
        yield chosen, [stretch for k in chosen if (stretch := stretches[k]) is not None]


class _Batch:
    """The paper's planes of clips of one length; their transform is computed once."""

    def __init__(self, stretches: Sequence[OctaveSignals], params: FeaturesSection, device: str) -> None:
        self._stretches = stretches
        self._params = params
        self._device = device

    @cached_property
    def _spectrum(self) -> Spectrum:
        params = self._params
        signals_BN = torch.from_numpy(np.stack([stretch.samples for stretch in self._stretches])).to(self._device)
        return spectrum(signals_BN, params.sample_rate, params.n_fft, params.hop_length)

    def plane(self, plane: Plane) -> Tensor:
        """Return one of the paper's planes on the device; shape (B, frames, bins), as images (B, rows, columns)."""
        values_BTR = self._segments(plane.paper_name).to(torch.float32)
        if plane.layout == "segments":
            return values_BTR
        return resize(values_BTR.mT, self._params.image.rows, self._params.image.columns)

    def _segments(self, name: str | None) -> Tensor:
        params = self._params
        if name == "LM":
            return log_mel(self._spectrum, params.n_mels)
        if name == "MFCC":
            return mfcc_with_deltas(self._spectrum, params.n_mfcc, params.delta_width)
        if name == "chroma":
            return chroma(self._spectrum, params.n_chroma)
        if name == "contrast":
            return contrast(self._spectrum, params.contrast_bands, params.contrast_fmin)
        if name == "tonnetz":
            return tonnetz(self._stretches, params.sample_rate, params.hop_length, self._device)
        raise KeyError(name)
