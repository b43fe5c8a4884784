"""The planes of the ResNet-18 practical: spectrogram, mel and mfcc, as torchaudio's transforms compute them (reflected
ends, HTK mel bands without area normalisation): the same operations in the same order, with bit-identical results.

Each has its own sample rate and frames, so it can only be a channel of an image. All are computed on the CPU, whatever
the device: they use float32, where sums in another order change the decibels of quiet bins.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.errors import FeatureError
from harness.features.row_scale import RowScale, coefficients, in_hertz
from harness.registry import Plane, register
from harness.section import Most, Positive, Rate, Section

if TYPE_CHECKING:
    from torch import Tensor

    from harness.features.waves import Waves

Offset = Annotated[Rate, Most(1, "full scale")]


class FourierOptions(Section):
    """Settings shared by all three planes."""

    sample_rate: Annotated[Positive, Most(768_000, "Hz, the highest sample rate of a clip")] = 44100
    """Hz; clips are resampled to it."""
    n_fft: Annotated[Positive, Most(2**16, "1.5 s at 44.1 kHz")] = 1024
    """Points of the Fourier transform."""
    win_length: Annotated[Positive, Most(2**16, "no longer than the transform")] = 512
    """Samples of the Hann window."""
    hop_length: Annotated[Positive, Most(2**20, "24 s at 44.1 kHz")] = 256
    """Samples between frames."""


class SpectrogramOptions(FourierOptions):
    """Settings of spectrogram."""

    db_offset: Offset = 1e-10
    """Power added before the logarithm: dB = 10 log10(power + db_offset)."""


class BandOptions(FourierOptions):
    """Settings of mel bands."""

    n_mels: Annotated[Positive, Most(4_096, "more than the bins of a 2^13-point transform would support")] = 64
    """Mel bands (HTK scale, no area normalisation)."""
    f_min: Annotated[Annotated[float, Field(ge=0)], Most(384_000, "Hz, half the highest sample rate")] = 1.0
    """Lowest mel frequency in Hz; the highest is half the sample rate."""


class MelOptions(BandOptions):
    """Settings of mel."""

    db_offset: Offset = 1e-10
    """Power added before the logarithm: dB = 10 log10(power + db_offset)."""


class MfccOptions(BandOptions):
    """Settings of mfcc."""

    n_mfcc: Annotated[Positive, Most(4_096, "no more than the number of bands")] = 64
    """Coefficients of n_mels bands."""


def spectrogram_rows(options: SpectrogramOptions) -> int:
    """Return the number of frequency bins."""
    return 1 + options.n_fft // 2


def mel_rows(options: MelOptions) -> int:
    """Return the number of mel bands."""
    return options.n_mels


def mfcc_rows(options: MfccOptions) -> int:
    """Return the number of coefficients."""
    return options.n_mfcc


def spectrogram_scale(options: SpectrogramOptions, sample_rate: int) -> RowScale:
    """Return the frequencies of the bins."""
    return in_hertz(row * sample_rate / options.n_fft for row in range(spectrogram_rows(options)))


def mel_scale(options: MelOptions, sample_rate: int) -> RowScale:
    """Return the centre frequencies of the bands."""
    return in_hertz(_corners(sample_rate, options.n_mels, options.f_min)[1:-1].tolist())


def mfcc_scale(options: MfccOptions, _sample_rate: int) -> RowScale:
    """Return the numbers of the coefficients."""
    return coefficients(options.n_mfcc)


def spectrogram(waves: Waves, options: SpectrogramOptions) -> Tensor:
    """Return the power spectrogram in dB, shape (B, frames, 1 + n_fft // 2).

    Raises FeatureError, as the other two planes do, when settings contradict each other or clips are too short.
    """
    return _decibels(_power(waves, options, "spectrogram"), options.db_offset)


def mel(waves: Waves, options: MelOptions) -> Tensor:
    """Return the mel spectrogram in dB, shape (B, frames, n_mels)."""
    return _decibels(_bands(waves, options, "mel"), options.db_offset)


def mfcc(waves: Waves, options: MfccOptions) -> Tensor:
    """Return cepstral coefficients, shape (B, frames, n_mfcc)."""
    import torch

    if options.n_mfcc > options.n_mels:
        raise FeatureError(
            f"features.planes.mfcc: n_mfcc = {options.n_mfcc} coefficients cannot come from n_mels = {options.n_mels} "
            "bands; lower n_mfcc or raise n_mels"
        )
    # As in torchaudio's MFCC: separate decibels, clipped 80 dB below each clip's maximum.
    decibels_BMT = 10.0 * torch.log10(_bands(waves, options, "mfcc").clamp(min=1e-10))
    cut_BMT = torch.maximum(decibels_BMT, decibels_BMT.amax(dim=(1, 2), keepdim=True) - 80.0)
    cosines_CM = _cosines(options.n_mfcc, options.n_mels)
    return torch.stack([cosines_CM @ decibels_MT for decibels_MT in cut_BMT]).mT


for _name, _options in (("spectrogram", SpectrogramOptions), ("mel", MelOptions), ("mfcc", MfccOptions)):
    register(
        Plane(
            name=_name,
            compute=f"harness.features.planes.practical:{_name}",
            rows=f"harness.features.planes.practical:{_name}_rows",
            options=f"harness.features.planes.practical:{_options.__name__}",
            scale=f"harness.features.planes.practical:{_name}_scale",
            unit="dB",
        )
    )


def _decibels(power_BFT: Tensor, offset: float) -> Tensor:
    """Return (B, T, F)."""
    decibels_BFT: Tensor = 10.0 * (power_BFT + offset).log10()
    return decibels_BFT.mT


def _power(waves: Waves, options: FourierOptions, plane: str) -> Tensor:
    """Return the power spectrogram that planes of one window share, shape (B, F, T)."""
    n_samples, n_fft, win_length = waves.samples.shape[1], options.n_fft, options.win_length
    if win_length > n_fft:
        raise FeatureError(f"features.planes.{plane}: win_length = {win_length} exceeds n_fft = {n_fft}; lower it")
    if n_samples <= n_fft // 2:
        raise FeatureError(
            f"features.planes.{plane}: {n_samples} samples are too few for n_fft = {n_fft}; raise "
            "features.image.seconds, or lower n_fft"
        )
    return waves.once(
        ("practical power", n_fft, win_length),
        lambda: _power_spectrum(waves.samples.cpu(), n_fft, win_length, waves.hop_length),
    )


def _bands(waves: Waves, options: BandOptions, plane: str) -> Tensor:
    """Return the mel spectrogram that planes of one bank share, shape (B, n_mels, T)."""
    rate, n_fft, n_mels, f_min = waves.sample_rate, options.n_fft, options.n_mels, options.f_min
    if f_min >= rate / 2:
        raise FeatureError(f"features.planes.{plane}: f_min = {f_min} Hz is not below half of {rate} Hz; lower it")
    power_BFT, bands_FM = _power(waves, options, plane), _mel_bands(rate, n_fft, n_mels, f_min)
    return waves.once(
        ("practical bands", n_fft, options.win_length, n_mels, f_min), lambda: (power_BFT.mT @ bands_FM).mT
    )


def _power_spectrum(samples_BN: Tensor, n_fft: int, win_length: int, hop_length: int) -> Tensor:
    """Return squared magnitudes of the Fourier transform of Hann-windowed frames, shape (B, F, T)."""
    import torch

    spectrum_BFT = torch.stft(
        samples_BN,
        n_fft=n_fft,
        hop_length=hop_length,
        win_length=win_length,
        window=torch.hann_window(win_length),
        pad_mode="reflect",
        return_complex=True,
    )
    return spectrum_BFT.abs().pow(2.0)


@lru_cache(maxsize=4)
def _mel_bands(sample_rate: int, n_fft: int, n_mels: int, f_min: float) -> Tensor:
    """Return triangular bands of height 1, evenly spaced on the HTK mel scale; shape (F, n_mels)."""
    import torch

    corners_M = _corners(sample_rate, n_mels, f_min)
    # torchaudio rounds the highest frequency down to an integer, also at an odd sample rate.
    bins_F = torch.linspace(0, sample_rate // 2, n_fft // 2 + 1)
    distance_FM = corners_M - bins_F[:, None]
    widths_M = corners_M.diff()
    rising_FM, falling_FM = -distance_FM[:, :-2] / widths_M[:-1], distance_FM[:, 2:] / widths_M[1:]
    return torch.minimum(rising_FM, falling_FM).clamp(min=0.0)


def _corners(sample_rate: int, n_mels: int, f_min: float) -> Tensor:
    """Return the corners of the bands in Hz, shape (n_mels + 2,)."""
    import torch

    edges = 2595.0 * math.log10(1.0 + f_min / 700.0), 2595.0 * math.log10(1.0 + sample_rate / 1400.0)
    corners_M: Tensor = 700.0 * (10.0 ** (torch.linspace(*edges, n_mels + 2) / 2595.0) - 1.0)
    return corners_M


@lru_cache(maxsize=4)
def _cosines(n_mfcc: int, n_mels: int) -> Tensor:
    """Return the orthonormal discrete cosine transform (DCT-II); shape (n_mfcc, n_mels)."""
    import torch

    bands_M, coefficients_K = torch.arange(float(n_mels)), torch.arange(float(n_mfcc))
    matrix_KM = torch.cos(math.pi / n_mels * (bands_M + 0.5) * coefficients_K[:, None])
    matrix_KM[0] *= math.sqrt(0.5)
    return matrix_KM * math.sqrt(2.0 / n_mels)
