"""The table and the figure of what a protocol alone moves."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from harness.record import StudyRecord
from harness.report import results
from harness.report.evidence import Evidence, gather
from harness.report.topics import protocol_effects, sections_of
from harness.report.topics.accuracy import accuracy_table
from harness.report.topics.protocol_effects import protocol_figure, protocol_table
from harness.report.topics.split_leakage import leakage_table
from harness.text.decimals import decimals
from tests.comparisons.test_protocols import CHOSEN, SHUFFLED, STRICT, record_of
from tests.records import build_record
from tests.report.sections import figures


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    return record_of(compare=[("piczak2015cnn:ESC-10/CNN", STRICT)])


@pytest.fixture(scope="module")
def evidence(record: StudyRecord) -> Evidence:
    return gather(record)


def test_each_row_says_how_the_arm_was_split_and_what_that_moves(evidence: Evidence) -> None:
    table = protocol_table(evidence)
    printed = table.printed.droplevel(0, axis=1)
    assert printed["Split"].tolist() == ["official", "random-clip", "official"]
    assert printed["Epoch"].tolist() == ["last", "last", "best on test"]
    assert printed["Points"].tolist()[0] == "reference"
    means = [float(value) for value in printed["Mean"]]
    for mean, shift in zip(means[1:], printed["Points"].tolist()[1:], strict=True):
        assert float(shift.replace("−", "-")) == pytest.approx(mean - means[0], abs=0.11)
    assert table.data["arm"].tolist() == [STRICT, SHUFFLED, CHOSEN]
    assert "official folds" in " ".join(evidence.marks)


def test_accuracies_and_leakage_say_which_arm_has_which_protocol(record: StudyRecord, evidence: Evidence) -> None:
    printed = accuracy_table(evidence).printed.droplevel(0, axis=1)
    assert printed["Split"].tolist() == ["official", "random-clip", "official"]
    assert printed["Epoch"].tolist() == ["last", "last", "best on test"]
    leak = record.leakage
    both = leak.assign(protocol="random-clip")
    shown = leakage_table(record_of().leakage).printed
    assert "Split" not in shown.columns.get_level_values(1)
    several = replace(record, leakage=type(leak)([*leak.to_dict("records"), *both.to_dict("records")]))
    assert set(leakage_table(several.leakage).printed["", "Split"]) == {"official", "random-clip"}


@pytest.mark.usefixtures("styled")
def test_the_figure_has_a_line_for_each_split_and_the_published_number(evidence: Evidence) -> None:
    figure = protocol_figure(evidence.protocols, {STRICT: [(80.25, "80.25")]})
    assert figure is not None
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["official", "random-clip"]
    texts = [text.get_text().strip() for text in axes.texts]
    assert STRICT in texts
    assert "80.25" in texts
    means = [decimals(each.mean, 1) for each in evidence.protocols]
    assert f"{means[0]} → {means[2]}" in texts
    assert evidence.claims[0].is_reference
    table = protocol_table(evidence)
    assert table.printed["", "Published"].tolist() == ["80.25 (reference)", "", ""]
    assert "(reference): the accuracy of another system" in table.caption
    (drawing,) = figures(protocol_effects.sections, evidence)
    assert "(reference): the accuracy of another system" in drawing.caption
    assert drawing.draw() is not None


@pytest.mark.usefixtures("styled")
def test_the_legend_names_the_rule_of_the_folds_where_all_lines_have_one(evidence: Evidence) -> None:
    def folds_of(effects: tuple[protocol_effects.ProtocolEffect, ...]) -> list[str]:
        figure = protocol_figure(effects, {})
        assert figure is not None
        labels = [
            text.get_text()
            for legend in (*figure.legends, figure.axes[0].get_legend())
            if legend
            for text in legend.get_texts()
        ]
        return [label for label in labels if label.startswith("one fold")]

    assert folds_of(evidence.protocols) == ["one fold, epoch: last"]
    strict, shuffled, chosen = evidence.protocols
    other = replace(shuffled, epoch_rule="best-on-test")
    assert folds_of((strict, other, chosen)) == ["one fold, first epoch rule of the line"]


def test_a_study_of_one_protocol_has_neither() -> None:
    evidence = gather(build_record())
    assert sections_of(evidence, [protocol_effects.sections]) == ()
    assert protocol_figure(evidence.protocols, {}) is None


def test_results_keep_to_the_schema(evidence: Evidence) -> None:
    found = results.results(evidence)
    schema = json.loads(results.SCHEMA_FILE.read_text("utf-8"))
    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(found)] == []
    assert [each["split"] for each in found["protocol_effects"]] == ["official", "random-clip", "official"]
    assert found["arms"][2]["protocol"]["epoch_rule"] == "best-on-test"
    assert found["protocol"]["epoch_chosen_on_test"] is True
    assert "of these arms" in " ".join(found["marks"])
