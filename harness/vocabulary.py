"""The names a study may use, as plain data: feature sets and models.

Nothing is imported here, so the study file can be checked without loading torch, librosa or any audio.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ReadAs = Literal["replication", "reference"]
"""What a published number is beside an arm: a result of the same system, which the arm replicates; or one of another
system, to measure the arm by."""


# Planes of the paper (Su et al. 2019, section 3.1), stacked along frequency into one channel, order of figure 5.
SEGMENT_PLANES = ("MFCC", "LM", "chroma", "contrast", "tonnetz")
SEGMENT_SETS: dict[str, tuple[str, ...]] = {
    "LMC": ("LM", "chroma", "contrast", "tonnetz"),
    "MC": ("MFCC", "chroma", "contrast", "tonnetz"),
    "MLMC": SEGMENT_PLANES,
    **{plane: (plane,) for plane in SEGMENT_PLANES},
}

# Planes that can become an image channel: the practical's three, then the paper's five.
IMAGE_PLANES = ("spectrogram", "mel", "mfcc", "log-mel", "mfcc-deltas", "chroma", "contrast", "tonnetz")
IMAGE_PREFIX = "image:"

SU_DEPTHS = (4, 6, 8)
SU_MODELS = tuple(f"su{depth}" for depth in SU_DEPTHS)
STACKED_MODELS = tuple(f"su{depth}-stacked" for depth in SU_DEPTHS)
IMAGE_MODELS = ("resnet18",)
MODELS = SU_MODELS + STACKED_MODELS + IMAGE_MODELS

# The stacked network sees both streams of TSCNN-DS at once: it cuts LMC and MC out of the rows of MLMC.
STACKED_FEATURES = "MLMC"


@dataclass(frozen=True)
class FeatureSet:
    """A named input: which planes, in which order, and how they are laid out.

    ``layout`` is ``"segments"`` (planes stacked along frequency in one channel, windows of a clip's frames) or
    ``"image"`` (each plane one channel, one image a clip).
    """

    name: str
    planes: tuple[str, ...]
    layout: str


def feature_set(name: str) -> FeatureSet:
    """Return the feature set called ``name``: ``LMC``, ``LM`` ..., ``image:mel`` or ``image:a+b+c``.

    Raises
    ------
    ValueError
        When the name is unknown, an image plane is unknown or repeated, or an image has not 1 or 3 planes.
    """
    if name in SEGMENT_SETS:
        return FeatureSet(name, SEGMENT_SETS[name], "segments")
    if name.startswith(IMAGE_PREFIX):
        planes = tuple(name.removeprefix(IMAGE_PREFIX).split("+"))
        unknown = [plane for plane in planes if plane not in IMAGE_PLANES]
        if unknown:
            raise ValueError(f"unknown image plane {unknown[0]!r}; allowed: {', '.join(IMAGE_PLANES)}")
        if len(planes) not in (1, 3) or len(set(planes)) != len(planes):
            raise ValueError(f"an image has 1 plane or 3 different planes joined by '+', received {name!r}")
        return FeatureSet(name, planes, "image")
    allowed = ", ".join([*SEGMENT_SETS, *(f"{IMAGE_PREFIX}{plane}" for plane in IMAGE_PLANES)])
    raise ValueError(f"unknown feature set; allowed: {allowed}, or image:a+b+c")
