"""Where a measurement is written, beside the hardware and versions it was made with."""

from __future__ import annotations

import json
import platform
import statistics
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.tracking.environment import cpu_model

RESULTS = Path(__file__).parent / "results"


def spread(values: Sequence[float]) -> dict[str, float | int]:
    """Return n, median, minimum and maximum of ``values``."""
    return {"n": len(values), "median": statistics.median(values), "min": min(values), "max": max(values)}


def write(name: str, measured: dict[str, Any]) -> Path:
    """Write ``measured`` to results/NAME.json with the command, the machine and the versions, and print it."""
    import os

    document = {
        "benchmark": name,
        "command": f"python -m benchmarks {' '.join(sys.argv[1:])}",
        "machine": {"processor": cpu_model(), "cores": os.cpu_count(), "platform": platform.platform()},
        "versions": {"python": platform.python_version(), "torch": version("torch"), "librosa": version("librosa")},
        "load_average_at_the_end": round(os.getloadavg()[0], 2),
        **measured,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(measured, indent=2))
    print(f"written to {path.relative_to(RESULTS.parent.parent)}")
    return path
