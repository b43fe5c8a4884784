"""Ten synthetic classes of random sounds that a network can learn, though not trivially.

Each class is a way of making sound (a steady tone, a sweep, noise bursts ...). Pitch, tempo and background are
properties of the recording; onset, level and noise of the clip. Signals are float64, mono, at ``RATE`` Hz; frequencies
are in Hz and times in seconds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RATE = 22050
SAMPLES = 2 * RATE

Signal = NDArray[np.float64]


class Draws:
    """Uniform random numbers from PCG64's raw output.

    numpy guarantees the stability of a bit generator's raw stream, but not of Generator's methods: a data set whose
    bytes are fixed uses the raw stream.
    """

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(key))

    def many(self, low: float, high: float, n: int) -> Signal:
        """Return ``n`` numbers in [low, high)."""
        raw = np.asarray(self._bits.random_raw(n), dtype=np.uint64)
        fractions = (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return low + (high - low) * fractions

    def one(self, low: float, high: float) -> float:
        """Return one number in [low, high)."""
        return float(self.many(low, high, 1)[0])

    def log(self, low: float, high: float) -> float:
        """Return one number in [low, high), uniform on a logarithmic scale."""
        return float(low * (high / low) ** self.one(0.0, 1.0))


Voice = Callable[[Draws, Draws, int], Signal]


def _time(n: int) -> Signal:
    return np.arange(n, dtype=np.float64) / RATE


def _sine(frequency: Signal | float, n: int) -> Signal:
    """Return a sine whose frequency may change from sample to sample."""
    steps = np.broadcast_to(np.asarray(frequency, dtype=np.float64), (n,))
    return np.sin(2.0 * np.pi * (np.cumsum(steps) / RATE))


def _filtered(draws: Draws, n: int, low: float, high: float, tilt: float = 0.0) -> Signal:
    """Return noise between ``low`` and ``high``, its amplitude falling as frequency to the power ``tilt``; peak 1."""
    spectrum = np.fft.rfft(draws.many(-1.0, 1.0, n))
    frequency = np.fft.rfftfreq(n, 1.0 / RATE)
    gain = ((frequency >= low) & (frequency <= high)) * (np.maximum(frequency, 20.0) / 1000.0) ** -tilt
    noise = np.fft.irfft(spectrum * gain, n)
    return np.asarray(noise / max(float(np.abs(noise).max()), 1e-9), dtype=np.float64)


def _partials(f0: float, strengths: Signal, n: int) -> Signal:
    total = np.zeros(n)
    for order, strength in enumerate(strengths, start=1):
        if order * f0 < 0.45 * RATE:
            total += strength * _sine(order * f0, n)
    return total


def _harmonic_tone(recording: Draws, _clip: Draws, n: int) -> Signal:
    f0, roll_off = recording.log(180.0, 700.0), recording.one(0.8, 1.6)
    return _partials(f0, np.arange(1.0, 9.0) ** -roll_off, n)


def _sweep(recording: Draws, clip: Draws, n: int, rising: bool) -> Signal:
    low, octaves, times = recording.log(250.0, 700.0), recording.one(1.5, 3.0), 1 + int(recording.one(0.0, 3.0))
    position = (_time(n) * RATE / n * times + clip.one(0.0, 0.2)) % 1.0
    return _sine(low * 2.0 ** (octaves * (position if rising else 1.0 - position)), n)


def _rising_sweep(recording: Draws, clip: Draws, n: int) -> Signal:
    return _sweep(recording, clip, n, rising=True)


def _falling_sweep(recording: Draws, clip: Draws, n: int) -> Signal:
    return _sweep(recording, clip, n, rising=False)


def _noise_band(recording: Draws, clip: Draws, n: int) -> Signal:
    centre, octaves = recording.log(1000.0, 4500.0), recording.one(0.5, 1.2)
    return _filtered(clip, n, centre * 2.0 ** (-octaves / 2), centre * 2.0 ** (octaves / 2))


def _strikes(n: int, starts: Signal, ring: Signal) -> Signal:
    """Return the sum of ``ring`` started at each of ``starts`` (seconds), cut at the end."""
    total = np.zeros(n)
    for start in (starts * RATE).astype(np.int64):
        if start < n:
            total[start : start + len(ring)] += ring[: n - start]
    return total


def _clicks(recording: Draws, clip: Draws, n: int) -> Signal:
    rate, tone, decay = recording.log(4.0, 16.0), recording.log(1200.0, 5000.0), recording.log(0.002, 0.008)
    ring = _sine(tone, int(0.05 * RATE)) * np.exp(-_time(int(0.05 * RATE)) / decay)
    gaps = clip.many(0.7, 1.3, int(rate * n / RATE) + 2) / rate
    return _strikes(n, np.cumsum(gaps) - gaps[0], ring)


def _tremolo(recording: Draws, clip: Draws, n: int) -> Signal:
    f0, rate, depth = recording.log(180.0, 700.0), recording.log(5.0, 12.0), recording.one(0.8, 1.0)
    swell = 1.0 + depth * np.sin(2.0 * np.pi * (rate * _time(n) + clip.one(0.0, 1.0)))
    return _partials(f0, np.array([1.0, 0.5, 0.25]), n) * swell


def _siren(recording: Draws, clip: Draws, n: int) -> Signal:
    centre, rate, octaves = recording.log(500.0, 1200.0), recording.log(1.5, 5.0), recording.one(0.4, 0.8)
    swing = np.sin(2.0 * np.pi * (rate * _time(n) + clip.one(0.0, 1.0)))
    return _sine(centre * 2.0 ** (octaves * swing), n)


def _bell(recording: Draws, clip: Draws, n: int) -> Signal:
    f0, decay, blows = recording.log(250.0, 900.0), recording.log(0.15, 0.6), 1 + int(recording.one(0.0, 3.0))
    ring = np.zeros(n)
    for ratio, strength in ((1.0, 1.0), (2.0, 0.5), (2.76, 0.7), (5.4, 0.4), (8.93, 0.2)):
        if ratio * f0 < 0.45 * RATE:
            ring += strength * _sine(ratio * f0, n) * np.exp(-_time(n) * ratio**0.5 / decay)
    starts = np.concatenate([np.zeros(1), clip.many(0.2, 0.5, 2).cumsum()])[:blows]
    return _strikes(n, starts, ring)


def _noise_bursts(recording: Draws, clip: Draws, n: int) -> Signal:
    rate, share = recording.log(2.5, 9.0), recording.one(0.25, 0.6)
    open_gate = (rate * _time(n) + clip.one(0.0, 1.0)) % 1.0 < share
    return _filtered(clip, n, recording.log(150.0, 600.0), recording.log(3000.0, 9000.0)) * open_gate


def _buzz(recording: Draws, clip: Draws, n: int) -> Signal:
    f0 = recording.log(55.0, 150.0) * (1.0 + 0.02 * np.sin(2.0 * np.pi * (clip.one(2.0, 6.0) * _time(n))))
    saw = 2.0 * ((np.cumsum(f0) / RATE) % 1.0) - 1.0
    return saw + 0.1 * _filtered(clip, n, 100.0, 6000.0)


VOICES: dict[str, Voice] = {
    "harmonic_tone": _harmonic_tone,
    "rising_sweep": _rising_sweep,
    "falling_sweep": _falling_sweep,
    "noise_band": _noise_band,
    "clicks": _clicks,
    "tremolo": _tremolo,
    "siren": _siren,
    "bell": _bell,
    "noise_bursts": _noise_bursts,
    "buzz": _buzz,
}


def synthesise(voice: str, recording: Draws, clip: Draws) -> NDArray[np.int16]:
    """Return one clip of ``voice``, int16, shape (SAMPLES,).

    The sound starts within the first 0.7 s and lasts 0.6 s to 1.3 s; the background is coloured noise and mains hum,
    8 to 28 dB below it.
    """
    # The background is drawn first, so that it does not depend on how many numbers a voice takes.
    tilt, ratio, hum = recording.one(0.0, 1.5), recording.one(8.0, 28.0), recording.one(0.0, 0.3)
    background = _filtered(clip, SAMPLES, 40.0, 10000.0, tilt) + hum * _sine(50.0, SAMPLES)
    onset, length = int(clip.one(0.0, 0.7) * RATE), int(clip.one(0.6, 1.3) * RATE)
    event = VOICES[voice](recording, clip, length)
    fade = min(length // 8, RATE // 50)
    event[:fade] *= np.linspace(0.0, 1.0, fade)
    event[-fade:] *= np.linspace(1.0, 0.0, fade)
    mix = background * (_rms(event) / _rms(background) * 10.0 ** (-ratio / 20.0))
    mix[onset : onset + length] += event
    level = 10.0 ** (clip.one(-18.0, -1.0) / 20.0)
    scaled: NDArray[np.int16] = np.rint(mix * (level / float(np.abs(mix).max())) * 32767.0).astype(np.int16)
    return scaled


def _rms(signal: Signal) -> float:
    return max(float(np.sqrt(np.mean(signal**2))), 1e-9)
