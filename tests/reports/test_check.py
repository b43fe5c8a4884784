"""The committed reports say what their predictions say: the quickest of them to compute; `harness report --check` does
the same for any."""

from __future__ import annotations

import pytest

from harness.report.folder.check import check_report
from harness.report.folder.read import open_report
from tests.reports.committed import REPORTS, STUDIES

QUICK = ("resnet18-esc10", "norm-statistics-esc10")


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES)
def test_every_report_is_read(study: str) -> None:
    opened = open_report(REPORTS / study)
    assert opened.spec.study.name == study
    assert len(opened.predictions) == sum(run.n_clips for arm in opened.results.arms for run in arm.runs)


@pytest.mark.slow
@pytest.mark.parametrize("study", QUICK)
def test_every_number_of_the_quick_ones_follows_from_the_predictions(study: str) -> None:
    found = check_report(REPORTS / study)
    assert found.mismatches == ()
    assert "README.md" in found.files
