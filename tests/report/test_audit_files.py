"""The audit as files: what stands in them, that LaTeX sets them, and what happens to an earlier audit's."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from harness.claims import Paper, load_library
from harness.claims.audit.audit_summary import summary
from harness.claims.audit.checks import audit
from harness.claims.audit.finding import Audit
from harness.claims.audit.tables import SCHEMA
from harness.report.audit_files import write_audit
from harness.report.audit_tables import tables_of
from harness.report.folder.place import MANIFEST
from harness.report.report_section import Table
from tests.claims.audit.papers import column, column_of, data, paper, read, shipped, table

needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
NASTY = r"A_b & 100 % #1 é ~^\{}$ [x] – «ž»"


@pytest.fixture(scope="module")
def su2019() -> Audit:
    return audit(read(shipped("su2019")))


def nasty() -> Paper:
    """Return a paper whose names hold what LaTeX takes for commands, and whose every check finds something."""
    classes = [f"{NASTY} {number}" for number in range(10)]
    cells = [f"{77 + number}.4" for number in range(10)]
    first = table(
        column(NASTY, "81.9", classes=cells, folds=["80.1"] * 5, dispersion={"value": "2.872", "kind": "unknown"}),
        column("empty", "70.0"),
        name="A_1",
        classes=classes,
    )
    content = data(first, table(column(NASTY, "81.9"), name="B&2", estimand="not stated"))
    content["source"] |= {"title": NASTY, "authors": NASTY, "unpublished": NASTY, "key": "na_sty-"}
    subject = f"A_1/{NASTY}/{classes[0]}"
    content["statement"] = [{"where": NASTY, "about": "class accuracy", "value": "78.4", "subject": subject}]
    return read(content)


def page(found: Audit, name: str) -> Table:
    return next(one for one in tables_of(found) if one.name.endswith(name))


def test_one_row_per_headline_with_its_means(su2019: Audit) -> None:
    averages = page(su2019, "averages")
    rows = averages.printed.set_index("Column")
    assert len(rows) == 12
    assert rows.loc["T2/LMCNet"].tolist() == ["95.2", "95.10–95.20", "95.62–95.72", "macro", "macro"]
    assert rows.loc["T4/LMCNet", "Headline"] == "93.0", "as printed"
    assert averages.rules == (4, 8)
    exact = averages.data.set_index("column").loc["T2/LMCNet"]
    assert exact["macro_value"] == pytest.approx(95.15)
    assert exact["clip_low"] == pytest.approx(95.623, abs=0.001)


def test_every_table_of_su2019(su2019: Audit) -> None:
    names = [one.name.removeprefix("audit-su2019-") for one in tables_of(su2019)]
    assert names == ["averages", "dispersions", "fractions", "details", "not-checked"]
    dispersions = page(su2019, "dispersions").printed.set_index("Column")
    assert dispersions.loc["T3/LMCNet", ["Over", "Stated", "Printed", "Computed"]].tolist() == [
        *("classes", "unknown", "3.121", "3.08–3.16"),
    ]
    fractions = page(su2019, "fractions")
    assert len(fractions.printed) == 14
    assert fractions.printed.iloc[0].tolist() == [
        *("T2/LMCNet", "gun_shot", "88.6", "374", "88.503", "88.770", "impossible"),
    ]
    assert "T2 4 of 40, 5 if digits were truncated" in fractions.caption
    details = page(su2019, "details").printed
    assert details["Outcome"].tolist()[:7] == ["contradicts"] * 7
    assert set(details["Outcome"].tolist()[7:]) == {"holds"}
    unchecked = page(su2019, "not-checked").printed
    assert unchecked["Place"].tolist()[-1] == "T3; T6; T7"
    assert unchecked["Place"].tolist()[0].startswith("T3/LMCNet, MCNet, MLMC, TSCNN-DS; T6/4-layer")


def test_tables_follow_the_numbers() -> None:
    content = shipped("su2019")
    column_of(content, "T2/LMCNet")["value"] = "95.7"
    column_of(content, "T2/LMCNet")["classes"][6] = "88.5"
    found = audit(read(content))
    rows = page(found, "averages").printed.set_index("Column")
    assert rows.loc["T2/LMCNet", "Agrees with"] == "clip"
    assert len(page(found, "fractions").printed) == 13


def test_checks_that_found_nothing_have_no_table() -> None:
    names = [one.name for one in tables_of(audit(load_library().paper("guzhov2020")))]
    assert names == ["audit-guzhov2020-not-checked"]


def test_folds_and_stated_dispersions() -> None:
    found = audit(load_library().paper("piczak2015cnn"))
    assert page(found, "averages").printed.set_index("Column")["Mean of folds"].to_dict() == {
        "ESC-10/CNN": "80.25–80.25",
        "ESC-50/CNN": "64.55–64.56",
        "US8K/CNN": "73.13–73.14",
    }
    folds = ["62.2", "60.8", "63.8", "71.5", "64.5"]
    toy = paper(
        column("folds", "64.6", folds=folds, dispersion={"value": "4.1", "kind": "folds"}),
        column("word", "80.2", dispersion={"value": "5.5", "kind": "folds"}),
    )
    dispersions = page(audit(toy), "dispersions")
    rows = dispersions.printed.set_index("Column")
    assert rows.loc["T/folds"].tolist() == ["sample SD of the 5 printed folds", "folds", "folds", "4.1", "4.09–4.18"]
    assert rows.loc["T/word", ["Equals", "Computed"]].tolist() == ["–", "–"]
    assert dispersions.rules == ()


def test_files(tmp_path: Path, su2019: Audit) -> None:
    files = write_audit(su2019, tmp_path / "a" / "b", pdf=False)
    assert files.pdf is None
    assert files.pdf_hint == ""
    content = json.loads(files.results.read_text(encoding="utf-8"))
    assert content["schema"] == SCHEMA
    assert content["summary"] == summary(su2019)
    assert content["source"]["doi"] == "10.3390/s19071733"
    assert len(content["findings"]) == len(su2019.findings)
    first = content["findings"][0]
    assert (first["check"], first["place"], first["outcome"]) == ("average", "T2/LMCNet", "holds")
    assert first["numbers"]["macro"]["value"] == pytest.approx(95.15)
    document = files.document.read_text(encoding="utf-8")
    assert len(files.tables) == 2 * document.count(r"\input{tables/") == 10
    for path in files.tables:
        assert path.is_file()
    csv = pd.read_csv(files.folder / "tables" / "audit-su2019-averages.csv").set_index("column")
    assert csv.loc["T2/MLMC", "clip_value"] == pytest.approx(95.34, abs=0.005)


def test_an_earlier_audit_gives_way_and_other_files_stay(tmp_path: Path) -> None:
    paper = load_library().paper("piczak2015cnn")
    write_audit(audit(paper), tmp_path, pdf=False)
    (tmp_path / "audit.pdf").write_bytes(b"old")
    (tmp_path / "tables" / "mine.tex").write_text("mine")
    left = {path.name for path in (tmp_path / "tables").iterdir()} - {"mine.tex"}
    paper = load_library().paper("su2019")
    write_audit(audit(paper), tmp_path, pdf=False)
    assert left
    assert not left & {path.name for path in (tmp_path / "tables").iterdir()}
    assert (tmp_path / "tables" / "mine.tex").read_text() == "mine"
    assert not (tmp_path / "audit.pdf").exists(), "it showed a table that is gone"
    (tmp_path / "audit.pdf").write_bytes(b"of these numbers")
    write_audit(audit(paper), tmp_path, pdf=False)
    assert (tmp_path / "audit.pdf").exists(), "nothing changed"


def test_without_latex_it_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    files = write_audit(audit(load_library().paper("guzhov2020")), tmp_path)
    assert files.pdf is None
    assert "audit.pdf was not made" in files.pdf_hint
    assert "latexmk -norc -pdf -no-shell-escape audit.tex" in files.pdf_hint


@needs_latex
def test_the_pdf_is_made(tmp_path: Path, su2019: Audit) -> None:
    files = write_audit(su2019, tmp_path)
    assert files.pdf_hint == ""
    assert files.pdf == tmp_path / "audit.pdf"
    assert files.pdf.read_bytes().startswith(b"%PDF-")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        MANIFEST,
        "audit.json",
        "audit.pdf",
        "audit.tex",
        "tables",
    ]


@needs_latex
@pytest.mark.parametrize("name", ["su2019", "naidu2019", "nasty"])
def test_pages_compile_and_fit_the_line(tmp_path: Path, name: str) -> None:
    source = nasty() if name == "nasty" else load_library().paper(name)
    write_audit(audit(source), tmp_path, pdf=False)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "audit.tex"]
    for _ in range(2):
        ran = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, timeout=60)
        assert ran.returncode == 0, ran.stdout.decode("latin1")[-2000:]
    log = (tmp_path / "audit.log").read_text("latin1")
    assert r"Overfull \hbox" not in log
    assert "Missing character" not in log
