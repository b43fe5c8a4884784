"""Tonnetz: tonal centroids of a constant-Q chromagram (Su et al. 2019, section 3.1).

Reference: ``librosa.feature.tonnetz`` with its defaults, after C. Harte, M. Sandler, M. Gasser, "Detecting harmonic
change in musical audio", 2006: each frame's chroma is projected onto the circles of fifths, of minor and of major
thirds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.features.row_scale import RowScale
from harness.registry import Plane, register
from harness.section import NoOptions

if TYPE_CHECKING:
    from torch import Tensor

    from harness.features.audio import Samples
    from harness.features.constant_q import OctaveSignals
    from harness.features.waves import Waves

CENTROIDS = 6
"""Rows: sine and cosine on the circles of fifths, minor thirds and major thirds."""


def rows(_options: NoOptions) -> int:
    """Return the number of coordinates."""
    return CENTROIDS


def slow_down(samples: Samples, sample_rate: int, hop_length: int, _options: NoOptions) -> OctaveSignals:
    """Return a clip at the sample rates of the octaves.

    The resampling (soxr) runs on the host while a device computes other clips.

    Parameters
    ----------
    samples : ndarray of float32, shape (N,)
        The clip.
    sample_rate : int
        In Hz.
    hop_length : int
        Samples between frames.
    _options : NoOptions
        Not used; every plane's ``prepare`` receives its options.
    """
    from harness.features.constant_q import OctaveSignals

    signals = OctaveSignals(samples, sample_rate, hop_length)
    signals.slow_down()
    return signals


def scale(_options: NoOptions, _sample_rate: int) -> RowScale:
    """Return the coordinates of the circles."""
    circles = ("fifths", "minor thirds", "major thirds")
    return RowScale("Tonal centroid", tuple(f"{circle} {axis}" for circle in circles for axis in ("x", "y")))


def compute(waves: Waves, _options: NoOptions) -> Tensor:
    """Return tonnetz, shape (B, T, 6)."""
    return tonnetz(waves.prepared["tonnetz"], waves.sample_rate, waves.hop_length, waves.device)


register(
    Plane(
        name="tonnetz",
        compute="harness.features.planes.tonnetz:compute",
        rows="harness.features.planes.tonnetz:rows",
        scale="harness.features.planes.tonnetz:scale",
        prepare="harness.features.planes.tonnetz:slow_down",
        revision=3,
        # The filters of the constant-Q transform come from numpy's Fourier transform.
        libraries=("numpy",),
    )
)


def tonnetz(clips: Sequence[OctaveSignals], sample_rate: int, hop_length: int, device: str = "cpu") -> Tensor:
    """Return the tonal centroids, values in [-1, 1], zero where a frame is silent; shape (B, T, 6).

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
        When the sample rate is too low for the constant-Q transform, or the clips are too short.
    """
    import torch

    from harness.features.constant_q import constant_q_chroma

    chroma_BTC = constant_q_chroma(clips, sample_rate, hop_length, device)
    total_BT1 = chroma_BTC.sum(dim=2, keepdim=True)
    share_BTC = chroma_BTC / torch.where(total_BT1 < torch.finfo(torch.float32).tiny, 1.0, total_BT1)
    return share_BTC @ _circles(device)


@lru_cache(maxsize=2)
def _circles(device: str) -> Tensor:
    """Return the projection, shape (12, 6)."""
    import torch

    from harness.features.constant_q import PITCH_CLASSES

    semitone = torch.arange(PITCH_CLASSES, dtype=torch.float64)
    columns = []
    for radius, turn in ((1.0, 7 / 6), (1.0, 3 / 2), (0.5, 2 / 3)):
        angle = math.pi * turn * semitone
        columns += [radius * torch.sin(angle), radius * torch.cos(angle)]
    return torch.stack(columns, dim=1).to(device, torch.float32)
