"""A hold-out study of a user's own recordings, from CSV file to verdicts over recordings and seeds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from harness import own_code
from harness.report.folder.check import check_report
from harness.report.results import SCHEMA_FILE
from harness.running.reports import ReportKind, declared
from harness.running.study import Options, run_study
from harness.study import load_study
from harness.terminal.progress import Silent
from tests.own_project import CLASSES, write_clips, write_table

STUDY = """
[study]
name = "rooms"
[data]
dataset = "csv"
name = "rooms"
metadata = "my/clips.csv"
[features.sets.vectors]
file = "vectors.npz"
[train]
epochs = 15
lr = 0.05
optimizer = "adamw"
[evaluate]
seeds = 2
margin = 3.0
[tracking]
system_metrics = false
[[arms]]
name = "linear"
model = "linear"
features = "vectors"
[[arms]]
name = "mlp"
model = "mlp"
model_args = { hidden = 8 }
features = "vectors"
[[compare]]
claim = "rooms:T1/Net"
arm = "linear"
"""

CLAIMS = """
[source]
key = "rooms"
title = "Hearing rooms"
authors = "the test suite"
year = 2026
unpublished = "this file"
[[table]]
id = "T1"
title = "made for this test"
where = "here"
role = "claim"
dataset = "rooms"
estimand = "macro"
split = "one split"
folds = 1
[[table.column]]
name = "Net"
value = "20.0"
"""


def write_study(folder: Path, parts: tuple[str, ...] = ("train", "validation", "test"), *, known: bool = True) -> Path:
    """Write WAV files with two clips a recording, their vectors, a claim and the study; return the study file."""
    rows = write_clips(folder / "my", folds=parts, recordings=6)
    if not known:
        rows = [{name: value for name, value in row.items() if name != "recording"} for row in rows]
        write_table(folder / "my" / "clips.csv", rows)
    rng = np.random.default_rng(0)
    vectors = {
        str(row["file"]).removesuffix(".wav"): 1.6 * np.eye(6)[CLASSES.index(str(row["label"]))] + rng.normal(size=6)
        for row in rows
    }
    np.savez(folder / "vectors.npz", **vectors)
    (folder / "claims").mkdir()
    (folder / "claims" / "rooms.toml").write_text(CLAIMS, encoding="utf-8")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return folder / "study.toml"


def run(study: Path) -> dict[str, Any]:
    """Return the results of a run with a report of data alone."""
    folder = study.parent
    options = Options(
        data_root=folder / "data",
        cache=folder / "cache",
        reports=folder / "reports",
        tracking_uri=f"sqlite:///{folder}/mlruns/mlflow.db",
        device="cpu",
        workers=1,
        claims=folder / "claims",
        folder=folder,
        report=ReportKind.DATA,
    )
    try:
        run_study(load_study(study), options, Silent())
    finally:
        own_code.activate(None)
    found: dict[str, Any] = json.loads((folder / "reports" / "rooms" / "results.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("rooms")
    yield folder, run(write_study(folder))
    own_code.activate(None)


def test_claims_and_arms_are_tested_over_recordings_and_seeds(made: tuple[Path, dict[str, Any]]) -> None:
    _, results = made
    (claim,) = results["comparisons"]
    assert (claim["holdout"]["n_recordings"], claim["holdout"]["n_seeds"]) == (18, 2)
    assert claim["p"] == claim["holdout"]["p"] == claim["decisive"]["p"]
    assert claim["verdict"] == "higher"
    assert (
        " on the test part, over 18 recordings and 2 seeds, with the measured spread on both sides: " in claim["reason"]
    )
    assert claim["interval"][0] < claim["mean"] < claim["interval"][1]
    (pair,) = results["contrasts"]["pairs"]
    assert pair["holdout"]["n_recordings"] == 18
    assert pair["p"] == pair["holdout"]["p"]
    assert pair["mcnemar"] is not None
    for each in (claim, pair):
        assert [each[name] for name in ("test", "wilcoxon", "bayes")] == [None, None, None]
        assert each["bootstrap"] is not None
    for arm in results["arms"]:
        assert arm["interval"][0] < arm["mean"]["macro_accuracy"] < arm["interval"][1]


def test_the_results_follow_their_schema_and_the_report_its_predictions(made: tuple[Path, dict[str, Any]]) -> None:
    folder, results = made
    jsonschema.validate(results, json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
    checked = check_report(folder / "reports" / "rooms", *declared(folder / "study.toml"))
    assert checked.equal, checked.mismatches


def test_the_report_speaks_of_the_test_part_and_not_of_folds(made: tuple[Path, dict[str, Any]]) -> None:
    folder, results = made
    assert not results["protocol"]["partial"]
    assert not [mark for mark in results["marks"] if mark.startswith("Partial")]
    front = (folder / "reports" / "rooms" / "README.md").read_text(encoding="utf-8")
    assert "Data: rooms with 3 classes; 36 clips from 18 recordings of the test part are tested (hold-out)." in front
    assert "Each arm is trained with 2 seeds" in front
    assert "over folds" not in front
    tables = folder / "reports" / "rooms" / "tables"
    for name in ("accuracy", "comparison", "comparison-complement", "contrasts", "contrasts-complement"):
        assert "over folds" not in (tables / f"{name}.tex").read_text(encoding="utf-8"), name
    assert "recordings and seeds" in (tables / "comparison.tex").read_text(encoding="utf-8")
    assert not (tables / "folds.tex").exists()


def test_without_validation_part_and_recordings_the_report_says_so(tmp_path: Path) -> None:
    results = run(write_study(tmp_path, ("train", "test"), known=False))
    assert results["comparisons"][0]["holdout"]["n_recordings"] == 36
    front = (tmp_path / "reports" / "rooms" / "README.md").read_text(encoding="utf-8")
    assert (
        "The recordings behind the clips are not known: each clip counts as one, and leaks cannot be counted." in front
    )
    assert "There is no validation part, so nothing was chosen or stopped by validation accuracy." in front
    leakage = (tmp_path / "reports" / "rooms" / "tables" / "leakage.tex").read_text(encoding="utf-8")
    assert "so leaks between recordings cannot be counted." in leakage
    assert leakage.count(r"\textendash{}") >= 2
