"""README.md of a report: what a browser shows of its folder."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.record import StudyRecord
from harness.report.evidence import gather
from harness.report.report_section import Facts
from harness.report.topics import run_facts, sections_of
from harness.report.topics.opening import findings
from harness.report.typeset.markdown import escape, table
from harness.report.write import write_report
from tests.comparisons.test_protocols import record_of
from tests.records import build_record


def page_of(record: StudyRecord, folder: Path, *, figures: bool = False) -> str:
    write_report(record, folder, networks={}, pdf=False, figures=figures)
    return (folder / "README.md").read_text(encoding="utf-8")


def test_question_findings_accuracies_and_how_it_was_made(tmp_path: Path) -> None:
    record = build_record(compare=[("piczak2015cnn:ESC-10/CNN", "LMCNet")])
    page = page_of(replace(record, seconds=7300.0), tmp_path)
    assert page.splitlines()[2] == f"# {record.name}"
    for finding in findings(gather(record)):
        assert f"- {escape(finding.text)}\n" in page
    for arm in ("LMCNet", "MCNet", "MLMC", "TSCNN-DS"):
        (row,) = re.findall(rf"^\| {arm} \| ([\d. |]+) \|$", page, flags=re.MULTILINE)
        assert len(row.split(" | ")) == 5 + 2
    assert "    harness run-study studies/synthetic-study.toml --set train.epochs=30" in page
    assert "| time in all | 2 h 02 min |" in page
    assert "Some CPU @ 2.5 GHz, 2 cores, 8 GiB memory, no GPU |" in page
    assert "Python 3.11.7, torch 2.11.0, numpy 2.4.0 |" in page
    assert f"{'0f' * 20}, with uncommitted changes |" in page


@pytest.mark.slow
def test_every_link_leads_to_a_file(tmp_path: Path) -> None:
    page = page_of(record_of(), tmp_path, figures=True)
    targets = re.findall(r"\]\(([^)]+)\)", page)
    assert "figures/protocols.png" in targets
    # The PDF comes last, where LaTeX is found.
    assert all((tmp_path / target).exists() for target in targets if target != "report.pdf")


def test_a_study_of_several_protocols_opens_with_what_they_move(tmp_path: Path) -> None:
    page = page_of(record_of(), tmp_path)
    assert (
        "| Network | Split | Epoch | Mean | SD | Points | Recordings | Folds (Shift by the protocol) | p raw |" in page
    )
    assert "reference" in page
    # A mark is said once: captions of main tables repeat it, for documents that input them alone.
    assert page.count("the test fold chose the epoch") == 1


def test_a_record_that_knows_little_has_a_page_too(tmp_path: Path) -> None:
    page = page_of(replace(build_record(), environment={}, seconds=0.0), tmp_path)
    assert "hardware" not in page
    assert "time in all" not in page


@pytest.mark.parametrize(
    ("git", "row"),
    [
        ({"commit": "abc", "dirty": False, "unknown": ""}, "| commit | abc |"),
        ({"commit": "", "dirty": False, "unknown": ""}, "| commit | none (the code was not in a git checkout) |"),
        ({"commit": "", "dirty": False}, None),
        ({"commit": None, "dirty": None, "unknown": "git is not installed"}, "unknown (git is not installed) |"),
        ({"commit": "abc", "dirty": None, "unknown": "slow"}, "| abc, uncommitted changes unknown (slow) |"),
    ],
)
def test_the_code_is_named_or_said_to_be_unknown(tmp_path: Path, git: dict[str, Any], row: str | None) -> None:
    record = build_record()
    record = replace(record, environment={**record.environment, "git": git})
    page = page_of(record, tmp_path)
    if row is None:
        assert "| commit |" not in page
        return
    assert row in page
    # The section on the environment has each fact in a row of its own, and the reason where there is one.
    environment = sections_of(gather(record), [run_facts.sections])[-1]
    (facts,) = [block for block in environment.before if isinstance(block, Facts)]
    values = [value for _, value in facts.rows]
    assert values.count(f"unknown ({git['unknown']})") == sum(value is None for value in git.values())
    assert "git.unknown" not in [name for name, _ in facts.rows]


@pytest.mark.slow
def test_what_somebody_wrote_stays_and_what_was_generated_does_not(tmp_path: Path) -> None:
    generated = page_of(build_record(), tmp_path)
    assert page_of(build_record(seed=8), tmp_path) != generated
    (tmp_path / "README.md").write_bytes(b"mine \xff")
    write_report(build_record(), tmp_path, networks={}, figures=False)
    assert (tmp_path / "README.md").read_bytes() == b"mine \xff"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mel+mfcc", "mel+mfcc"),
        ("a|b_c *d* `e` [f](g) #1", r"a\|b\_c \*d\* \`e\` \[f\](g) \#1"),
        ("<img src=x> & more\n# next", r"&lt;img src=x&gt; &amp; more \# next"),
        ("back\\slash $x$", r"back\\slash \$x\$"),
        ("a\x1b[2J\u202eb", r"a\\x1b\[2J\\u202eb"),
    ],
)
def test_what_a_study_says_is_shown_as_it_stands(text: str, shown: str) -> None:
    assert escape(text) == shown
    assert table(("name", "n"), [(text, 1)]) == f"| name | n |\n| --- | ---: |\n| {shown} | 1 |\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("- x", r"\- x"),
        ("--- x", r"\--- x"),
        ("+ x", r"\+ x"),
        ("12. x", r"12\. x"),
        ("3) x", r"3\) x"),
        ("===", r"\==="),
        ("-0.5", "-0.5"),
        ("1.5 points", "1.5 points"),
        ("2019: x", "2019: x"),
    ],
)
def test_the_beginning_of_a_line_makes_no_list_and_no_rule(text: str, shown: str) -> None:
    assert escape(text) == shown
