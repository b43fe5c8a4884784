"""A test is one entry: with it come columns in tables and CSV, a key in results.json and a sentence on screen."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from harness.cli.output.show_comparisons import show_comparisons
from harness.comparisons import statistical_tests
from harness.comparisons.as_json import comparison_entry, contrast_entry
from harness.comparisons.statistical_tests import (
    TESTS,
    Column,
    FoldSample,
    StatisticalTest,
    entries_of,
    run_tests,
    value_at,
)
from harness.report.evidence import gather
from harness.report.topics import claimed_accuracy, contrasts
from tests.records import build_record
from tests.report.sections import tables

LEFT, RIGHT = {1: 80.0, 2: 82.0, 3: 79.0, 4: 81.5}, {1: 78.0, 2: 81.0, 3: 79.5, 4: 80.0}


@dataclass(frozen=True)
class Signs:
    """Folds above and below."""

    above: int
    below: int


def count_signs(sample: FoldSample) -> Signs:
    second = sample.second if isinstance(sample.second, dict) else dict.fromkeys(sample.first, sample.second)
    apart = [sample.first[fold] - second[fold] for fold in sample.first]
    return Signs(sum(each > 0 for each in apart), sum(each < 0 for each in apart))


SIGN = StatisticalTest(
    name="sign",
    result="further.sign",
    run=count_signs,
    place="complement",
    columns=(
        Column("further.sign.above", "sign_above", ("Signs", "above"), "count"),
        Column("further.sign.below", "sign_below", only="claim"),
    ),
    caption="Signs: folds above, {what}.",
    note=lambda each: f"Signs: {each.further['sign'].above} above, {each.further['sign'].below} below.",
)


def test_a_new_test_is_one_entry(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(statistical_tests, "TESTS", (*TESTS, SIGN))
    evidence = gather(build_record(compare=[("piczak2015cnn:ESC-10/CNN", "LMCNet")], evaluate={"seeds": 2}))
    (claim,), pairs = evidence.claims, evidence.arms.contrasts
    _, of_claims = tables(claimed_accuracy.sections, evidence)
    _, of_pairs = tables(contrasts.sections, evidence)
    for table, each in ((of_claims, claim), (of_pairs, pairs[0])):
        signs = value_at(each, "further.sign")
        assert table.printed["Signs", "above"].iloc[0] == ("–" if signs is None else str(signs.above))
        assert table.caption.count("Signs: folds above, the ") == 1
    assert value_at(pairs[0], "further.sign") == Signs(
        sum(value > 0 for value in pairs[0].folds.values()), sum(value < 0 for value in pairs[0].folds.values())
    )
    assert "sign_below" in of_claims.data
    assert "sign_below" not in of_pairs.data
    assert "sign" in comparison_entry(claim)
    assert set(contrast_entry(pairs[0])["sign"]) == {"above", "below"}
    show_comparisons((), pairs[:1])
    assert "Signs: " in capsys.readouterr().out


def test_what_each_side_has() -> None:
    assert {test.name for test in entries_of("claim", None)} == {
        "test", "equivalence", "bootstrap", "published", "bayes", "wilcoxon", "",
    }  # fmt: skip
    assert {test.name for test in entries_of("contrast", None)} == {
        "test", "equivalence", "mcnemar", "bootstrap", "bayes", "wilcoxon", "",
    }  # fmt: skip
    assert len({test.name for test in TESTS}) == len(TESTS)
    assert all(test.result == f"further.{test.name}" for test in TESTS if test.run)


def test_those_over_folds_are_run_together_and_one_that_cannot_be_made_is_left_out() -> None:
    assert set(run_tests(FoldSample(LEFT, RIGHT, 1 / 3, 2.0, 0.95))) == {"bayes", "wilcoxon"}
    constant = FoldSample(LEFT, {fold: value - 1 for fold, value in LEFT.items()}, 1 / 3, 2.0, 0.95)
    assert set(run_tests(constant)) == {"wilcoxon"}, "equal differences have no spread"
    assert run_tests(FoldSample(LEFT, LEFT, 1 / 3, 2.0, 0.95)) == {}


def test_a_path_ends_where_there_is_nothing() -> None:
    assert value_at(FoldSample(LEFT, 80.0, 1, 2.0, 0.95), "first.x.y") is None
    assert value_at(FoldSample(LEFT, 80.0, 1, 2.0, 0.95), "margin") == 2.0
