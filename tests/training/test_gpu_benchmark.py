"""The GPU's benchmark runs from end to end on a CPU, without the libraries that a machine with torch alone lacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.contestants import NAIVE, VARIANTS
from benchmarks.record import RESULTS
from tests.training.processor import needs_bfloat16

ABSENT = ("mlflow", "optuna", "librosa", "soundfile", "soxr", "ray", "typer")
RUN = f"""
import runpy, sys
sys.modules.update(dict.fromkeys({ABSENT!r}))
sys.argv[1:] = sys.argv[1:]
runpy.run_module("benchmarks.gpu", run_name="__main__", alter_sys=True)
"""


@pytest.mark.slow
@needs_bfloat16
def test_every_part_runs_on_a_cpu_with_torch_alone(tmp_path: Path) -> None:
    before = sorted(RESULTS.iterdir())
    command = [sys.executable, "-c", RUN, "--device", "cpu", "--small", "--no-compile", "--output", str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=600, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert sorted(RESULTS.iterdir()) == before
    measured = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    names = {variant.name for variant in VARIANTS} | {NAIVE}
    assert measured["equality"].keys() == measured["epochs"]["segments_per_second"].keys() == names
    assert [name for name in names if not measured["equality"][name]["equal"]] == []
    # To the bit, with dropout and a smaller last batch: all but the naive loop.
    assert {measured["equality"][name]["largest_difference"] for name in names - {NAIVE}} == {0.0}
    assert all(speed["median"] > 0 for speed in measured["epochs"]["segments_per_second"].values())
    assert measured["processes"]["segments_per_second_by_processes"].keys() == {"1", "2"}
    assert measured["beginning_a_training"]["two_steps_seconds"].keys() == {
        "recorded_anew",
        "begun_again_with_fresh_weights",
    }
    assert measured["floor"].keys() == {"float32", "bfloat16"}
    fold = measured["full_fold"]
    assert fold["recorded_steps"] is True
    assert fold["measured_by_rows"].keys() == {"85", "145"}
    # A few clips say nothing about the whole table.
    assert "table_2_extrapolated" not in fold
    # Reading audio needs the whole install; its absence costs no other part.
    assert "ImportError" in measured["features"]["failed"] or "ModuleNotFound" in measured["features"]["failed"]


def test_small_writes_no_file_by_itself(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks import gpu

    for part in ("_equality", "_epochs", "_beginnings", "_floors", "_processes", "full_fold", "features_on"):
        monkeypatch.setattr(gpu, part, lambda *_, **__: {"segments_per_second": {}})
    monkeypatch.setattr(gpu, "_equality", lambda variants, *_: {variant.name: {} for variant in variants})
    monkeypatch.setattr(gpu, "write", lambda *_: pytest.fail("wrote a file"))
    gpu.main(["--device", "cpu", "--small", "--no-compile"])
    assert json.loads(capsys.readouterr().out)["device"]["type"] == "cpu"


def test_what_fails_is_said_and_costs_no_other_number() -> None:
    from benchmarks.gpu import _said

    def broken() -> dict[str, object]:
        raise RuntimeError("no such instruction")

    assert _said(broken) == {"failed": "RuntimeError: no such instruction"}
