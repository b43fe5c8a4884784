"""`harness run-study` for scripts: JSON on standard output, nothing else with --quiet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli

STUDY = """
[study]
name = "scripted"
[data]
dataset = "synthetic"
folds = [1, 2, 3]
synthetic = { clips_per_class_and_fold = 1 }
[train]
epochs = 1
[[arms]]
name = "A"
model = "su8"
features = "LM"
[evaluate]
folds = [1, 2]
[tracking]
system_metrics = false
"""


@pytest.mark.slow
def test_json_on_standard_output_alone(tmp_path: Path, synthetic_shared: Path) -> None:
    (tmp_path / "scripted.toml").write_text(STUDY)
    places = {
        "--data-root": synthetic_shared / "data",
        "--cache": synthetic_shared / "cache",
        "--reports": tmp_path / "reports",
        "--tracking-uri": f"sqlite:///{tmp_path}/mlruns/mlflow.db",
    }
    given = ["run-study", str(tmp_path / "scripted.toml"), "--workers", "1", "--device", "cpu", "--report", "data"]
    given += [str(each) for pair in places.items() for each in pair]
    result = CliRunner().invoke(cli, [*given, "--quiet", "--json"])
    assert result.exit_code == 0, result.output
    # Under pytest, warnings of libraries are printed there as well.
    assert not any(word in result.stderr for word in ("clips", "split", "accuracy"))
    found = json.loads(result.stdout)
    (arm,) = found["arms"]
    written = json.loads((tmp_path / "reports" / "scripted" / "results.json").read_text())["arms"][0]
    assert (arm["arm"], arm["n_folds"]) == ("A", 2)
    assert arm["macro_accuracy_mean"] == written["mean"]["macro_accuracy"]
    assert found["failures"] == []
    assert found["findings"]
    again = CliRunner().invoke(cli, given)
    assert "split official: 0 of 20 test clips" in again.stderr
    assert "- The study declares no comparison with a published number." in again.stdout
