"""Two run-study of the same study at once: the second waits, then finds everything done; nothing is trained twice."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.tracking.study_reader import list_studies, read_study
from tests.terminal.test_interrupt import arguments


@pytest.mark.slow
def test_the_second_waits_and_trains_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from harness.cli import cli; cli()", *arguments(tmp_path, tmp_path, 1)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as first:
        deadline = time.monotonic() + 120
        while not list((tmp_path / "mlruns").glob(".writing-tiny-*")):
            assert first.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as second:
            told_first, told_second = first.communicate(timeout=300)[0], second.communicate(timeout=300)[0]
    assert (first.returncode, second.returncode) == (0, 0), told_first + told_second
    trained = [told.count("seed 0: macro accuracy") for told in (told_first, told_second)]
    assert trained == [2, 0], told_first + told_second
    uri = f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    (summary,) = list_studies(uri)
    assert summary.folds == {"FINISHED": 2}
    assert read_study(uri, "tiny").folds["status"].tolist() == ["FINISHED", "FINISHED"]
