"""torchaudio's planes, each from the file, which soundfile reads, with a single thread.

Log-mel and MFCC with the settings of the paper's planes (torchaudio has no chroma, contrast or tonnetz); the three
planes of the ResNet-18 practical from the first three seconds, resized.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

import soundfile
import torch
import torch.nn.functional as F
import torchaudio
from torch import Tensor
from torchaudio import transforms as T

from benchmarks.peers.planes.serve import serve
from harness.study import FeaturesSection

PARAMS = FeaturesSection(clip_seconds=5.0)
RATE, HOP = PARAMS.sample_rate, PARAMS.hop_length


@cache
def _resampler(rate: int, wanted: int) -> T.Resample:
    return T.Resample(rate, wanted)


def read(path: str, wanted: int, seconds: float | None = None) -> Tensor:
    """Return the clip at ``path`` in mono at ``wanted`` Hz, or its first ``seconds``; shape (N,)."""
    rate = soundfile.info(path).samplerate
    frames = -1 if seconds is None else round(seconds * rate)
    samples, _ = soundfile.read(path, frames=frames, dtype="float32", always_2d=True)
    mono = torch.from_numpy(samples).mean(dim=1)
    return mono if rate == wanted else _resampler(rate, wanted)(mono)


@cache
def _log_mel() -> torch.nn.Module:
    options = PARAMS.of("LM")
    mel = T.MelSpectrogram(
        RATE, n_fft=options.n_fft, hop_length=HOP, n_mels=options.n_mels, norm="slaney", mel_scale="slaney"
    )
    return torch.nn.Sequential(mel, T.AmplitudeToDB(top_db=80.0))


@cache
def _mfcc() -> T.MFCC:
    options = PARAMS.of("MFCC")
    mel = {"n_fft": options.n_fft, "hop_length": HOP, "n_mels": 128, "norm": "slaney", "mel_scale": "slaney"}
    return T.MFCC(RATE, n_mfcc=options.n_mfcc, melkwargs=mel)


def mfcc(samples: Tensor) -> object:
    """Return the coefficients and their two derivatives."""
    width = PARAMS.of("MFCC").delta_width
    made = _mfcc()(samples)
    first = torchaudio.functional.compute_deltas(made, width)
    return made, first, torchaudio.functional.compute_deltas(first, width)


@cache
def _images() -> tuple[torch.nn.Module, ...]:
    options = PARAMS.of("mel")
    window = {"n_fft": options.n_fft, "win_length": options.win_length, "hop_length": options.hop_length}
    bands = {**window, "n_mels": options.n_mels, "f_min": options.f_min}
    rate = options.sample_rate
    return (
        T.Spectrogram(**window),
        T.MelSpectrogram(rate, **bands),
        T.MFCC(rate, n_mfcc=PARAMS.of("mfcc").n_mfcc, melkwargs=bands),
    )


def images(paths: Sequence[str]) -> None:
    """Compute spectrogram, mel and mfcc, resized, of the clips at ``paths``."""
    size = (PARAMS.image.rows, PARAMS.image.columns)
    for path in paths:
        samples = read(path, PARAMS.of("mel").sample_rate, PARAMS.image.seconds)
        spectrogram, mel, cepstrum = (transform(samples) for transform in _images())
        for plane in (10 * (spectrogram + 1e-10).log10(), 10 * (mel + 1e-10).log10(), cepstrum):
            F.interpolate(plane[None, None], size, mode="bilinear", antialias=True)


def of_clips(plane: Callable[[Tensor], object], paths: Sequence[str]) -> None:
    """Compute one plane of the clips at ``paths``."""
    for path in paths:
        plane(read(path, RATE))


if __name__ == "__main__":
    torch.set_num_threads(1)
    with torch.inference_mode():
        serve(
            {
                "log-mel": partial(of_clips, _log_mel()),
                "MFCC": partial(of_clips, mfcc),
                "three images": images,
            }
        )
