"""The conversation of a driver of planes with the benchmark: only the standard library.

Each line asks for one plane of some clips, ``{"plane": NAME, "paths": [...]}``, and is answered when all are computed,
with the processor time (user and system) and the page faults that this took.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence

Compute = Callable[[Sequence[str]], object]


def serve(planes: Mapping[str, Compute]) -> None:
    """Say which ``planes`` there are, then compute what is asked for until the benchmark has enough."""
    lines = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)
    lines.write(json.dumps({"planes": list(planes)}) + "\n")
    for line in sys.stdin:
        asked = json.loads(line)
        seconds, faults = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        planes[asked["plane"]](asked["paths"])
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
        lines.write(json.dumps({"processor_seconds": time.process_time() - seconds, "page_faults": faults}) + "\n")
