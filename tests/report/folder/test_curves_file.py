"""curves.parquet: what a report publishes of its learning curves, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from harness.errors import ReportError
from harness.record import StudyRecord
from harness.report.folder.check import check_report
from harness.report.folder.curves_file import CURVES, curves_bytes, published_curves, read_curves
from harness.report.folder.read import open_report, record_of_report
from harness.report.write import rewrite_report, write_report

ARMS = ("LMCNet", "MCNet", "MLMC")


@pytest.fixture(scope="module")
def curves(record: StudyRecord) -> pd.DataFrame:
    return published_curves(record.history)


def test_they_are_read_as_they_were_written(curves: pd.DataFrame, record: StudyRecord, tmp_path: Path) -> None:
    (tmp_path / CURVES).write_bytes(curves_bytes(curves))
    pd.testing.assert_frame_equal(read_curves(tmp_path, ARMS), curves, check_dtype=False)
    assert len(curves) == len(record.history) > 100
    first = record.history.query("arm == 'LMCNet' and fold == 1 and seed == 0 and epoch == 1").iloc[0]
    assert curves.loc[0, "train_loss"] == pytest.approx(first["train_loss"], abs=5.1e-5)


def test_a_report_without_them_has_none(tmp_path: Path) -> None:
    assert read_curves(tmp_path, ARMS).empty


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.assign(extra=1), "column 'extra'"),
        (lambda frame: frame.drop(columns="epoch"), "column 'epoch' is missing"),
        (lambda frame: frame.assign(train_loss="high"), "column 'train_loss': received large_string"),
        (lambda frame: frame.assign(fold=1.5), "column 'fold': received double"),
        (lambda frame: frame.assign(arm=7), "column 'arm': received int64"),
        (lambda frame: frame.assign(arm="other"), "arm 'other' is not among the arms"),
        (lambda frame: frame.assign(epoch=-1), "negative or too large"),
        (lambda frame: frame.assign(epoch=1), "given twice"),
    ],
)
def test_what_is_no_curve_is_refused(
    curves: pd.DataFrame, tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], said: str
) -> None:
    (tmp_path / CURVES).write_bytes(curves_bytes(change(curves)))
    with pytest.raises(ReportError, match=said):
        read_curves(tmp_path, ARMS)


def test_a_damaged_file_is_refused(curves: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / CURVES).write_bytes(curves_bytes(curves)[:-100])
    with pytest.raises(ReportError, match="cannot be read"):
        read_curves(tmp_path, ARMS)


@pytest.mark.slow
def test_a_rewritten_report_draws_the_same_curves(small: StudyRecord, tmp_path: Path) -> None:
    write_report(small, tmp_path, pdf=False)
    names = ("figures/curves-lmcnet.pdf", "report.html", CURVES, "results.json")
    before = {name: (tmp_path / name).read_bytes() for name in names}
    assert b"data-curves" in before["report.html"]
    rewrite_report(tmp_path, pdf=False)
    after = {name: (tmp_path / name).read_bytes() for name in names}
    assert [name for name in names if before[name] != after[name]] == []
    assert set(record_of_report(open_report(tmp_path)).learnt) == {"LMCNet"}
    assert check_report(tmp_path).mismatches == ()
