"""What the statistics load: they are computed without torch, and imported without the heavy libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import harness.statistics

MODULES = sorted(path.stem for path in Path(harness.statistics.__file__).parent.glob("[!_]*.py"))


def loaded(code: str, names: tuple[str, ...]) -> str:
    """Return which of ``names`` a process has loaded after ``code``."""
    script = f"import sys; {code}; print([name for name in {names!r} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.strip()


def test_importing_the_folder_is_cheap() -> None:
    assert loaded("import harness.statistics", ("numpy", "scipy", "statsmodels", "pandas")) == "[]"


def test_nothing_heavier_than_statsmodels_is_loaded() -> None:
    code = "; ".join(f"import harness.statistics.{name}" for name in MODULES)
    assert len(MODULES) > 10
    assert loaded(code, ("torch", "mlflow", "optuna", "matplotlib", "sklearn")) == "[]"
