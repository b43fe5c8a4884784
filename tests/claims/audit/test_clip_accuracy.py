"""Claims as clip accuracy: weighted by the clips of each class, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from harness.claims import Claim
from harness.claims.audit.clip_accuracy import check_clip_accuracy, clip_accuracy
from tests.claims.audit.papers import by_place, claim_of, column, column_of, paper, read, shipped

US8K = {"dataset": "urbansound8k", "folds": 10}
TWO = {**US8K, "classes": ["dog_bark", "gun_shot"]}


@pytest.mark.parametrize(("name", "clip"), [("LMCNet", 95.67), ("MCNet", 95.82), ("MLMC", 95.34), ("TSCNN-DS", 97.51)])
def test_su2019_over_clips(name: str, clip: float) -> None:
    found = clip_accuracy(claim_of(read(shipped("su2019")), f"T2/{name}"))
    assert found is not None
    assert found.value == pytest.approx(clip, abs=0.005)
    # Every class accuracy is printed with one digit, so the mean is as uncertain as each.
    assert (found.low, found.high) == pytest.approx((found.value - 0.05, found.value + 0.05))


def test_classes_weigh_as_many_clips_as_they_have() -> None:
    found = clip_accuracy(claim_of(paper(column(value="75", classes=["50", "100"]), **TWO), "T/A"))
    assert found is not None
    assert found.value == pytest.approx((1000 * 50 + 374 * 100) / 1374)
    assert found.high - found.low == pytest.approx(1)


def test_one_changed_digit_changes_it() -> None:
    content = shipped("su2019")
    column_of(content, "T2/LMCNet")["classes"][0] = "97.6"
    (before, after) = (clip_accuracy(claim_of(read(one), "T2/LMCNet")) for one in (shipped("su2019"), content))
    assert before is not None
    assert after is not None
    assert after.value - before.value == pytest.approx(-1000 / 8732)


@pytest.mark.parametrize(
    ("fields", "value", "reason"),
    [
        ({}, 80.0, "every class has 40 clips"),
        ({"estimand": "clip"}, 80.0, "given as clip accuracy"),
        ({"estimand": "clip", "folds": 2}, 80.0, "given as clip accuracy"),
        ({"folds": 2}, None, "a part of the data set is tested"),
        ({"split": "one split", "folds": 1}, None, "a part of the data set is tested"),
        ({"split": "one split"}, None, "a part of the data set is tested"),
        ({"estimand": "segment"}, None, "estimand is given as segment"),
        ({"estimand": "not stated"}, None, "estimand is given as not stated"),
        (US8K, None, "the classes of urbansound8k differ in size"),
        ({"dataset": "synthetic"}, None, "differ in size"),
    ],
)
def test_without_class_accuracies(fields: dict[str, Any], value: float | None, reason: str) -> None:
    toy = paper(column(value="80.0"), **fields)
    found = clip_accuracy(claim_of(toy, "T/A"))
    assert (found.value if found else None) == value
    (finding,) = check_clip_accuracy(toy)
    assert reason in finding.sentence
    assert finding.outcome == ("cannot be checked" if value is None else "shows")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"split": "one split", "folds": 1}, "one split tests a part"),
        ({"folds": 9}, "9 of 10 folds"),
        ({"estimand": "segment"}, "segments were counted"),
        ({"split": "random-segment"}, "segments were counted"),
        ({"classes": ["dog_bark", "wolf"]}, "class wolf in urbansound8k is not known"),
    ],
)
def test_class_accuracies_of_unknown_clips_give_none(fields: dict[str, Any], reason: str) -> None:
    toy = paper(column(value="75.0", classes=["50.0", "100.0"]), **(TWO | fields))
    assert clip_accuracy(claim_of(toy, "T/A")) is None
    (finding,) = check_clip_accuracy(toy)
    assert finding.outcome == "cannot be checked"
    assert reason in finding.sentence


def test_one_class_has_no_clip_accuracy() -> None:
    whole = claim_of(read(shipped("su2019")), "T2/LMCNet")
    assert clip_accuracy(Claim(whole.source, whole.table, whole.column, "siren")) is None


def test_every_column_has_a_finding() -> None:
    su = read(shipped("su2019"))
    assert len(by_place(check_clip_accuracy(su))) == sum(len(table.columns) for table in su.tables)
