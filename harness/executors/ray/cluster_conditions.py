"""What must be the same on all machines of a cluster, so that a training has the same result on each."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

import harness


def conditions() -> dict[str, str]:
    """Return the versions of this machine, by name."""
    import torch

    root = Path(harness.__file__).parent
    sources = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        sources.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return {
        "Python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "torch": torch.__version__,
        "numpy": importlib.metadata.version("numpy"),
        "harness": f"{importlib.metadata.version('harness')} (sources {sources.hexdigest()[:12]})",
        "machine": platform.machine(),
    }


def difference(found: Mapping[str, str], own: Mapping[str, str]) -> str:
    """Return how a machine with the versions ``found`` differs from this one, in words; empty if it does not."""
    differs = [f"{name} {found.get(name, 'unknown')}, here {mine}" for name, mine in own.items()
               if found.get(name) != mine]  # fmt: skip
    return f"it has {'; '.join(differs)}: install the same versions there" if differs else ""
