"""The key of a cached plane: everything its numbers depend on, and nothing else.

A change of any part gives another key, so a stale plane is never found, and planes that a change leaves alone are found
again.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from harness.features.sets import Plane

if TYPE_CHECKING:
    from harness.study import FeaturesSection

# Raised by hand with every change of the code that changes a plane's numbers.
_REVISIONS = {
    "audio": 1,
    "spectrum": 2,
    "LM": 3,
    "MFCC": 3,
    "chroma": 3,
    "contrast": 3,
    "tonnetz": 3,
    "image": 1,
}

_OWN_FIELDS = {
    "LM": ("n_fft", "n_mels"),
    "MFCC": ("n_fft", "n_mfcc", "delta_width"),
    "chroma": ("n_fft", "n_chroma"),
    "contrast": ("n_fft", "contrast_bands", "contrast_fmin"),
    "tonnetz": (),
}
_PRACTICAL_FIELDS = {
    "spectrogram": ("db_offset",),
    "mel": ("db_offset", "n_mels", "f_min"),
    "mfcc": ("n_mels", "f_min", "n_mfcc"),
}
_PICTURE_FIELDS = ("seconds", "rows", "columns")


def plane_identity(plane: Plane, params: FeaturesSection, device: str = "cpu") -> dict[str, Any]:
    """Return the settings, revisions of the code, library versions and, unless it is the CPU, kind of device that
    ``plane`` depends on, as JSON data."""
    paper = plane.paper_name
    settings: dict[str, Any] = {}
    if paper is not None:
        settings |= {key: getattr(params, key) for key in ("sample_rate", "hop_length", *_OWN_FIELDS[paper])}
        revisions = ["audio", "spectrum", paper] if paper != "tonnetz" else ["audio", paper]
    else:
        fields = ("sample_rate", "n_fft", "win_length", "hop_length", *_PRACTICAL_FIELDS[plane.name])
        settings |= {f"image.{key}": getattr(params.image, key) for key in fields}
        revisions = ["audio"]
    if plane.layout == "image":
        settings |= {f"image.{key}": getattr(params.image, key) for key in _PICTURE_FIELDS}
        revisions.append("image")
    else:
        settings |= {key: getattr(params, key) for key in ("segment_frames", "padding", "clip_seconds")}
    # Sums in another order have other last digits. The practical's planes are computed on the CPU in any case.
    kind = device.partition(":")[0]
    elsewhere = {} if kind == "cpu" or paper is None else {"device": kind}
    return {
        **elsewhere,
        "layout": plane.layout,
        "plane": plane.name,
        "settings": settings,
        "revisions": {name: _REVISIONS[name] for name in revisions},
        "libraries": _libraries(paper),
    }


def plane_key(clips_digest: str, identity: dict[str, Any]) -> str:
    """Return the SHA-256, hex, of the clips' digest and a plane's identity."""
    return canonical_digest({"clips": clips_digest, **identity})


def canonical_digest(data: Any) -> str:
    """Return the SHA-256, hex, of JSON data, whatever the order of its keys."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _libraries(paper: str | None) -> dict[str, str]:
    """Return the versions of what decodes, resamples and transforms (the wheel of soundfile brings its decoders)."""
    versions = {name: version(name) for name in ("soundfile", "soxr")}
    versions["torch"] = _minor(version("torch"))
    if paper is not None:
        versions["librosa"] = version("librosa")
    if paper == "tonnetz":
        # The filters of the constant-Q transform come from numpy's Fourier transform.
        versions["numpy"] = _minor(version("numpy"))
    return versions


def _minor(text: str) -> str:
    return ".".join(text.split("+")[0].split(".")[:2])
