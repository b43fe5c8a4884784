"""Where the time of a clip goes: milliseconds of each stage, one after the other, in one process with one thread."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.record import spread
from harness.data.data_root import resolve_data_root
from harness.data.load_clips import load_clips
from harness.features.audio import read_mono, resample
from harness.features.compute import compute, load, one_thread
from harness.features.constant_q import CHROMA, LOWEST, OctaveSignals, clip_tunings, constant_q_chroma, octave_response
from harness.features.pitch_tuning import estimate_tunings
from harness.features.planes.chroma import ChromaOptions, chroma
from harness.features.planes.contrast import ContrastOptions, contrast
from harness.features.planes.logmel import LogMelOptions, log_mel
from harness.features.planes.mfcc import MfccOptions, mfcc_with_deltas
from harness.features.planes.tonnetz import tonnetz
from harness.features.sets import planes_of
from harness.features.spectrum import spectrum
from harness.registry import feature_set
from harness.study import DataSection, FeaturesSection

CLIPS = 40


def profile(data: DataSection, repeats: int) -> dict[str, Any]:
    """Return milliseconds a clip for each stage: median and range over ``repeats`` rounds of the same clips.

    "loading" holds "decoding", "resampling" and "constant-Q: octave signals"; a plane holds what stands below it with
    its name; "computing" holds the spectrum and all planes.
    """
    frame = load_clips(data, resolve_data_root(None)).frame
    paths = [Path(path) for path in frame["path"].iloc[:: max(1, len(frame) // CLIPS)][:CLIPS]]
    rounds: dict[str, list[float]] = defaultdict(list)
    with one_thread():
        for turn in range(repeats + 1):
            seconds: dict[str, float] = defaultdict(float)
            for path in paths:
                _stages(path, seconds)
            if turn:  # the first round warms up
                for stage, taken in seconds.items():
                    rounds[stage].append(1e3 * taken / len(paths))
    return {"clips": len(paths), "milliseconds_a_clip": {stage: spread(taken) for stage, taken in rounds.items()}}


def _stages(path: Path, seconds: dict[str, float]) -> None:
    def timed(stage: str, function: Callable[..., Any], *arguments: Any) -> Any:
        began = time.perf_counter()
        result = function(*arguments)
        seconds[stage] += time.perf_counter() - began
        return result

    params, planes = FeaturesSection(), planes_of(feature_set("MLMC"), FeaturesSection())
    rate, hop = params.sample_rate, params.hop_length
    lm, cepstrum, bands, pitch = LogMelOptions(), MfccOptions(), ContrastOptions(), ChromaOptions()
    clip = timed("loading", load, path, planes, params)
    decoded = timed("decoding", read_mono, path)
    timed("resampling", resample, *decoded, rate)
    samples = next(iter(clip.stretches.values())).samples
    signals = OctaveSignals(samples, rate, hop)
    timed("constant-Q: octave signals", signals.slow_down)
    timed("computing", compute, [clip], planes, params)
    shared = timed("spectrum", spectrum, torch.from_numpy(samples)[None], rate, lm.n_fft, hop)
    _ = shared.power
    timed("LM", log_mel, shared, lm.n_mels)
    timed("MFCC", mfcc_with_deltas, shared, cepstrum.n_mfcc, cepstrum.delta_width)
    timed("contrast", contrast, shared, bands.bands, bands.fmin)
    timed("chroma", chroma, shared, pitch.n_chroma)
    timed("chroma: tuning", estimate_tunings, shared.power, rate, pitch.n_fft, pitch.n_chroma)
    timed("tonnetz", tonnetz, [signals], rate, hop)
    timed("tonnetz: constant-Q chroma", constant_q_chroma, [signals], rate, hop)
    [tuning], [precision] = timed("tonnetz: tuning and its spectrum", clip_tunings, [signals], rate, "cpu")
    for step, signal in enumerate(signals.after(1)):
        octave = CHROMA.octaves - 1 - step
        lowest = LOWEST * 2.0 ** (tuning / 36) * 2.0**octave / (rate / 2**step)
        octave_BN = torch.from_numpy(signal)[None].to(precision)
        timed(f"tonnetz: octave {octave}", octave_response, octave_BN, [lowest], hop >> step, 1 + len(samples) // hop)
