"""Chroma: energy in each of the pitch classes (Su et al. 2019, section 3.1, where its 12 rows are called contrast's).

Reference: ``librosa.feature.chroma_stft`` with its defaults: the tuning is estimated once per clip, and each frame is
scaled so that its largest value is 1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

from harness.features.row_scale import RowScale
from harness.registry import Plane, register
from harness.section import Most, Positive, Section

if TYPE_CHECKING:
    from torch import Tensor

    from harness.features.spectrum import Spectrum
    from harness.features.waves import Waves


class ChromaOptions(Section):
    """Settings of chroma."""

    n_fft: Annotated[Positive, Most(2**16, "1.5 s at 44.1 kHz")] = 1024
    """Points of the Fourier transform and samples of its Hann window."""
    n_chroma: Annotated[Positive, Most(1_024, "a resolution of 1/12 semitone needs 144")] = 12
    """Chroma bins."""


def rows(options: ChromaOptions) -> int:
    """Return the number of chroma bins."""
    return options.n_chroma


def scale(options: ChromaOptions, _sample_rate: int) -> RowScale:
    """Return the pitch classes, from C; with other than 12 bins, their numbers."""
    pitches = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
    names = pitches if options.n_chroma == len(pitches) else tuple(str(row) for row in range(options.n_chroma))
    return RowScale("Pitch class", names)


def compute(waves: Waves, options: ChromaOptions) -> Tensor:
    """Return chroma, shape (B, T, n_chroma)."""
    return chroma(waves.spectrum(options.n_fft), options.n_chroma)


register(
    Plane(
        name="chroma",
        compute="harness.features.planes.chroma:compute",
        rows="harness.features.planes.chroma:rows",
        scale="harness.features.planes.chroma:scale",
        options="harness.features.planes.chroma:ChromaOptions",
        revision=3,
    )
)


def chroma(spectrum: Spectrum, n_chroma: int) -> Tensor:
    """Return the chromagrams, values in [0, 1], zero where a frame is silent; shape (B, T, n_chroma)."""
    import torch

    from harness.features.pitch_tuning import estimate_tunings
    from harness.features.spectrum import scaled_frames

    rate, n_fft, device = spectrum.sample_rate, spectrum.n_fft, str(spectrum.magnitude.device)
    tunings = estimate_tunings(spectrum.power, rate, n_fft, n_chroma)
    bank_BFC = torch.stack([_chroma_bank(rate, n_fft, n_chroma, tuning, device) for tuning in tunings])
    return scaled_frames(spectrum.power @ bank_BFC)


@lru_cache(maxsize=128)
def _chroma_bank(sample_rate: int, n_fft: int, n_chroma: int, tuning: float, device: str) -> Tensor:
    """Return weights, shape (1 + n_fft // 2, n_chroma); tunings come in hundredths of a bin, so a few dozen recur."""
    import torch

    from harness.features.filter_banks import chroma_bank

    return torch.from_numpy(chroma_bank(sample_rate, n_fft, n_chroma, tuning).copy()).to(device)
