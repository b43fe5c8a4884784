"""The committed audit of all claims files is that of the files, and reports/README.md says what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.claims import Library, load_library
from harness.report.claims_site.audit_page import field_sentences
from harness.report.claims_site.site_contents import Shown
from harness.report.claims_site.survey_files import STEM, survey_texts, surveys_of, write_survey
from harness.report.folder.place import MANIFEST
from tests.reports.committed import REPORTS, committed_files

FOLDER = REPORTS / STEM


@pytest.fixture(scope="module")
def texts() -> dict[str, bytes]:
    """Return the audit's files, without its figure, computed from the claims files."""
    return survey_texts(surveys_of(Shown(load_library())))


def test_it_is_that_of_the_claims_files(texts: dict[str, bytes]) -> None:
    changed = [name for name, content in texts.items() if (FOLDER / name).read_bytes() != content]
    assert changed == [], "the claims files have changed: run harness claims audit, and commit reports/claims-audit"


def test_nothing_else_is_committed_with_it(texts: dict[str, bytes]) -> None:
    drawn = {f"figures/{STEM}.pdf", f"figures/{STEM}.png"}
    committed = {path.relative_to(FOLDER).as_posix() for path in committed_files() if path.is_relative_to(FOLDER)}
    assert committed - {MANIFEST} == set(texts) | drawn


def test_a_checkout_which_has_no_manifest_can_be_written_again(tmp_path: Path) -> None:
    for path in FOLDER.rglob("*.*"):
        if path.is_file() and path.name != MANIFEST:
            copy = tmp_path / path.relative_to(FOLDER)
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(path.read_bytes() + b"changed")
    library = load_library()
    write_survey(Library({"gong2021": library.paper("gong2021")}), tmp_path)
    assert b"changed" not in (tmp_path / "tables" / f"{STEM}.csv").read_bytes()


def test_the_front_page_says_what_it_shows() -> None:
    page = " ".join((REPORTS / "README.md").read_text(encoding="utf-8").split())
    told = page[page.index("What do the field's published numbers show?") :]
    sentences = " ".join(field_sentences(surveys_of(Shown(load_library()))))
    for pattern in (
        r"(\d+) numbers of (\d+)",
        r"the split was seen for (\d+)",
        r"the tested epoch for (\d+); for (\d+) of these the test part chose it",
        r"(\d+) of (\d+) headlines printed with folds are the mean of their folds",
        r"(\d+) of (\d+) headlines that can be checked are fractions of the tested clips, where (\d+) would",
    ):
        found, expected = re.search(pattern, told), re.search(pattern, sentences)
        assert found is not None, pattern
        assert expected is not None, pattern
        assert found.groups() == expected.groups(), pattern
    spread = re.search(r"(\d+) of \d+ are printed with a dispersion", sentences)
    assert spread is not None
    assert f"{spread[1]} numbers are printed with a dispersion or with their folds" in told
    counts = re.search(r"(\d+) numbers of \d+ sources: .*? for (\d+), .*? for (\d+);", sentences)
    assert counts is not None
    n, split, epoch = map(int, counts.groups())
    # What its headline says in words.
    assert n - epoch > n / 2
    assert n - split > n / 3
