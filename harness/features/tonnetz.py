"""Tonnetz: tonal centroids of a constant-Q chromagram (Su et al. 2019, section 2.1).

Reference: ``librosa.feature.tonnetz`` with its defaults, after C. Harte, M. Sandler, M. Gasser, "Detecting harmonic
change in musical audio", 2006: each frame's chroma is projected on the circles of fifths, of minor and of
major thirds.

The chromagram comes from librosa. It is the one slow step of all planes, and :func:`constant_q_chroma` is the one
place where a faster transform would take over.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import torch
from torch import Tensor

from harness.errors import FeatureError
from harness.features.audio import Samples

CENTROIDS = 6
"""Rows: sine and cosine on the circles of fifths, minor thirds and major thirds."""

_PITCH_CLASSES = 12


def tonnetz(samples: Samples, sample_rate: int, hop_length: int) -> Tensor:
    """Return the tonal centroids, values in [-1, 1], zero where a frame is silent; shape (6, frames).

    Raises
    ------
    FeatureError
        When the sample rate is too low for the constant-Q transform.
    """
    chroma_CT = constant_q_chroma(samples, sample_rate, hop_length)
    total_T = chroma_CT.sum(dim=0)
    share_CT = chroma_CT / torch.where(total_T < torch.finfo(torch.float32).tiny, 1.0, total_T)
    return _circles() @ share_CT


def constant_q_chroma(samples: Samples, sample_rate: int, hop_length: int) -> Tensor:
    """Return the chromagram of ``librosa.feature.chroma_cqt`` (7 octaves from C1, 36 bins each); shape (12, frames).

    float64, each frame's largest value 1; frames = 1 + n // hop_length. Raises FeatureError as :func:`tonnetz` does.
    """
    import librosa

    try:
        with warnings.catch_warnings():
            # The lowest octaves of a one-second clip are shorter than their filters, and silence has no tuning.
            warnings.filterwarnings("ignore", message="n_fft=.* is too large for input signal")
            warnings.filterwarnings("ignore", message="Trying to estimate tuning from empty frequency set")
            chroma_CT = librosa.feature.chroma_cqt(
                y=samples, sr=sample_rate, hop_length=hop_length, n_chroma=_PITCH_CLASSES
            )
    except librosa.ParameterError as error:
        raise FeatureError(
            f"tonnetz: the constant-Q transform (C1 to B7, 32.7 Hz to 4 kHz) refuses features.sample_rate = "
            f"{sample_rate} with hop_length = {hop_length}: {error}"
        ) from None
    # Where the transform first halves the sample rate, rounding can give one frame more.
    return torch.from_numpy(chroma_CT[:, : 1 + len(samples) // hop_length].astype(np.float64))


def _circles() -> Tensor:
    """Return the projection, shape (6, 12)."""
    semitone = torch.arange(_PITCH_CLASSES, dtype=torch.float64)
    rows = []
    for radius, turn in ((1.0, 7 / 6), (1.0, 3 / 2), (0.5, 2 / 3)):
        angle = math.pi * turn * semitone
        rows += [radius * torch.sin(angle), radius * torch.cos(angle)]
    return torch.stack(rows)
