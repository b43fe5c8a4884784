"""Tonnetz: tonal centroids of a constant-Q chromagram (Su et al. 2019, section 2.1).

Reference: ``librosa.feature.tonnetz`` with its defaults, after C. Harte, M. Sandler, M. Gasser, "Detecting harmonic
change in musical audio", 2006: each frame's chroma is projected on the circles of fifths, of minor and of
major thirds.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from harness.features.audio import Samples
from harness.features.constant_q import PITCH_CLASSES, constant_q_chroma

CENTROIDS = 6
"""Rows: sine and cosine on the circles of fifths, minor thirds and major thirds."""


def tonnetz(samples: Samples, sample_rate: int, hop_length: int, device: str = "cpu") -> Tensor:
    """Return the tonal centroids, values in [-1, 1], zero where a frame is silent; shape (6, frames).

    Raises
    ------
    FeatureError
        When the sample rate is too low for the constant-Q transform, or the clip too short.
    """
    chroma_CT = constant_q_chroma(samples, sample_rate, hop_length, device).to(torch.float64)
    total_T = chroma_CT.sum(dim=0)
    share_CT = chroma_CT / torch.where(total_T < torch.finfo(torch.float32).tiny, 1.0, total_T)
    return _circles().to(device) @ share_CT


def _circles() -> Tensor:
    """Return the projection, shape (6, 12)."""
    semitone = torch.arange(PITCH_CLASSES, dtype=torch.float64)
    rows = []
    for radius, turn in ((1.0, 7 / 6), (1.0, 3 / 2), (0.5, 2 / 3)):
        angle = math.pi * turn * semitone
        rows += [radius * torch.sin(angle), radius * torch.cos(angle)]
    return torch.stack(rows)
