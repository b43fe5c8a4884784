"""A study in stages (--arms): each reports what is tested so far, and the last has what one run of the study has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.report.folder.check import check_report
from harness.running.plan import make_plan
from harness.running.reports import Outcome
from tests.running.study import options_of, run, same
from tests.running.test_extent import FUSED, NETS, of, trained

STAGED = of(NETS["A"], NETS["B"], {**NETS["C"], "tuned_as": "A"}, FUSED, seeds=1)


def marks(outcome: Outcome) -> list[str]:
    assert outcome.report is not None
    found: list[str] = json.loads((outcome.report.folder / "results.json").read_text("utf-8"))["marks"]
    return found


@pytest.mark.slow
def test_stages_add_up_to_the_study(shared: Path, tmp_path: Path) -> None:
    first, lines = run(STAGED, tmp_path / "staged", shared, arms=("C",))
    # A comes along, because C takes the values of its search.
    assert sorted(trained(lines)) == ["A"] * 6 + ["C"] * 2
    assert lines[-1] == "2 of 4 arms are not part of this stage; run again without --arms"
    assert set(first.record.predictions["arm"]) == {"A", "C"}
    assert [arm.name for arm in first.record.spec.arms] == ["A", "B", "C", "mean"]
    assert not first.failures
    assert first.report is not None
    assert check_report(first.report.folder, None, None).equal
    second, lines = run(STAGED, tmp_path / "staged", shared)
    assert second.record.run_id == first.record.run_id
    assert sorted(trained(lines)) == ["B"] * 6
    assert not any("part of this stage" in line for line in lines)
    whole, _ = run(STAGED, tmp_path / "whole", shared)
    same(second.record.predictions, whole.record.predictions)
    assert second.record.searches == whole.record.searches
    # Everything was declared before anything was tested.
    assert marks(second) == marks(whole)


def test_a_plan_of_a_stage_has_its_arms_alone(shared: Path, tmp_path: Path) -> None:
    options = options_of(tmp_path, shared)
    run(of(NETS["A"]), tmp_path, shared)  # makes the data
    plans = [make_plan(STAGED, options.data_root, "cpu", 1, stage=stage) for stage in (("B",), ())]
    assert [[arm.name for arm in plan.arms] for plan in plans] == [["B"], ["A", "B", "C", "mean"]]
    assert plans[0].arms[0].search_trainings == plans[1].arms[1].search_trainings == 4
