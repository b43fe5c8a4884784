"""harness compare: from a CSV file to a verdict, as a script or a person calls it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from scipy import stats

from harness.claims import load_library
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
    assert "mine 83.7 4.6 79.0 to 88.4 −13.5 0.001 0.001" in said
    assert "the measured SD is used for both sides" in said
    assert "LOWER mine 83.7 %, claimed 97.2 % (SD over folds" in said
    assert "the difference of −13.50 points is significant" in said
    assert "10 folds cannot go below 0.00195" in said
    assert "not used: it is the population SD of the 10 class accuracies of T2/TSCNN-DS" in said
    assert "Number of tests in the Holm adjustment: 1." in said


def test_what_is_not_stated_is_said(scores: Path) -> None:
    said = words(compare(scores, "--claim", CLAIM))
    assert "estimand not stated here; epoch rule not stated here or in the source" in said


def test_several_claims_are_one_family(scores: Path) -> None:
    said = words(compare(scores, "--claim", CLAIM, "--claim", "su2019:T4/TSCNN-DS", *STATED))
    assert said.index("T2/TSCNN-DS: 97.2") < said.index("T4/TSCNN-DS: 94.9")
    assert "adjustment: 2." in said


def test_conditions_that_differ(scores: Path) -> None:
    said = words(compare(scores, "--claim", "bristol2019:replication/TSCNN", *STATED))
    assert "NOT COMPARABLE" in said
    assert "10 folds are tested here, fold 10 alone there" in said
    assert "the accuracy here is 87.9 % on fold 10" in said
    assert "mine 83.7 4.6 79.0 to 88.4 −1.2 – –" in said
    assert "Wilcoxon" not in said
    assert "adjustment: 0." in said


def test_a_claim_with_an_sd_over_folds(scores: Path) -> None:
    said = words(compare(scores, "--claim", "piczak2015cnn:US8K/CNN", "--estimand", "clip", "--split", "random-clip"))
    assert "NOT COMPARABLE" in said


def test_a_claim_with_fold_values_is_compared_fold_by_fold(tmp_path: Path) -> None:
    printed = load_library().claim("piczak2015cnn:US8K/CNN").fold_percents
    file = tmp_path / "piczak.csv"
    file.write_text("\n".join(["fold,accuracy", *(f"{fold},{value}" for fold, value in enumerate(printed, 1))]))
    said = words(compare(file, "--claim", "piczak2015cnn:US8K/CNN", "--as", "replication"))
    assert "piczak2015cnn:US8K/CNN: 73.13 % claimed" in said
    assert "CONSISTENT piczak 73.1 %, claimed 73.13 %, paired by fold: all 10 measured folds" in said
    assert "not used" not in said


def test_a_claim_of_another_system_is_a_reference_unless_the_user_says_otherwise(scores: Path) -> None:
    said = words(compare(scores, "--claim", "piczak2015cnn:US8K/CNN", "--estimand", "clip"))
    assert "piczak2015cnn:US8K/CNN: 73.13 % as a reference" in said
    assert "HIGHER THAN THE REFERENCE mine 83.7 %, reference (another system) 73.13 %" in said


def test_a_claim_is_taken_as_exact_where_the_user_says_so(scores: Path) -> None:
    said = words(compare(scores, "--claim", CLAIM, *STATED, "--claim-exact"))
    assert "mine 83.7 4.6 79.0 to 88.4 −13.5 < 0.001 < 0.001" in said
    assert "claimed 97.2 %, taken as exact: " in said


def test_an_interval_beyond_100_percent_is_cut_and_said(tmp_path: Path) -> None:
    file = tmp_path / "three.csv"
    file.write_text("fold,accuracy\n1,90\n2,45\n3,75\n", encoding="utf-8")
    said = words(compare(file, "--claim", CLAIM, *STATED))
    assert "three 70.0 22.9 1.2" not in said
    assert "to 100.0 −27.2" in said
    assert "Interval of three over 3 folds: it reaches beyond what an accuracy can be and is cut there" in said
    assert "With three folds and this spread" in said


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
    assert "equivalence within ±6 points" in said


def test_a_validation_fold_apart_widens_the_interval(scores: Path) -> None:
    assert "78.8 to 88.6" in words(compare(scores, "--claim", CLAIM, "--validation-apart"))


def test_one_fold_is_no_test(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("fold,accuracy\n1,0.8\n", encoding="utf-8")
    said = words(compare(file, "--claim", CLAIM))
    assert "INCONCLUSIVE one 80.0 %" in said
    assert "at least 2 folds, received 1" in said
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
        ((), "Missing option '--claim' or '--contrast'"),
        (("--contrast", "mine", "other"), "there is no arm 'other'; there are: mine"),
        (("--contrast", "mine"), "requires 2 arguments"),
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
        found: list[dict[str, object]] = json.loads(result.output)["comparisons"]
        return found

    def test_the_worked_example(self, scores: Path) -> None:
        (entry,) = self.entries(scores, "--claim", CLAIM, *STATED)
        assert entry["verdict"] == "lower"
        assert entry["mean"] == pytest.approx(83.702)
        # The difference less the rounding of 97.2, over the standard error of both sides.
        error = np.std(TEN, ddof=1) * math.sqrt(2 * (1 / 10 + 1 / 9))
        assert entry["p"] == pytest.approx(2 * stats.t.sf((97.15 - np.mean(TEN)) / error, 9))
        assert entry["basis"] == "measured SD"
        assert entry["folds"] == {str(fold): value for fold, value in enumerate(TEN, 1)}

    def test_what_does_not_exist_is_null(self, tmp_path: Path) -> None:
        file = tmp_path / "one.csv"
        file.write_text("fold,accuracy\n1,0.8\n", encoding="utf-8")
        (entry,) = self.entries(file, "--claim", CLAIM)
        assert entry["sd"] is entry["p"] is entry["interval"] is None

    def test_notes_and_contrasts(self, two: Path) -> None:
        result = compare(two, "--json", "--contrast", "A", "B", "--dataset", "urbansound8k")
        found = json.loads(result.output)
        assert found["comparisons"] == []
        assert found["notes"] == [
            "the column 'acc' is read as the accuracy",
            "the column 'Method' is read as the arm",
            "folds 0 to 9 are counted from 0, so they are read as 1 to 10",
            "line 12, 'avg.', is no fold and is left out; it states 83.7, which is the mean of the folds",
        ]
        (pair,) = found["contrasts"]
        assert (pair["first"], pair["second"], pair["verdict"]) == ("A", "B", "higher")
        assert pair["mean"] == pytest.approx(3 - 0.3 * 0.9)
        assert pair["p_holm"] == pair["p"]
        assert pair["mcnemar"] is None


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Return the worked example and a worse arm, as many write such a table."""
    rows = [f"A,{fold},{value}" for fold, value in enumerate(TEN)] + ["A,avg.,83.7"]
    rows += [f"B,{fold},{value - 3 + 0.3 * (fold % 3)}" for fold, value in enumerate(TEN)]
    file = tmp_path / "two.csv"
    file.write_text("\n".join(["Method,fold,acc", *rows]), encoding="utf-8")
    return file


