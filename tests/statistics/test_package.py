from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import harness.statistics


def test_every_public_name_can_be_had_and_no_file_hides_one() -> None:
    files = {path.stem for path in Path(harness.statistics.__file__).parent.glob("*.py")}
    assert not files & set(harness.statistics.__all__)
    for name in harness.statistics.__all__:
        assert getattr(harness.statistics, name) is not None


def test_importing_the_folder_is_cheap() -> None:
    code = "import sys, harness.statistics; print([m for m in ('scipy', 'statsmodels', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_nothing_heavier_than_statsmodels_is_loaded() -> None:
    names = ", ".join(harness.statistics.__all__)
    code = (
        f"import sys; from harness.statistics import {names}; "
        "print([m for m in ('torch', 'mlflow', 'optuna', 'matplotlib', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
