"""Tonnetz: tonal centroids of a constant-Q chromagram (Su et al. 2019, section 3.1).

Reference: ``librosa.feature.tonnetz`` with its defaults, after C. Harte, M. Sandler, M. Gasser, "Detecting harmonic
change in musical audio", 2006: each frame's chroma is projected on the circles of fifths, of minor and of
major thirds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from harness.features.constant_q import PITCH_CLASSES, OctaveSignals, constant_q_chroma

CENTROIDS = 6
"""Rows: sine and cosine on the circles of fifths, minor thirds and major thirds."""


def tonnetz(clips: Sequence[OctaveSignals], sample_rate: int, hop_length: int, device: str = "cpu") -> Tensor:
    """Return the tonal centroids, values in [-1, 1], zero where a frame is silent; shape (B, T, 6).

    Raises
    ------
    FeatureError
        When the sample rate is too low for the constant-Q transform, or the clips too short.
    """
    chroma_BTC = constant_q_chroma(clips, sample_rate, hop_length, device)
    total_BT1 = chroma_BTC.sum(dim=2, keepdim=True)
    share_BTC = chroma_BTC / torch.where(total_BT1 < torch.finfo(torch.float32).tiny, 1.0, total_BT1)
    return share_BTC @ _circles(device)


@lru_cache(maxsize=2)
def _circles(device: str) -> Tensor:
    """Return the projection, shape (12, 6)."""
    semitone = torch.arange(PITCH_CLASSES, dtype=torch.float64)
    columns = []
    for radius, turn in ((1.0, 7 / 6), (1.0, 3 / 2), (0.5, 2 / 3)):
        angle = math.pi * turn * semitone
        columns += [radius * torch.sin(angle), radius * torch.cos(angle)]
    return torch.stack(columns, dim=1).to(device, torch.float32)
