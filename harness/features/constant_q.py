"""The constant-Q transform, and the chromagram made of it: energy in the 12 pitch classes, from filters a third of a
semitone apart over 7 octaves.

Reference: ``librosa.cqt`` and ``librosa.feature.chroma_cqt`` with their defaults, after C. Schörkhuber, A. Klapuri,
"Constant-Q transform toolbox for music processing", 2010: the top octave is filtered at the full sample rate, and every
lower one by the same filters from the signal at half the rate of the octave above. One filter bank serves all octaves,
which makes this fast: that of the chromagram depends only on the clip's tuning, which has 100 values.

Signals are float32, as in the reference. The rate is halved by soxr on the host; the rest runs on any device.
Tolerance of the chromagram: 1e-4 of a frame's largest value, silence after a sound included.

Shapes, as suffixes of names: B clips of one length, N samples, T = 1 + N // hop_length frames, F frequency bins that
the filters reach, K filters of one octave (36 for the chromagram).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from harness.errors import FeatureError
from harness.features.audio import Samples, resample
from harness.features.pitch_tuning import estimate_tunings
from harness.features.spectrum import frames, magnitude, scaled_frames, spectrum

PITCH_CLASSES = 12
LOWEST = 440.0 * 2.0 ** (-45 / 12)
"""Hz: C1, 45 semitones below A4."""

_TUNING_FFT, _TUNING_HOP = 2048, 512
# Bandwidth of the Hann window in bins of its transform, as the reference measured it on 1,000 samples.
_WINDOW_BANDWIDTH = 1.50018310546875
_DROPPED_SHARE = 0.01
# A filter lasts up to a second and a half and picks up a sound's faint tail in the silence after it, which is below the
# rounding error of a float32 transform. Only clips with a frame this much quieter than the loudest need float64.
_QUIET = 1e-4


@dataclass(frozen=True)
class Filters:
    """Filters at equal intervals of pitch, each reaching to both of its neighbours.

    Attributes
    ----------
    plane
        Plane that uses them, for messages.
    lowest
        Centre frequency of the lowest filter, in Hz.
    per_octave, octaves
        Numbers of filters in an octave, and of octaves.
    remedy
        What else than a higher sample rate helps where the highest filter is above half of it, for messages.
    """

    plane: str
    lowest: float
    per_octave: int
    octaves: int
    remedy: str = ""

    @property
    def step(self) -> float:
        """Ratio of neighbouring centre frequencies."""
        return float(2.0 ** (1 / self.per_octave))

    @property
    def q(self) -> float:
        """Centre frequency over bandwidth."""
        return (self.step**2 + 1) / (self.step**2 - 1)

    def highest(self, lowest: float) -> float:
        """Return the upper end of the highest filter's pass band, in Hz, when the lowest filter is at ``lowest``."""
        return float(lowest * 2.0**self.octaves / self.step * (1 + 0.5 * _WINDOW_BANDWIDTH / self.q))


CHROMA = Filters("tonnetz", LOWEST, per_octave=36, octaves=7)
"""The filters of the chromagram."""


