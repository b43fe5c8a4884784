"""Where a measurement is written, beside the command, the hardware and the versions it was made with."""

from __future__ import annotations

import json
import os
import platform
import shlex
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.report.report_section import Table

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("torch", "numpy", "librosa")

_folder: ContextVar[Path] = ContextVar("folder", default=RESULTS)


@contextmanager
def written_to(folder: Path) -> Iterator[None]:
    """Write what is measured inside the block into ``folder`` instead of the committed results."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


def spread(values: Sequence[float]) -> dict[str, float | int]:
    """Return n, median, minimum and maximum of ``values``."""
    return {"n": len(values), "median": statistics.median(values), "min": min(values), "max": max(values)}


def command() -> str:
    """Return the command this process was started with, its module by name: ``python -m benchmarks naive``."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    started = ["-m", spec.name.removesuffix(".__main__")] if spec else [Path(sys.argv[0]).name]
    return shlex.join(["python", *started, *sys.argv[1:]])


def write(name: str, measured: dict[str, Any]) -> Path:
    """Write ``measured`` to NAME.json with the command, the machine and the versions, and print it."""
    import torch

    from harness.training.isolation import device_name

    document = {
        "benchmark": name,
        "command": command(),
        "machine": {
            "processor": device_name(torch.device("cpu")),
            "cores": os.cpu_count(),
            "platform": platform.platform(),
        },
        "versions": versions(),
        "load_average_at_the_end": round(os.getloadavg()[0], 2),
        **measured,
    }
    print(json.dumps(measured, indent=2))
    return _written(f"{name}.json", json.dumps(document, indent=2) + "\n")


def write_table(table: Table) -> Path:
    """Write ``table`` to NAME.tex."""
    from harness.report.typeset.latex_table import table_tex

    return _written(f"{table.name}.tex", table_tex(table, f"tab:{table.name}"))


def read(name: str) -> dict[str, Any] | None:
    """Return NAME.json as it was written last; None when there is none."""
    path = _folder.get() / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that measurements depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        # A machine that only trains has no librosa.
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _written(name: str, text: str) -> Path:
    folder = _folder.get()
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    print(f"written to {path.relative_to(RESULTS.parent.parent) if folder == RESULTS else path}")
    return path
