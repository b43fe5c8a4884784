"""The key of a cached plane: everything its values depend on, and nothing else.

A change of any part gives another key, so a stale plane is never found, and planes unaffected by a change are found
again.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness import own_code
from harness.devices import device_kind
from harness.features.sets import LaidOut, frames_of
from harness.registry import Layout

if TYPE_CHECKING:
    from harness.study import FeaturesSection

_REVISIONS = {"audio": 1, "spectrum": 2}
"""Revision of the code that planes share; increased with every change that affects their values."""
_IMAGE_REVISION = 1
_DECODERS = ("soundfile", "soxr")
"""Libraries that decode (soundfile's wheel contains its decoders) and resample."""
_BY_MINOR = ("torch", "torchaudio", "numpy")
"""Libraries whose patch releases do not change results."""
_OF_LAYOUT = {
    Layout.SEGMENTS: ("segment_frames", "padding", "clip_seconds"),
    Layout.IMAGE: ("seconds", "rows", "columns"),
}


def plane_identity(plane: LaidOut, params: FeaturesSection, device: str = "cpu") -> dict[str, Any]:
    """Return the settings, revisions of the code, library versions and, unless it is the CPU, kind of device that
    ``plane`` depends on, as JSON data."""
    description = params.plane(plane.name)
    image = plane.layout == Layout.IMAGE
    section = params.image if image else params
    # Sums in another order differ in their last digits.
    kind = device_kind(device)
    return {
        **({} if kind == "cpu" else {"device": kind}),
        "plane": description.name,
        "revision": description.revision,
        **({"code": own_code.digest(description.compute)} if description.own else {}),
        "options": params.of(plane.name).model_dump(mode="json"),
        "frames": list(frames_of(plane.name, params)),
        "layout": {
            "name": plane.layout.value,
            **{name: getattr(section, name) for name in _OF_LAYOUT[plane.layout]},
        },
        "shared code": _REVISIONS | ({"image": _IMAGE_REVISION} if image else {}),
        "libraries": {name: _version(name) for name in (*_DECODERS, "torch", *description.libraries)},
    }


def vectors_identity(vectors: NDArray[np.float32]) -> dict[str, Any]:
    """Return what an entry of vectors, shape (n, D), in the order of the clips, depends on."""
    return {"vectors": hashlib.sha256(np.ascontiguousarray(vectors).data).hexdigest()}


def plane_key(clips_digest: str, identity: dict[str, Any]) -> str:
    """Return the SHA-256, hex, of the clips' digest and a plane's identity."""
    return canonical_digest({"clips": clips_digest, **identity})


def canonical_digest(data: Any) -> str:
    """Return the SHA-256, hex, of JSON data, whatever the order of its keys."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _version(name: str) -> str:
    found = version(name)
    return ".".join(found.split("+")[0].split(".")[:2]) if name in _BY_MINOR else found
