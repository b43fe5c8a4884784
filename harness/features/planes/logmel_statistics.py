"""LM-statistics: mean and standard deviation over time of the log-mel spectrogram, two numbers for each mel band.

What a sound is on average, without its course: a linear probe on these numbers is the floor that a network has to beat.
K. J. Piczak's baseline for ESC-50 (ESC: Dataset for Environmental Sound Classification, ACM MM 2015, section 4) takes
mean and standard deviation of MFCC and zero-crossing rate in the same way.

Every frame has the numbers of the whole clip. With ``hop_length`` above the samples of the longest clip there is one
frame, and with ``segment_frames = 1`` one item per clip (studies/floor-esc50.toml).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from harness.features.planes.logmel import LogMelOptions, log_mel
from harness.features.row_scale import RowScale, mel_scale
from harness.registry import Plane, register
from harness.section import Most, Positive

if TYPE_CHECKING:
    from torch import Tensor

    from harness.features.waves import Waves


class LogMelStatisticsOptions(LogMelOptions):
    """Settings of LM-statistics: those of LM, and its hop."""

    step: Annotated[Positive, Most(2**20, "24 s at 44.1 kHz")] = 512
    """Samples between the frames that the statistics are over, whatever the study's hop_length."""


def rows(options: LogMelStatisticsOptions) -> int:
    """Return the number of numbers: two for each mel band."""
    return 2 * options.n_mels


def scale(options: LogMelStatisticsOptions, sample_rate: int) -> RowScale:
    """Return the names of the numbers."""
    centres = mel_scale(options.n_mels, sample_rate).names
    return RowScale("Mel band in Hz", tuple(f"{name} {hertz}" for name in ("mean", "SD") for hertz in centres))


def compute(waves: Waves, options: LogMelStatisticsOptions) -> Tensor:
    """Return means, then standard deviations (of the population: 0 for one frame) over the frames of LM, in every
    frame; shape (B, T, 2 n_mels)."""
    import torch

    from harness.features.spectrum import spectrum

    values_BTM = log_mel(spectrum(waves.samples, waves.sample_rate, options.n_fft, options.step), options.n_mels)
    deviations_BM, means_BM = torch.std_mean(values_BTM, dim=1, correction=0)
    return torch.cat([means_BM, deviations_BM], dim=1)[:, None].repeat(1, waves.n_frames, 1)


register(
    Plane(
        name="LM-statistics",
        compute=f"{__name__}:compute",
        rows=f"{__name__}:rows",
        scale=f"{__name__}:scale",
        unit="dB",
        options=f"{__name__}:LogMelStatisticsOptions",
    )
)
