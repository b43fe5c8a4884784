"""What a study compares: declared before it runs, recorded with it, and trained once whatever is compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import ClaimsError
from harness.running.reports import report_study
from harness.running.study import run_study
from harness.study import StudySpec
from harness.terminal.progress import Silent
from tests.running.study import STUDY, options_of, run, same, spec_of


@pytest.mark.slow
def test_other_comparisons_train_nothing_again_and_the_report_says_that_they_came_later(
    shared: Path, tmp_path: Path
) -> None:
    def of(**evaluate: object) -> StudySpec:
        arms = [{"name": name, "model": "su8", "features": "LM"} for name in ("A", "B")]
        return spec_of(arms=arms, search={"trials": 0}, evaluate={"folds": [1, 3], **evaluate})

    first, _ = run(of(), tmp_path, shared)
    assert not first.record.environment.get("declared_later")
    asked = spec_of(**{**of().model_dump(), "study": {**STUDY["study"], "question": "And so?"}})  # type: ignore[dict-item]
    same_question, lines = run(asked, tmp_path, shared)
    assert not [line for line in lines if "macro accuracy test" in line]
    assert not same_question.record.environment.get("declared_later")
    later, lines = run(of(margin=9.0, contrasts=[["B", "A"]]), tmp_path, shared)
    assert not [line for line in lines if "macro accuracy test" in line]
    assert later.record.run_id == first.record.run_id
    same(later.record.predictions, first.record.predictions)
    results = json.loads((later.report.folder / "results.json").read_text("utf-8"))
    assert results["contrasts"]["family"] == "declared"
    assert any(mark.startswith("Declared later: evaluate.contrasts, evaluate.margin") for mark in results["marks"])
    # It stays said, and both studies stay on record.
    again, _ = run(of(margin=9.0, contrasts=[["B", "A"]]), tmp_path, shared)
    assert again.record.environment["declared_later"] == ["evaluate.contrasts", "evaluate.margin"]
    kept = {path.name for path in (tmp_path / "mlruns" / "artifacts").rglob("study*.json")}
    assert {"study.json", "study-session-1.json", "study-session-2.json"} <= kept


CLAIMS = """
[source]
key = "mine"
title = "Notes of a test"
authors = "the test suite"
year = 2026
unpublished = "this file"

[[table]]
id = "T1"
title = "made for this test"
where = "here"
role = "claim"
dataset = "synthetic"
estimand = "macro"
split = "official"
folds = 5

[[table.column]]
name = "A"
value = "99.9"
"""


@pytest.mark.slow
def test_a_claim_of_ones_own_is_recorded_with_the_run_and_reported(shared: Path, tmp_path: Path) -> None:
    own = tmp_path / "claims"
    own.mkdir()
    (own / "mine.toml").write_text(CLAIMS)
    spec = spec_of(
        arms=[STUDY["arms"][0]],
        search={"trials": 0},
        compare=[{"claim": "mine:T1/A", "arm": "A_1"}],
    )
    options = options_of(tmp_path, shared, claims=own)
    first = run_study(spec, options, Silent())
    assert first.record.claims["mine"]["table"][0]["column"][0]["value"] == "99.9"
    # The report stands on the record: the file may go.
    (own / "mine.toml").unlink()
    again = report_study("tiny", None, options.tracking_uri, tmp_path / "again")
    found = json.loads((tmp_path / "again" / "tiny" / "results.json").read_text())["comparisons"]
    assert [(each["claim"]["address"], each["claim"]["percent"]) for each in found] == [("mine:T1/A", 99.9)]
    assert found[0]["verdict"] == "not comparable"
    assert "3 of 5 folds" in found[0]["reason"]
    assert again.record.claims == first.record.claims


def test_an_unknown_claim_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    spec = spec_of(compare=[{"claim": "su2019:T2/LMCnet", "arm": "A_1"}])
    with pytest.raises(ClaimsError, match="did you mean 'LMCNet'"):
        run_study(spec, options_of(tmp_path, tmp_path), Silent())
    assert not list(tmp_path.iterdir())
