"""Evidence: gathered once; a claim that cannot be read costs the comparison and nothing else."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from harness.errors import ReportError
from harness.record import StudyRecord
from harness.report.evidence import Evidence, gather
from harness.report.topics.opening import findings
from tests.records import MakeRecord, restudied


def test_papers_are_those_of_the_compared_claims(us8k: Evidence, evidence: Evidence) -> None:
    assert list(us8k.papers) == ["su2019"]
    assert [audit.source.key for audit in us8k.audits] == ["su2019"]
    assert (evidence.papers, evidence.audits, evidence.claims) == ({}, (), ())
    assert (us8k.margin, us8k.confidence) == (2.0, "95 %")


def test_an_unknown_claim_leaves_the_arms_standing(make_record: MakeRecord, caplog: pytest.LogCaptureFixture) -> None:
    record = make_record(compare=[("su2019:T2/LMCNet", "LMCNet")])
    lost = restudied(record, compare=[{"claim": "su2019:T9/x", "arm": "LMCNet"}])
    evidence = gather(lost)
    assert evidence.claims == ()
    assert "T9" in evidence.claims_refused
    assert "left out of the report" in caplog.text
    assert findings(evidence)[0].text.startswith("The comparison with published numbers could not be made: ")
    assert len(evidence.arms.contrasts) == 6


def test_one_fold_has_no_interval(make_record: MakeRecord) -> None:
    evidence = gather(make_record(folds=(1, 2, 3), evaluate={"folds": [2], "seeds": 1}))
    one = dataclasses.replace(evidence.record, predictions=evidence.record.predictions.query("fold == 2"))
    assert gather(one).intervals == {}
    assert set(evidence.intervals) == {"LMCNet", "MCNet", "MLMC", "TSCNN-DS"}


def test_without_a_tested_fold_there_is_nothing_to_say(record: StudyRecord) -> None:
    with pytest.raises(ReportError, match="no fold has been tested"):
        gather(dataclasses.replace(record, predictions=record.predictions.iloc[:0]))


def test_the_interval_is_around_the_mean_of_the_folds(evidence: Evidence) -> None:
    for arm, test in evidence.intervals.items():
        own = evidence.scores.folds.loc[evidence.scores.folds["arm"] == arm, "macro_accuracy"]
        assert (test.low + test.high) / 2 == pytest.approx(100 * np.mean(own))


def test_importing_the_room_is_cheap() -> None:
    check = "import sys, harness.report; print(sorted({'matplotlib', 'torch', 'pandas', 'sklearn'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"