class TestContrasts:
    def test_two_arms_without_a_claim(self, two: Path) -> None:
        said = words(compare(two, "--contrast", "A", "B", "--dataset", "urbansound8k"))
        assert "the column 'Method' is read as the arm" in said
        assert "folds 0 to 9 are counted from 0" in said
        assert "Contrasts between arms, paired by fold" in said
        assert "A minus B +2.7 0.3 +2.5 to +3.0 < 0.001 < 0.001" in said
        assert "HIGHER A against B: the difference of +2.73 points is significant" in said
        assert "10 folds cannot go below 0.00195" in said
        assert "Number of tests in the Holm adjustment: 1." in said
        assert "claimed" not in said

    def test_the_folds_found_are_all_folds_where_no_data_set_is_named(self, two: Path) -> None:
        said = words(compare(two, "--contrast", "A", "B"))
        assert "so the 10 folds found are assumed to be all folds of the data" in said
        assert "+2.5 to +3.0" in said
        assert "counted from 0" not in said
        more = words(compare(two, "--contrast", "A", "B", "--data-folds", "30"))
        assert "folds found" not in more
        assert "+2.5 to +2.9" in more

    def test_claims_and_contrasts_of_a_call_are_one_family(self, two: Path) -> None:
        said = words(compare(two, "--contrast", "A", "B", "--claim", CLAIM))
        assert said.index("97.2 % claimed") < said.index("A minus B")
        assert "tests in the Holm adjustment: 3." in said
