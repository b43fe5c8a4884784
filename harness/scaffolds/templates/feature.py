"""A feature of your own, as rows over frames. A study file in this folder uses it by these lines:

    [features.sets.${name}]
    plane = "${name}:plane"
    bands = 32                        # passed on to plane

    [[arms]]
    name = "${name}"
    model = "su4"
    features = "${name}"

To stack it with another set: [features.sets.both] with planes = ["mel64", "${name}"]. This file is run only by studies
that name it. Results are cached; when it changes, they are computed again.
"""

from __future__ import annotations

import torch
from torch import Tensor


def plane(waves: Tensor, sample_rate: int, hop_length: int, bands: int = 32) -> Tensor:
    """Return log energies of equally wide frequency bands; replace it by your feature.

    Parameters
    ----------
    waves : Tensor
        Mono audio, float32, shape (B, N).
    sample_rate : int
        Hz.
    hop_length : int
        Samples between frames.
    bands : int
        Number of bands. This and further parameters are yours.

    Returns
    -------
    Tensor
        Shape (B, rows, frames). A plane that is stacked with others needs 1 + N // hop_length frames.
    """
    n_fft = max(1024, 2 * bands)
    window = torch.hann_window(n_fft, device=waves.device)
    power = torch.stft(waves, n_fft, hop_length, window=window, return_complex=True).abs() ** 2
    lowest = 1e-10 * sample_rate / n_fft
    return torch.stack([part.mean(1) for part in power[:, : n_fft // 2].tensor_split(bands, 1)], 1).add(lowest).log()
