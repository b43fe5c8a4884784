"""The folders are imported without the heavy libraries, and a task is made without torch."""

from __future__ import annotations

import subprocess
import sys


def test_importing_is_light() -> None:
    code = (
        "import sys, harness.models, harness.training, harness.training.task\n"
        "print([name for name in ('torch', 'torchvision', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
