"""Which mean a headline is: the paper's own tables, each rule on a small one, and no false alarm on true means."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.claims.audit.average import average, check_averages, check_fold_means
from tests.claims.audit.papers import by_place, claim_of, column, column_of, paper, read, shipped

WEIGHTED = {"T2/LMCNet": 95.67, "T2/MCNet": 95.82, "T2/MLMC": 95.34, "T2/TSCNN-DS": 97.51}


def test_every_average_of_su2019_is_the_macro_one() -> None:
    found = [one for one in check_averages(read(shipped("su2019"))) if one.outcome != "cannot be checked"]
    assert {one.table for one in found} == {"T2", "T4", "T5"}
    assert len(found) == 12
    assert {(one.outcome, *one.numbers["agrees_with"]) for one in found} == {("holds", "macro")}


@pytest.mark.parametrize("place", WEIGHTED)
def test_means_weighted_by_clips(place: str) -> None:
    found = average(claim_of(read(shipped("su2019")), place))
    assert found is not None
    assert found.clip is not None
    assert float(found.clip.middle) == pytest.approx(WEIGHTED[place], abs=0.005)
    assert float(found.clip.high - found.clip.low) == pytest.approx(0.1)


def test_intervals_are_what_rounding_allows() -> None:
    numbers = by_place(check_averages(read(shipped("su2019"))))["T2/LMCNet"].numbers
    assert numbers["macro"] == pytest.approx({"low": 95.10, "value": 95.15, "high": 95.20})


@pytest.mark.parametrize("digit", [0, 1])
def test_one_changed_digit_contradicts(digit: int) -> None:
    content = shipped("su2019")
    changed = column_of(content, "T2/LMCNet")
    if digit:
        changed["value"] = "95.3"
    else:
        changed["classes"][0] = "88.6"
    finding = by_place(check_averages(read(content)))["T2/LMCNet"]
    assert finding.outcome == "contradicts"
    assert finding.numbers["agrees_with"] == []


@pytest.mark.parametrize(
    ("declared", "value", "outcome", "words"),
    [
        ("macro", "95.2", "holds", "agrees with macro accuracy ("),
        ("clip", "95.2", "contradicts", "given as clip accuracy, but agrees with macro accuracy"),
        ("clip", "95.7", "holds", "agrees with clip accuracy"),
        ("macro", "95.7", "contradicts", "given as macro accuracy, but agrees with clip accuracy"),
        ("not stated", "95.2", "shows", "agrees with macro accuracy; its estimand is given as not stated"),
        ("not stated", "95.4", "shows", "is neither the unweighted nor the clip-weighted mean"),
        ("segment", "95.4", "shows", "is not the unweighted mean of its classes"),
        ("segment", "95.2", "shows", "agrees with macro accuracy; its estimand is given as segment"),
        ("macro", "95", "holds", "agrees with macro accuracy ("),
        ("macro", "99.9", "contradicts", "is outside the range of its class accuracies"),
    ],
)
def test_outcome_by_what_is_declared(declared: str, value: str, outcome: str, words: str) -> None:
    content = shipped("su2019")
    content["table"][0]["estimand"] = declared
    column_of(content, "T2/LMCNet")["value"] = value
    finding = by_place(check_averages(read(content)))["T2/LMCNet"]
    assert finding.outcome == outcome
    assert words in finding.sentence


def test_classes_of_equal_size_cannot_tell_the_means_apart() -> None:
    (finding,) = check_averages(paper(column(value="75.0", classes=["50", "100"])))
    assert finding.outcome == "holds"
    assert finding.numbers["agrees_with"] == ["macro", "clip"]
    assert "cannot distinguish" in finding.sentence


@pytest.mark.parametrize(
    "fields", [{"split": "one split", "folds": 1}, {"folds": 4}, {"split": "random-segment"}, {"dataset": "synthetic"}]
)
def test_without_known_clips_only_the_unweighted_mean_is_tried(fields: dict[str, Any]) -> None:
    (finding,) = check_averages(paper(column(value="75.0", classes=["50.0", "100.0"]), **fields))
    assert finding.outcome == "holds"
    assert finding.numbers["clip"] is None
    (clip,) = check_averages(paper(column(value="80.0", classes=["50.0", "100.0"]), estimand="clip", **fields))
    assert clip.outcome == "shows", "a mean weighted by unknown clips contradicts nothing"


def test_fractions_and_percent_are_one_unit() -> None:
    (finding,) = check_averages(paper(column(value=".750", classes=[".500", "1"]), unit="fraction"))
    assert finding.numbers["macro"]["value"] == 75
    assert finding.outcome == "holds"


@given(st.lists(st.floats(2, 100), min_size=2, max_size=20), st.integers(0, 2))
def test_true_means_are_never_contradicted(classes: list[float], digits: int) -> None:
    value = f"{sum(classes) / len(classes):.{digits}f}"
    (finding,) = check_averages(paper(column(value=value, classes=[f"{one:.1f}" for one in classes])))
    assert finding.outcome == "holds"


def test_headlines_are_the_means_of_printed_folds() -> None:
    found = by_place(check_fold_means(read(shipped("piczak2015cnn"))))
    assert {place: one.outcome for place, one in found.items()} == dict.fromkeys(
        ("ESC-10/CNN", "ESC-50/CNN", "US8K/CNN"), "holds"
    )
    assert found["US8K/CNN"].numbers["fold_mean"]["value"] == pytest.approx(73.131)


@pytest.mark.parametrize(
    ("place", "value", "outcome"),
    [
        ("ESC-50/CNN", "64.45", "contradicts"),
        ("US8K/CNN", "73.23", "shows"),
        ("US8K/CNN", "76.96", "contradicts"),
    ],
)
def test_folds_of_unequal_size_allow_another_mean_but_not_any(place: str, value: str, outcome: str) -> None:
    content = shipped("piczak2015cnn")
    column_of(content, place)["value"] = value
    assert by_place(check_fold_means(read(content)))[place].outcome == outcome


def test_one_changed_fold_contradicts() -> None:
    content = shipped("piczak2015cnn")
    column_of(content, "ESC-50/CNN")["folds"][0] = "63.25"
    assert by_place(check_fold_means(read(content)))["ESC-50/CNN"].outcome == "contradicts"
