"""Shortcuts: what a recording's history and not its sound may tell of its class, as a few numbers for each clip.

K. J. Piczak warns of them in the README of ESC-50: clips come from lossy encodings with different band limits, and
some are padded with digital silence, both in ways that may depend on the class. A probe on these numbers alone shows
how much a data set gives away; loudness and length may also be properties of the sound.

Every frame has the numbers of the whole clip. With ``hop_length`` above the samples of the longest clip there is one
frame, and with ``segment_frames = 1`` one item per clip (studies/shortcut-esc50.toml). The sample rate should be that
of the files: resampling changes band limits and digital silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from harness.choices import Choice
from harness.features.row_scale import RowScale
from harness.registry import Plane, register
from harness.section import Most, Section

if TYPE_CHECKING:
    from torch import Tensor

    from harness.features.waves import Waves

_STEP = 2.0**-15
"""One step of 16-bit audio: what is smaller is digital silence."""
_ROLL_OFF = 0.99
_BAND = 100.0
"""Hz over which the long-term spectrum is averaged before it is compared with rounding noise."""
_ABOVE = 4.0
"""A band is in use if its power is so many times (6 dB) that of the rounding noise of 16-bit audio."""
_QUIETEST_DB = -120.0
_FULL_SCALE = 0.999


class Measure(Choice):
    """What is measured."""

    LENGTH = "length"
    """Length in octaves of seconds."""
    BANDWIDTH = "bandwidth"
    """99 % roll-off of the long-term spectrum, and highest frequency above the rounding noise of 16-bit audio, both in
    octaves of Hz, 0 for silence."""
    SILENCE = "silence"
    """Share of digital silence, and seconds of it at the start and at the end."""
    LOUDNESS = "loudness"
    """RMS and peak in dBFS, at least -120."""
    CLIPPING = "clipping"
    """Share of samples at full scale, in decades, at least -6."""


_ROWS = {
    Measure.LENGTH: ("length",),
    Measure.BANDWIDTH: ("roll-off", "highest frequency"),
    Measure.SILENCE: ("silent share", "silence at start", "silence at end"),
    Measure.LOUDNESS: ("RMS", "peak"),
    Measure.CLIPPING: ("clipped share",),
}
"""The numbers of each measure."""


class ShortcutOptions(Section):
    """Settings of shortcuts."""

    measures: Annotated[tuple[Measure, ...], Most(len(Measure), "the number of measures")] = tuple(Measure)
    """What is measured, in the order of the rows: length, bandwidth, silence, loudness, clipping."""


def rows(options: ShortcutOptions) -> int:
    """Return the number of numbers."""
    return sum(len(_ROWS[measure]) for measure in options.measures)


def scale(options: ShortcutOptions, _sample_rate: int) -> RowScale:
    """Return the names of the numbers."""
    return RowScale("Measure", tuple(name for measure in options.measures for name in _ROWS[measure]))


def compute(waves: Waves, options: ShortcutOptions) -> Tensor:
    """Return the numbers of each clip in every frame, shape (B, T, rows)."""
    import torch

    samples_BN, rate = waves.samples.double(), waves.sample_rate
    functions = {
        Measure.LENGTH: _length,
        Measure.BANDWIDTH: _bandwidth,
        Measure.SILENCE: _silence,
        Measure.LOUDNESS: _loudness,
        Measure.CLIPPING: _clipping,
    }
    values_BR = torch.cat([functions[measure](samples_BN, rate) for measure in options.measures], dim=1)
    return values_BR[:, None].repeat(1, waves.n_frames, 1).float()


register(
    Plane(
        name="shortcut",
        compute=f"{__name__}:compute",
        rows=f"{__name__}:rows",
        scale=f"{__name__}:scale",
        options=f"{__name__}:ShortcutOptions",
    )
)


def _length(samples_BN: Tensor, rate: int) -> Tensor:
    import torch

    n_clips, n = samples_BN.shape
    return torch.full((n_clips, 1), n / rate, dtype=torch.float64, device=samples_BN.device).log2()


def _bandwidth(samples_BN: Tensor, rate: int) -> Tensor:
    import torch

    n = samples_BN.shape[1]
    power_BF = torch.fft.rfft(samples_BN).abs().square()
    hertz_F = torch.arange(power_BF.shape[1], dtype=torch.float64, device=samples_BN.device) * (rate / n)
    below_BF = power_BF.cumsum(dim=1)
    roll_off_B = hertz_F[(below_BF < _ROLL_OFF * below_BF[:, -1:]).sum(dim=1).clamp(max=len(hertz_F) - 1)]
    width = min(max(1, round(_BAND * n / rate)), power_BF.shape[1])
    band_BF = torch.nn.functional.avg_pool1d(power_BF[:, None], width, stride=width)[:, 0]
    used_BF = band_BF > _ABOVE * n * _STEP**2 / 12
    bands_F = torch.arange(1, band_BF.shape[1] + 1, dtype=torch.float64, device=samples_BN.device) * (width * rate / n)
    highest_B = (used_BF * bands_F).amax(dim=1)
    return torch.stack([roll_off_B, highest_B], dim=1).clamp(min=1.0).log2()


def _silence(samples_BN: Tensor, rate: int) -> Tensor:
    import torch

    n = samples_BN.shape[1]
    sounding_BN = samples_BN.abs() >= _STEP
    started_BN = sounding_BN.cummax(dim=1).values
    until_end_BN = sounding_BN.flip(1).cummax(dim=1).values
    shares = [(~one_BN).sum(dim=1).double() / n for one_BN in (sounding_BN, started_BN, until_end_BN)]
    return torch.stack([shares[0], shares[1] * n / rate, shares[2] * n / rate], dim=1)


def _loudness(samples_BN: Tensor, _rate: int) -> Tensor:
    import torch

    rms_B = samples_BN.square().mean(dim=1).sqrt()
    peak_B = samples_BN.abs().amax(dim=1)
    return 20.0 * torch.stack([rms_B, peak_B], dim=1).clamp(min=10 ** (_QUIETEST_DB / 20)).log10()


def _clipping(samples_BN: Tensor, _rate: int) -> Tensor:
    n = samples_BN.shape[1]
    share_B1 = (samples_BN.abs() >= _FULL_SCALE).sum(dim=1, keepdim=True).double() / n
    return (share_B1 + 1e-6).log10()
