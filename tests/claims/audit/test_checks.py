"""Whole audits: every shipped paper, what a reader is told, and what stays unloaded."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from harness.claims import load_library
from harness.claims.audit.audit_summary import summary, table_claims
from harness.claims.audit.checks import audit
from harness.claims.audit.finding import Audit
from tests.claims.audit.papers import column, column_of, paper, read, shipped

LIBRARY = load_library()


@pytest.fixture(scope="module")
def su2019() -> Audit:
    return audit(read(shipped("su2019")))


def test_no_shipped_paper_is_contradicted_without_reason() -> None:
    found = {
        (key, one.check, one.place)
        for key, source in LIBRARY.papers.items()
        for one in audit(source).of(outcome="contradicts")
    }
    assert {place for key, _, place in found if key == "su2019"} == {
        "T1/8-layer/activations",
        "T1",
        "chroma, contrast",
        "T4/MCNet/children_playing",
        "T4/MLMC/children_playing",
        "T2 - T7",
    }
    # Its ten class accuracies add up to 796.4, a mean of 79.64, where 80.0 is printed.
    assert {one for one in found if one[0] != "su2019"} == {("naidu2019", "average", "augmented/TSCNN")}


@pytest.mark.parametrize("key", LIBRARY.papers)
def test_findings_are_ready_for_json_and_places_are_of_the_paper(key: str) -> None:
    source = LIBRARY.paper(key)
    found = audit(source)
    assert json.loads(json.dumps([dict(one.numbers) for one in found.findings], allow_nan=False)) is not None
    tables = {one.id for one in source.tables} | {one.id for one in source.layer_tables}
    assert all(one.table in tables for one in found.findings if one.check != "text")
    assert all(one.sentence.endswith(".") for one in found.findings)
    assert all(sentence.endswith(".") for sentence in summary(found))


def test_a_reader_of_su2019_is_told_the_five_things_first_to_last(su2019: Audit) -> None:
    told = summary(su2019)
    assert 5 <= len(told) <= 8
    expected = [
        "The 4 dispersions in T3 are standard deviations over the class accuracies, not over folds",
        "12 agree with the unweighted mean of the classes (macro accuracy) alone",
        "+0.31 (T2/TSCNN-DS) to +2.91 points (T5/MCNet)",
        "14 of 120 class accuracies of T2, T4 and T5 are not fraction",
        "the printed total is 413.4 K, which is neither",
        "contradicts the tables or the features 5 times",
        "T3, T6 and T7",
    ]
    assert [words in sentence for words, sentence in zip(expected, told, strict=True)] == [True] * len(told)


def test_the_summary_follows_the_numbers() -> None:
    content = shipped("su2019")
    column_of(content, "T5/MCNet")["value"] = "80.2"
    del column_of(content, "T3/MLMC")["dispersion"]
    del content["statement"][0]
    told = summary(audit(read(content)))
    assert told[0].startswith("The 3 dispersions in T3")
    assert "11 agree with the unweighted mean" in told[1]
    assert "1 agrees with the mean weighted by clips" in told[1]
    assert "T5/MCNet: The headline 80.2 is given as macro accuracy, but agrees with clip accuracy" in told[1]
    assert "4 times" in told[5]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("folds", "The dispersion at T/A is a standard deviation over folds; printed folds verify 0"),
        ("unknown", "It is unknown what the dispersion at T/A is over, so no test uses it."),
        (None, "No dispersion is printed, so no test can use the source's own spread."),
    ],
)
def test_what_is_said_of_dispersions(kind: str | None, words: str) -> None:
    fields = {"dispersion": {"value": "4.0", "kind": kind}} if kind else {}
    assert any(words in sentence for sentence in summary(audit(paper(column(**fields)))))


def test_printed_folds_are_a_spread_of_the_source_s_own() -> None:
    told = summary(audit(paper(column(folds=["79", "80", "81", "80", "80"]))))
    assert "No dispersion is printed; the spread over folds follows from the folds at T/A." in told
    assert not any("no test can use a spread" in sentence for sentence in told)


def test_rows_join_what_is_said_of_a_headline(su2019: Audit) -> None:
    rows = {row.place: row for row in table_claims(su2019)}
    assert len(rows) == sum(len(table.columns) for table in LIBRARY.paper("su2019").tables)
    row = rows["T2/LMCNet"]
    assert row.dispersion is rows["T3/LMCNet"].dispersion is not None
    assert row.impossible == ("gun_shot",)
    assert row.clip is not None
    assert row.clip.numbers["value"] == pytest.approx(95.67, abs=0.005)
    assert rows["T4/LMCNet"].dispersion is None
    assert rows["T4/TSCNN-DS"].impossible == ("car_horn", "gun_shot")


def test_findings_are_taken_by_check_and_outcome(su2019: Audit) -> None:
    assert su2019.of() == list(su2019.findings)
    assert {one.check for one in su2019.of("text", "layers")} == {"text", "layers"}
    assert len(su2019.of("text", outcome="contradicts")) == 5
    assert su2019.of("text", outcome="holds") == []


def test_an_audit_loads_no_torch() -> None:
    # That of su2019 counts layers and weights.
    code = (
        "import sys; from harness.claims import load_library; from harness.claims.audit.checks import audit; "
        "audit(load_library().paper('su2019')); print('torch' in sys.modules, 'matplotlib' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.split() == ["False", "False"]
