"""A bundle is an RO-Crate that holds the report's files as they are, and says what made them."""

from __future__ import annotations

import tomllib
import zipfile
from datetime import date
from pathlib import Path

import pytest

from harness.errors import ReportError
from harness.report.bundle import NOT_STATED, STUDY, write_bundle

rocrate = pytest.importorskip("rocrate.rocrate")

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "reports" / "norm-statistics-esc10"


def test_a_bundle_describes_and_holds_the_report(tmp_path: Path) -> None:
    target = write_bundle(REPORT, tmp_path / "out.zip", published=date(2026, 11, 29))
    with zipfile.ZipFile(target) as archive:
        names = set(archive.namelist())
        for name in names - {STUDY, "ro-crate-metadata.json"}:
            assert archive.read(name) == (REPORT / name).read_bytes()
    assert {"results.json", "predictions.parquet", "README.md", "report.html", STUDY} <= names
    crate = rocrate.ROCrate(target)
    assert crate.root_dataset["license"] == NOT_STATED
    assert str(crate.root_dataset["datePublished"]).startswith("2026-11-29")
    # Every file is described, and every description has a file.
    described = {each.id for each in crate.data_entities}
    assert described == names - {"ro-crate-metadata.json"}
    (action,) = (each for each in crate.contextual_entities if each.type == "CreateAction")
    assert action["name"].startswith("harness run-study ")
    assert [each.id for each in action["object"]] == [STUDY]
    assert {each.id for each in action["result"]} == described - {STUDY}
    assert action["instrument"]["name"] == "harness"


def test_only_a_report_becomes_a_bundle(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"expected a name that ends in \.zip"):
        write_bundle(REPORT, tmp_path / "out.tar")
    with pytest.raises(ReportError):
        write_bundle(tmp_path, tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


def test_the_citation_names_this_version() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    lines = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {project['version']}" in lines
    assert f"license: {project['license']}" in lines
