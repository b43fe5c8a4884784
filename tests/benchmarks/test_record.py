"""What is recorded beside a measurement, and where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.record import RESULTS, read, spread, write, written_to

ROOT = Path(__file__).parents[2]


def test_the_median_and_the_range_are_over_all_values() -> None:
    assert spread([3.0, 1.0, 2.0]) == {"n": 3, "median": 2.0, "min": 1.0, "max": 3.0}


def test_a_document_tells_machine_versions_and_command(tmp_path: Path) -> None:
    with written_to(tmp_path):
        write("made_up", {"value": 7})
        document = read("made_up")
        assert read("other") is None
    assert document == json.loads((tmp_path / "made_up.json").read_text(encoding="utf-8"))
    assert document["value"] == 7
    assert document["machine"]["cores"] == os.cpu_count()
    assert {"python", "torch", "numpy", "librosa"} <= set(document["versions"])
    assert not (RESULTS / "made_up.json").exists()


@pytest.mark.parametrize(
    ("entry", "arguments", "command"),
    [
        (["-m", "told"], [], "python -m told"),
        (["-m", "told"], ["one", "two words"], "python -m told one 'two words'"),
        (["-m", "told.part"], ["--small"], "python -m told.part --small"),
        (["told/part.py"], ["--small"], "python part.py --small"),
    ],
)
def test_the_command_is_the_one_that_was_given(
    tmp_path: Path, entry: list[str], arguments: list[str], command: str
) -> None:
    package = tmp_path / "told"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in ("__main__.py", "part.py"):
        (package / name).write_text("from benchmarks.record import command\nprint(command())\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    done = subprocess.run(
        [sys.executable, *entry, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == command
