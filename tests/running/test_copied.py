"""A folder with store and reports that was copied: a study that goes on in the copy leaves the original alone."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from harness.running.reports import Outcome, report_study
from tests.running.study import STUDY, run, spec_of


def digest(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def environments(original: Path, recorded: Path) -> tuple[Path, Path]:
    """Return the recorded environment of a run in the original store, and in a copy."""
    (first,) = (original / "mlruns" / "artifacts" / "tiny").glob(f"{recorded.parent.name}/artifacts/environment.json")
    return first, recorded / "environment.json"


@pytest.mark.slow
def test_a_study_goes_on_in_the_copy_alone(
    undisturbed: tuple[Outcome, Path], shared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, original = undisturbed
    before = digest(original)
    assert {name.partition("/")[0] for name in before} == {"mlruns", "reports"}
    copy = shutil.copytree(original, tmp_path / "copy1")
    # One of its arms, with one seed more: as --set evaluate.seeds=2 of a study small enough for a test.
    second, _ = run(spec_of(arms=[STUDY["arms"][1]], evaluate={"folds": [1, 3], "seeds": 2}), copy, shared)  # type: ignore[index]
    assert digest(original) == before
    assert f"was moved or copied from {original / 'mlruns'}" in caplog.text
    assert second.record.run_id == first.record.run_id
    counted = second.record.predictions.groupby("seed").size()
    assert counted.to_dict() == {0: 20, 1: 20}
    recorded = next((copy / "mlruns" / "artifacts" / "tiny").glob(f"{first.record.run_id}/artifacts"))
    assert (recorded / "reports" / "results.json").read_bytes() == (copy / "reports/tiny/results.json").read_bytes()
    # Other tests may have gone on with the original before.
    sessions = [json.loads(each.read_text(encoding="utf-8"))["session"] for each in environments(original, recorded)]
    assert sessions[1] == sessions[0] + 1
    again = report_study("tiny", None, f"sqlite:///{copy / 'mlruns' / 'mlflow.db'}", tmp_path / "again")
    assert again.record.predictions.equals(second.record.predictions)
    assert digest(original) == before
