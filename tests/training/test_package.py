"""The folders' front doors open without the heavy libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest

import harness.models
import harness.training


@pytest.mark.parametrize("package", [harness.models, harness.training])
def test_every_public_name_is_there(package: object) -> None:
    for name in package.__all__:  # type: ignore[attr-defined]
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="attribute nothing"):
        _ = package.nothing  # type: ignore[attr-defined]


def test_importing_is_light() -> None:
    code = (
        "import sys, harness.models, harness.training\n"
        "print([name for name in ('torch', 'torchvision', 'pandas', 'sklearn') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