class OctaveSignals:
    """A clip, and its signal at the rates of the octaves.

    Parameters
    ----------
    samples
        The clip at ``sample_rate``, shape (N,).
    hop_length
        Samples between frames.
    filters
        The filters that the signals are for.
    """

    def __init__(self, samples: Samples, sample_rate: int, hop_length: int, filters: Filters = CHROMA) -> None:
        self.samples = samples
        self._rate, self._hop, self._filters = sample_rate, hop_length, filters
        self._signals: dict[int, list[Samples]] = {}

    def slow_down(self) -> None:
        """Compute the signals ahead: on the host, while a device is busy with other clips."""
        # The tuning, not yet known, can change the factor only at rare sample rates.
        factor = _first_factor(self._filters, self._filters.lowest, self._rate, self._hop)
        if factor is not None and len(self.samples) >= factor:
            self.after(factor)

    def after(self, factor: int) -> list[Samples]:
        """Return the signal after dividing its rate by ``factor``, and then by 2 as long as hop and octaves allow."""
        if factor not in self._signals:
            signals = [self.samples if factor == 1 else _slower(self.samples, factor)]
            for _ in range(min(self._filters.octaves - 1, _twos(self._hop // factor))):
                signals.append(_slower(signals[-1], 2))
            self._signals[factor] = signals
        return self._signals[factor]


def constant_q_chroma(clips: Sequence[OctaveSignals], sample_rate: int, hop_length: int, device: str = "cpu") -> Tensor:
    """Return the chromagrams, float32, each frame's largest value 1 and silent frames 0; shape (B, T, 12).

    Parameters
    ----------
    clips : sequence of OctaveSignals
        B clips of the same number of samples N.
    sample_rate : int
        Sample rate of the clips, in Hz.
    hop_length : int
        Samples between frames; T = 1 + N // hop_length.
    device : str
        ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.

    Raises
    ------
    FeatureError
        When half of ``sample_rate`` is below the highest filter, or the clips are too short to be filtered.
    """
    n_frames = 1 + len(clips[0].samples) // hop_length
    alike: dict[tuple[int, int, torch.dtype], list[int]] = defaultdict(list)
    tunings, precisions = clip_tunings(clips, sample_rate, device)
    lowest = [LOWEST * 2.0 ** (tuning / CHROMA.per_octave) for tuning in tunings]
    for clip, (frequency, precision) in enumerate(zip(lowest, precisions, strict=True)):
        factor = _checked_factor(CHROMA, frequency, sample_rate, hop_length, len(clips[0].samples))
        n_fft = _transform_length(CHROMA.q, frequency * 2.0 ** (CHROMA.octaves - 1) / sample_rate * factor)
        alike[factor, n_fft, precision].append(clip)
    response_BTK = torch.zeros(len(clips), n_frames, CHROMA.per_octave, device=device)
    for (factor, _, precision), chosen in alike.items():
        signals = _stacked([clips[k] for k in chosen], factor, device, precision)
        octaves = _octaves(
            signals, CHROMA, [lowest[k] for k in chosen], sample_rate / factor, hop_length // factor, n_frames
        )
        response_BTK[chosen] = sum(octaves[1:], octaves[0])
    # Filters 35, 0 and 1 are those around C, and so on upwards.
    classes_BTCK = response_BTK.roll(1, dims=2).view(len(clips), n_frames, PITCH_CLASSES, -1)
    return scaled_frames(classes_BTCK.sum(dim=3))


def constant_q(
    clips: Sequence[OctaveSignals], filters: Filters, sample_rate: int, hop_length: int, device: str = "cpu"
) -> Tensor:
    """Return the magnitudes of the responses of all filters, lowest first, float32, shape (B, T, octaves * K).

    Parameters
    ----------
    clips : sequence of OctaveSignals
        B clips of the same number of samples N, with the same ``filters``.
    filters : Filters
        The filters; they are not tuned to the clips.
    sample_rate : int
        Sample rate of the clips, in Hz.
    hop_length : int
        Samples between frames; T = 1 + N // hop_length.
    device : str
        ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.

    Raises
    ------
    FeatureError
        When half of ``sample_rate`` is below the highest filter, or the clips are too short to be filtered.
    """
    n_samples = len(clips[0].samples)
    factor = _checked_factor(filters, filters.lowest, sample_rate, hop_length, n_samples)
    signals = _stacked(clips, factor, device)
    lowest, n_frames = [filters.lowest] * len(clips), 1 + n_samples // hop_length
    octaves = _octaves(signals, filters, lowest, sample_rate / factor, hop_length // factor, n_frames)
    return torch.cat(octaves[::-1], dim=2)


def clip_tunings(
    clips: Sequence[OctaveSignals], sample_rate: int, device: str
) -> tuple[list[float], list[torch.dtype]]:
    """Return for each clip its tuning, in fractions of the distance between filters, and the precision that its
    quietest frame needs."""
    signals_BN = torch.from_numpy(np.stack([clip.samples for clip in clips])).to(device)
    own = spectrum(signals_BN, sample_rate, _TUNING_FFT, _TUNING_HOP, torch.float32)
    peak_BT = own.magnitude.amax(dim=2)
    quiet = (peak_BT.amin(dim=1) < _QUIET * peak_BT.amax(dim=1)).tolist()
    tunings = estimate_tunings(own.magnitude, sample_rate, _TUNING_FFT, CHROMA.per_octave)
    return tunings, [torch.float64 if is_quiet else torch.float32 for is_quiet in quiet]


def _stacked(
    clips: Sequence[OctaveSignals], factor: int, device: str, precision: torch.dtype = torch.float64
) -> list[Tensor]:
    """Return the signals of the octaves after dividing the rate by ``factor``, shape (B, n) each."""
    rates = zip(*(clip.after(factor) for clip in clips), strict=True)
    return [torch.from_numpy(np.stack(signals)).to(device, precision) for signals in rates]


def _octaves(
    signals: Sequence[Tensor], filters: Filters, lowest: Sequence[float], rate: float, hop: int, n_frames: int
) -> list[Tensor]:
    """Return the magnitudes of the filters' responses, float32, shape (B, n_frames, K) for each octave, highest first.

    ``signals`` are those of the octaves, shape (B, n) each, in the precision of the transform; the last one serves the
    remaining octaves.
    """
    responses = []
    for step, octave in enumerate(reversed(range(filters.octaves))):
        if 0 < step < len(signals):
            rate, hop = rate / 2, hop // 2
        signal_BN = signals[min(step, len(signals) - 1)]
        relative = [frequency * 2.0**octave / rate for frequency in lowest]
        responses.append(octave_response(signal_BN, relative, hop, n_frames, filters))
    return responses


def octave_response(
    signals_BN: Tensor, lowest: Sequence[float], hop: int, n_frames: int, filters: Filters = CHROMA
) -> Tensor:
    """Return the magnitudes of the responses of one octave's filters, float32, shape (B, n_frames, K).

    Parameters
    ----------
    signals_BN : Tensor, shape (B, N)
        The clips at the sample rate of the octave.
    lowest : sequence of float
        Frequency of the octave's lowest filter for each clip, in cycles per sample.
    hop : int
        Samples between frames at that rate.
    n_frames : int
        Number of frames to return.
    filters : Filters
        The filters.
    """
    n_fft, first, bank_BFK = _banks(lowest, str(signals_BN.device), filters.per_octave)
    # Where rounding up the halved length gives one frame more than the clip at full rate has, it is left out.
    spectrum_BTF = torch.fft.rfft(frames(signals_BN, n_fft, hop)[:, :n_frames])
    reached_BTF = spectrum_BTF[..., first : first + bank_BFK.shape[1]].to(torch.complex64)
    return magnitude(reached_BTF @ bank_BFK)


def _first_factor(filters: Filters, lowest: float, sample_rate: int, hop_length: int) -> int | None:
    """Return the factor by which the rate is divided before the first octave; None when the rate is too low."""
    highest = filters.highest(lowest)
    if highest > sample_rate / 2:
        return None
    spare = math.ceil(math.log2(sample_rate / 2 / highest)) - 2
    return 1 << max(0, min(spare, _twos(hop_length) - filters.octaves + 1))


def _checked_factor(filters: Filters, lowest: float, sample_rate: int, hop_length: int, n_samples: int) -> int:
    factor = _first_factor(filters, lowest, sample_rate, hop_length)
    if factor is None:
        highest = filters.highest(lowest)
        raise FeatureError(
            f"{filters.plane}: features.sample_rate = {sample_rate} is too low for the constant-Q transform "
            f"({filters.octaves} octaves from {filters.lowest:.1f} Hz), whose highest filter extends to {highest:.0f} "
            f"Hz; set it to at least {math.ceil(2 * highest)}{filters.remedy}"
        )
    if n_samples < factor:
        raise FeatureError(
            f"{filters.plane}: {n_samples} samples are too few for the constant-Q transform at features.sample_rate = "
            f"{sample_rate}, which needs {factor}; raise features.segment_frames"
        )
    return factor


def _twos(hop: int) -> int:
    return (hop & -hop).bit_length() - 1


def _slower(signal: Samples, factor: int) -> Samples:
    """Return ``signal`` at a fraction of its rate, scaled by the square root of ``factor`` to preserve energy."""
    # Divided in float64 as in the reference: where a clip becomes silent only the last digits remain, and frames are
    # scaled to 1.
    slower: Samples = (resample(signal, factor, 1) / np.sqrt(1 / factor)).astype(np.float32)
    return slower


def _banks(lowest: Sequence[float], device: str, per_octave: int) -> tuple[int, int, Tensor]:
    """Return the length of the transform, the first bin that any clip's filters reach, and weights (B, F, K)."""
    banks = [_bank(frequency, device, per_octave) for frequency in lowest]
    n_fft = banks[0][0]
    start = min(first for _, first, _ in banks)
    stop = max(first + len(bank_FK) for _, first, bank_FK in banks)
    return (
        n_fft,
        start,
        torch.stack(
            [
                bank_FK
                if len(bank_FK) == stop - start
                else F.pad(bank_FK, (0, 0, first - start, stop - first - len(bank_FK)))
                for _, first, bank_FK in banks
            ]
        ),
    )


def _transform_length(q: float, lowest: float) -> int:
    """Return the transform length, a power of two, that covers the longest filter, at ``lowest`` cycles per sample."""
    return int(2 ** math.ceil(math.log2(q / lowest)))


@lru_cache(maxsize=256)
def _bank(lowest: float, device: str, per_octave: int = CHROMA.per_octave) -> tuple[int, int, Tensor]:
    """Return the transform length, the first bin the filters reach, and their weights, complex64, shape (F, K).

    ``lowest`` is the frequency of the lowest filter in cycles per sample; the others follow up to one octave higher.
    Weights of a filter that together make less than a hundredth of it are zero.
    """
    q = Filters("", lowest, per_octave, 1).q
    frequencies = lowest * 2.0 ** (np.arange(per_octave) / per_octave)
    lengths = q / frequencies
    n_fft = _transform_length(q, lowest)
    filters = np.zeros((per_octave, n_fft), np.complex64)
    for row, frequency, length in zip(filters, frequencies, lengths, strict=True):
        time = np.arange(math.floor(-length / 2), math.floor(length / 2))
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(len(time)) / len(time))
        start = (n_fft - len(time)) // 2
        # Gain 1 at the centre, as over the complete transform; then scaled by the square root of the length, so that
        # noise has the same level in all filters.
        row[start : start + len(time)] = window / window.sum() * np.exp(2j * np.pi * frequency * time)
    filters *= lengths[:, None] / n_fft
    weights = np.fft.fft(filters)[:, : n_fft // 2 + 1].astype(np.complex64)
    weights[_negligible(np.abs(weights))] = 0
    weights /= np.sqrt(lengths)[:, None]
    reached = np.flatnonzero(weights.any(axis=0))
    first, stop = int(reached[0]), int(reached[-1]) + 1
    return n_fft, first, torch.from_numpy(np.ascontiguousarray(weights[:, first:stop].T)).to(device)


def _negligible(magnitudes: np.ndarray) -> np.ndarray:
    """Return a mask of the smallest values of each row that together make less than a hundredth of its sum."""
    ascending = np.sort(magnitudes, axis=1)
    share = np.cumsum(ascending / magnitudes.sum(axis=1, keepdims=True), axis=1)
    kept = np.argmin(share < _DROPPED_SHARE, axis=1)
    smallest_kept = np.take_along_axis(ascending, kept[:, None], axis=1)
    negligible: np.ndarray = magnitudes < smallest_kept
    return negligible
