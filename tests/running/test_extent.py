"""Arms that come and go, other numbers of seeds: only what is new is trained, and the report says what came later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import optuna
import pytest

from harness.errors import TrackingError
from harness.study import StudySpec
from harness.tracking.recorded_run import read_run
from tests.running.study import run, same, spec_of

NETS = {name: {"name": name, "model": "su8", "features": "LM"} for name in ("A", "B", "C")}
FUSED = {"name": "mean", "fuse": ["A", "B"], "rule": "mean"}
SPACE = {"train.lr": {"low": 0.0003, "high": 0.003, "log": True}}


def of(*arms: dict[str, Any], seeds: int = 1, **changes: object) -> StudySpec:
    evaluate = {"folds": [1, 3], "seeds": seeds}
    return spec_of(**{"arms": list(arms), "search": {"trials": 2, "space": SPACE}, "evaluate": evaluate, **changes})


def trained(lines: list[str]) -> list[str]:
    """Return the arms of the trainings that were told, each time."""
    return [line.split()[0] for line in lines if "macro accuracy" in line and " fold " in line]


@pytest.mark.slow
def test_only_what_is_new_is_trained_and_the_result_is_that_of_a_fresh_study(shared: Path, tmp_path: Path) -> None:
    first, lines = run(of(NETS["A"], NETS["B"]), tmp_path / "grown", shared)
    # Two trials and one seed on two folds.
    assert sorted(trained(lines)) == ["A"] * 6 + ["B"] * 6
    grown = of(NETS["A"], NETS["B"], NETS["C"], FUSED, seeds=2)
    second, lines = run(grown, tmp_path / "grown", shared)
    assert second.record.run_id == first.record.run_id
    assert sorted(trained(lines)) == ["A"] * 2 + ["B"] * 2 + ["C"] * 8
    fresh, _ = run(grown, tmp_path / "fresh", shared)
    same(second.record.predictions, fresh.record.predictions)
    assert second.record.searches == fresh.record.searches
    # The searches of A and B went on as they were, beside that of C.
    (storage,) = (tmp_path / "grown").rglob("optuna.db")
    searches = [each.study_name.split("/")[1] for each in optuna.get_all_study_summaries(f"sqlite:///{storage}")]
    assert sorted(searches) == ["A", "B", "C"]
    # Somebody had seen results when the study grew.
    results = json.loads((second.report.folder / "results.json").read_text("utf-8"))
    assert any(mark.startswith("Declared later: arms, evaluate.seeds changed") for mark in results["marks"])
    assert not any(mark.startswith("Declared later") for mark in json.loads(
        (fresh.report.folder / "results.json").read_text("utf-8"))["marks"])  # fmt: skip


@pytest.mark.slow
def test_what_a_study_no_longer_has_is_not_reported(shared: Path, tmp_path: Path) -> None:
    whole, _ = run(of(NETS["A"], NETS["B"], FUSED, seeds=2), tmp_path, shared)
    fewer, lines = run(of(NETS["A"]), tmp_path, shared)
    assert trained(lines) == []
    assert set(fewer.record.folds["arm"]) == {"A"}
    final = fewer.record.folds[fewer.record.folds["phase"] == "final"]
    assert set(final["seed"]) == {0}
    assert set(fewer.record.predictions["arm"]) == {"A"}
    assert set(fewer.record.predictions["seed"]) == {0}
    # Neither is it replayed with the rest; asked for by its own id, it is named.
    uri = fewer.tracking_uri
    assert {fold.arm for fold in read_run(uri, fewer.record.run_id).folds} == {"A"}
    gone = whole.record.folds
    dropped = gone[(gone["arm"] == "B") & (gone["phase"] == "final")]["run_id"].iloc[0]
    with pytest.raises(TrackingError, match="belongs to an arm or a seed that is no longer part of the study"):
        read_run(uri, dropped)
    # It is kept all the same, for a study that has it again.
    again, lines = run(of(NETS["A"], NETS["B"], FUSED, seeds=2), tmp_path, shared)
    assert trained(lines) == []
    assert set(again.record.predictions["arm"]) == {"A", "B", "mean"}


@pytest.mark.slow
def test_an_arm_that_is_another_one_makes_another_study_run(shared: Path, tmp_path: Path) -> None:
    first, _ = run(of(NETS["A"]), tmp_path, shared)
    other, lines = run(of({**NETS["A"], "set": {"train.batch_size": 4}}), tmp_path, shared)
    assert other.record.run_id != first.record.run_id
    assert len(trained(lines)) == 6
    longer, _ = run(of(NETS["A"], train={"epochs": 2, "batch_size": 8, "lr": 0.001}), tmp_path, shared)
    assert longer.record.run_id not in (first.record.run_id, other.record.run_id)
