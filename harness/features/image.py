"""Image channels: each plane as one image of the clip's first seconds, for image networks.

Rows run from a plane's first row (lowest frequency or coefficient) down, columns along time.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from harness.features.audio import Samples, exactly


def excerpt(samples: Samples, sample_rate: int, seconds: float) -> Samples:
    """Return the first ``seconds`` of a clip, with silence appended where it is shorter."""
    return exactly(samples, round(seconds * sample_rate))


def resize(planes: Tensor, rows: int, columns: int) -> Tensor:
    """Return ``planes``, shape (n, bins, frames), resized to (n, rows, columns), float32, bilinearly, with antialiasing
    where they shrink."""
    pictures = F.interpolate(
        planes.float()[:, None],
        size=(rows, columns),
        mode="bilinear",
        align_corners=False,
        antialias=True,
    )
    return pictures[:, 0]
