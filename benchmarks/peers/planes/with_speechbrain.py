"""speechbrain's Fbank, its nearest plane to log-mel: 60 triangular bands of 25 ms frames every 10 ms, in dB, at 22,050
Hz. It is another feature, with 2.3 times as many frames; soundfile reads, torchaudio resamples, with a single thread.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from speechbrain.lobes.features import Fbank

from benchmarks.peers.planes.serve import serve
from benchmarks.peers.planes.with_torchaudio import RATE, read


def fbank(paths: Sequence[str]) -> None:
    """Compute Fbank of the clips at ``paths``."""
    for path in paths:
        _FBANK(read(path, RATE)[None])


if __name__ == "__main__":
    torch.set_num_threads(1)
    _FBANK = Fbank(sample_rate=RATE, n_mels=60, n_fft=1024)
    with torch.inference_mode():
        serve({"log-mel": fbank})
