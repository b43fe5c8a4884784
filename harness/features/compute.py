"""All planes of one clip in one pass: decoded once, resampled once per rate, transformed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import FeatureError
from harness.features.audio import Samples, lengthen, read_mono, resample
from harness.features.chroma import chroma
from harness.features.contrast import contrast
from harness.features.image import PracticalPlanes, excerpt, resize
from harness.features.logmel import log_mel
from harness.features.mfcc import mfcc_with_deltas
from harness.features.sets import Plane, minimum_samples
from harness.features.spectrum import Spectrum, spectrum
from harness.features.tonnetz import tonnetz
from harness.study import FeaturesSection


def compute_planes(
    path: Path, planes: Sequence[Plane], params: FeaturesSection, device: str = "cpu"
) -> dict[Plane, NDArray[np.float32]]:
    """Return the ``planes`` of the clip at ``path``; the paper's planes are computed on ``device``.

    Segment planes have shape (frames, bins), frames = 1 + n_samples // hop_length of the clip, lengthened to one
    segment where it is shorter; image planes have shape (rows, columns).

    Raises
    ------
    FeatureError
        When the audio cannot be used, or a setting does not fit; the message names the file or the setting.
    """
    clip = _Clip(path, params, device)
    arrays: dict[Plane, NDArray[np.float32]] = {}
    for plane in planes:
        values = np.ascontiguousarray(clip.plane(plane).to(torch.float32).numpy(force=True))
        if not np.isfinite(values).all():
            raise FeatureError(
                f"{path}: the plane {plane.slug} is not finite, though the samples are (largest {clip.peak:g}); "
                "rescale the audio to full scale 1.0 or leave the clip out"
            )
        arrays[plane] = values
    return arrays


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


class _Clip:
    """One clip and what its planes share, computed when first asked for."""

    def __init__(self, path: Path, params: FeaturesSection, device: str) -> None:
        self._params = params
        self._decoded, self._rate = read_mono(path)
        self._whole = _PaperPlanes(self._segment_samples, params, device)
        self._start = _PaperPlanes(self._excerpt_samples, params, device)

    @property
    def peak(self) -> float:
        """Largest absolute sample."""
        return float(np.abs(self._decoded).max())

    def plane(self, plane: Plane) -> Tensor:
        paper = plane.paper_name
        if plane.layout == "segments" and paper is not None:
            return self._whole.plane(paper).T
        picture = self._practical.plane(plane.name) if paper is None else self._start.plane(paper)
        return resize(picture, self._params.image.rows, self._params.image.columns)

    @cached_property
    def _practical(self) -> PracticalPlanes:
        settings = self._params.image
        samples = resample(self._decoded, self._rate, settings.sample_rate)
        return PracticalPlanes(excerpt(samples, settings.sample_rate, settings.seconds), settings)

    @cached_property
    def _resampled(self) -> Samples:
        return resample(self._decoded, self._rate, self._params.sample_rate)

    def _segment_samples(self) -> Samples:
        samples, params = self._resampled, self._params
        if params.clip_seconds is not None:
            length = round(params.clip_seconds * params.sample_rate)
            samples = lengthen(samples[:length], length, params.padding)
        return lengthen(samples, minimum_samples(params), params.padding)

    def _excerpt_samples(self) -> Samples:
        return excerpt(self._resampled, self._params.sample_rate, self._params.image.seconds)


class _PaperPlanes:
    """The paper's planes of one stretch of samples; their transform is computed once."""

    def __init__(self, samples: Callable[[], Samples], params: FeaturesSection, device: str) -> None:
        self._make_samples = samples
        self._params = params
        self._device = device

    @cached_property
    def _samples(self) -> Samples:
        return self._make_samples()

    @cached_property
    def _spectrum(self) -> Spectrum:
        params = self._params
        return spectrum(self._samples, params.sample_rate, params.n_fft, params.hop_length, self._device)

    def plane(self, name: str) -> Tensor:
        """Return one of the paper's planes; shape (bins, frames)."""
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
            return tonnetz(self._samples, params.sample_rate, params.hop_length, self._device)
        raise KeyError(name)
