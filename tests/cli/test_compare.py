"""harness compare: from a CSV file to a verdict, as a script or a person calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import cli
from tests.cli.test_claims import OWN
from tests.statistics.strategies import TEN

CLAIM = "su2019:T2/TSCNN-DS"
STATED = ("--estimand", "macro", "--split", "official", "--epoch-rule", "fixed", "--tuning", "none")


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """Return the worked example: ten folds of a published network, mean 83.70 and SD 4.56."""
    file = tmp_path / "mine.csv"
    rows = [f"{fold},{value}" for fold, value in enumerate(TEN, 1)]
    file.write_text("\n".join(["fold,accuracy", *rows]), encoding="utf-8")
    return file


def compare(scores: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["compare", "--scores", str(scores), *map(str, arguments)])


def words(result: Result) -> str:
    """Return what was printed, without the breaks of lines."""
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_the_worked_example(scores: Path) -> None:
    said = words(compare(scores, "--claim", CLAIM, *STATED))
    assert "su2019:T2/TSCNN-DS: 97.2 % claimed" in said
    assert "mine 83.7 4.6 79.0 to 88.4 −13.5 < 0.001 < 0.001" in said
    assert "LOWER mine, 83.7 %, against the published 97.2 %: the difference of −13.50 points" in said
    assert "10 folds cannot go below 0.00195" in said
    assert "not used: it is the population SD of the 10 class accuracies of T2/TSCNN-DS" in said
    assert "Tests of this call, for which p Holm is adjusted: 1." in said


def test_what_is_not_stated_is_said(scores: Path) -> None:
    said = words(compare(scores, "--claim", CLAIM))
    assert "estimand not stated here; epoch rule not stated here or in the source" in said


def test_several_claims_are_one_family(scores: Path) -> None:
    said = words(compare(scores, "--claim", CLAIM, "--claim", "su2019:T4/TSCNN-DS", *STATED))
    assert said.index("T2/TSCNN-DS: 97.2") < said.index("T4/TSCNN-DS: 94.9")
    assert "adjusted: 2." in said


def test_conditions_that_differ(scores: Path) -> None:
    said = words(compare(scores, "--claim", "bristol2019:replication/TSCNN", *STATED))
    assert "NOT COMPARABLE" in said
    assert "one split of the source's own there" in said
    assert "mine 83.7 4.6 79.0 to 88.4 −1.2 – –" in said
    assert "Wilcoxon" not in said
    assert "adjusted: 0." in said


def test_a_claim_with_an_sd_over_folds(scores: Path) -> None:
    said = words(compare(scores, "--claim", "piczak2015cnn:US8K/CNN", "--estimand", "clip"))
    assert "HIGHER" in said
    assert "The claim's own SD over folds, 4 points, is used." in said


def test_margin_and_confidence(scores: Path, tmp_path: Path) -> None:
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "mine.toml").write_text(
        OWN.replace("esc10", "urbansound8k").replace("folds = 5", "folds = 10").replace("70.0", "84.0")
        .replace("60.0", "78.0").replace("80.0", "90.0"),
        encoding="utf-8",
    )  # fmt: skip
    own = ("--claim", "mine2026:T1/net", "--claims", tmp_path / "claims", *STATED)
    assert "INCONCLUSIVE" in words(compare(scores, *own))
    said = words(compare(scores, *own, "--margin", "6", "--confidence", "0.9"))
    assert "CONSISTENT" in said
    assert "90 % interval" in said
    assert "within the margin of ±6 points" in said


def test_a_validation_fold_apart_widens_the_interval(scores: Path) -> None:
    assert "78.8 to 88.6" in words(compare(scores, "--claim", CLAIM, "--validation-apart"))


def test_one_fold_is_no_test(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("fold,accuracy\n1,0.8\n", encoding="utf-8")
    said = words(compare(file, "--claim", CLAIM))
    assert "INCONCLUSIVE one, 80.0 %" in said
    assert "at least 2 of them, received 1" in said
    assert "one 80.0 – – −17.2 – –" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--claim", "su2019:T2/TSCNN"), "did you mean 'TSCNN-DS'?"),
        (("--claim", CLAIM, "--data-folds", "12"), "urbansound8k has 10"),
        (("--claim", CLAIM, "--data-folds", "5"), "mine was tested on 10 folds, but 5 are said to take part"),
        (("--claim", CLAIM, "--dataset", "esc10"), "line 7: fold 6 is none of esc10, whose folds are 1 to 5"),
        (("--claim", CLAIM, "--margin", "0"), "Invalid value for '--margin'"),
        (("--claim", CLAIM, "--confidence", "0.5"), "Invalid value for '--confidence'"),
        (("--claim", CLAIM, "--confidence", "1"), "Invalid value for '--confidence'"),
        (("--claim", CLAIM, "--estimand", "f1"), "Invalid value for '--estimand'"),
        ((), "Missing option '--claim'"),
    ],
)
def test_what_cannot_be_compared(scores: Path, arguments: tuple[str, ...], said: str) -> None:
    result = compare(scores, *arguments)
    assert result.exit_code == 2
    assert said in result.output


class TestJson:
    def entries(self, scores: Path, *arguments: str) -> list[dict[str, object]]:
        result = compare(scores, "--json", *arguments)
        assert result.exit_code == 0, result.output
        found: list[dict[str, object]] = json.loads(result.output)
        return found

    def test_the_worked_example(self, scores: Path) -> None:
        (entry,) = self.entries(scores, "--claim", CLAIM, *STATED)
        assert entry["verdict"] == "lower"
        assert entry["mean"] == pytest.approx(83.702)
        assert entry["p"] == pytest.approx(1.2e-4, abs=5e-6)
        assert entry["folds"] == {str(fold): value for fold, value in enumerate(TEN, 1)}

    def test_what_does_not_exist_is_null(self, tmp_path: Path) -> None:
        file = tmp_path / "one.csv"
        file.write_text("fold,accuracy\n1,0.8\n", encoding="utf-8")
        (entry,) = self.entries(file, "--claim", CLAIM)
        assert entry["sd"] is entry["p"] is entry["interval"] is None
