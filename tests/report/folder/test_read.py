"""A report that is written again from its own folder: nothing changes but what should."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ReportError
from harness.record import StudyRecord
from harness.report.write import rewrite_report, write_report
from harness.study import Dotted, StudySpec
from tests.records import TRAINED, searched_record


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def record_of_search() -> StudyRecord:
    """Return a record with a search whose trials ended in every way, and a comparison."""
    return searched_record(trained=TRAINED[:1], fused=None, folds=(1, 2, 3, 4, 5), clips_per_class=4, trials=5)


@pytest.fixture(scope="module")
def original(record_of_search: StudyRecord, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / record_of_search.name
    write_report(record_of_search, folder, pdf=False)
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / original.name))


def test_no_byte_changes_where_nothing_changed(original: Path, folder: Path) -> None:
    rewrite_report(folder, pdf=False)
    before, after = contents(original), contents(folder)
    assert before.keys() == after.keys()
    assert [name for name in before if before[name] != after[name]] == []
    assert any(name.startswith("figures/curves-") for name in after)


def test_numbers_come_from_the_predictions_not_from_the_old_results(original: Path, folder: Path) -> None:
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    results["arms"][0]["mean"]["macro_accuracy"] = 0.972
    results["comparisons"] = []
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    rewrite_report(folder, pdf=False)
    assert contents(folder) == contents(original)


def spec_of(record: StudyRecord, **changes: Any) -> StudySpec:
    spec = record.spec
    for dotted, value in changes.items():
        spec = Dotted.parse(dotted.replace("__", ".")).set(spec, value)
    return spec


def test_declarations_are_taken_from_the_study_file(record_of_search: StudyRecord, folder: Path) -> None:
    study = spec_of(record_of_search, train__tuned_on="reported folds", train__tuned_by="a look at them")
    record, _ = rewrite_report(folder, study, pdf=False)
    assert "declared_later" not in record.environment
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert "tuned on the reported folds: a look at them" in page
    assert "Tuned on the reported folds" in page
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert results["selection"]["tuned_on_reported_folds"]
    assert results["selection"]["tuned"][TRAINED[0][0]] == {"on": "reported folds", "by": "a look at them"}


def test_comparisons_that_were_not_declared_before_say_so(record_of_search: StudyRecord, folder: Path) -> None:
    rewrite_report(folder, spec_of(record_of_search, evaluate__margin=7.0), pdf=False)
    assert "Declared later: evaluate.margin" in (folder / "README.md").read_text(encoding="utf-8")


def test_the_file_of_another_study_is_refused(record_of_search: StudyRecord, folder: Path) -> None:
    before = contents(folder)
    with pytest.raises(ReportError, match="the study file names 'other'"):
        rewrite_report(folder, spec_of(record_of_search, study__name="other"), pdf=False)
    assert contents(folder) == before


def test_declarations_about_arms_that_the_report_has_not_are_refused(
    record_of_search: StudyRecord, folder: Path
) -> None:
    arm = record_of_search.spec.arms[0]
    grown = record_of_search.spec.model_copy(update={"arms": (arm, arm.model_copy(update={"name": "new"}))})
    pairs = Dotted.parse("evaluate.contrasts").set(grown, ((arm.name, "new"),))
    before = contents(folder)
    with pytest.raises(ReportError, match=r"declarations.*do not fit.*evaluate.contrasts: arm 'new' is unknown"):
        rewrite_report(folder, pairs, pdf=False)
    assert contents(folder) == before


@pytest.mark.parametrize("content", ["", "[]", '{"study": 1}', "{}"])
def test_what_is_no_report_is_refused(folder: Path, content: str) -> None:
    (folder / "results.json").write_text(content, encoding="utf-8")
    with pytest.raises(ReportError, match=r"not the report of a study"):
        rewrite_report(folder, pdf=False)
