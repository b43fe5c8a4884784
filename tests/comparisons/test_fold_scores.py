"""Accuracies in a CSV file: what is read, what is refused and how, and what they come to beside a claim."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.claims import Library, load_library
from harness.cli import cli
from harness.comparisons.against_claim import ClaimComparison, Rules
from harness.comparisons.conditions import Conditions
from harness.comparisons.fold_scores import compare_scores, read_scores
from harness.errors import ClaimsError, ComparisonError
from tests.statistics.strategies import TEN

RULES = Rules(2.0)
WHOLE = Conditions("urbansound8k", 10, estimand="macro")
CLAIM = "su2019:T2/TSCNN-DS"
GOOD = "fold,accuracy\n1,80.5\n2,79\n"


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


BAD: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "no fold column": ("folds,accuracy\n1,80\n", ("no column 'fold'", "folds, accuracy", "Write fold and accuracy")),
    "no accuracy column": ("fold,acc\n1,80\n", ("no column 'accuracy'", "fold, acc")),
    "no header": ("1,80\n2,81\n", ("no column 'fold'", "the first line has: 1, 80")),
    "fold twice": (
        "fold,accuracy\n1,80\n2,81\n1,82\n",
        ("line 4: fold 1 of scores stands in line 2 too", "need a column seed"),
    ),
    "fold and seed twice": (
        "fold,seed,accuracy\n1,0,80\n1,1,81\n1,1,82\n",
        ("line 4: fold 1 of scores stands in line 3 too", "each training stands once"),
    ),
    "fold of an arm twice": (
        "arm,fold,accuracy\nA,1,80\nB,1,80\nB,1,81\n",
        ("line 4: fold 1 of B stands in line 3 too",),
    ),
    "percent and fractions": (
        "fold,accuracy\n1,80.5\n2,0.79\n3,81\n",
        ("line 3 has the accuracy 0.79 and line 4 has 81", "all in percent, or all as fractions"),
    ),
    "not a number": ("fold,accuracy\n1,NaN\n", ("line 2: accuracy is 'NaN'", "with a decimal point")),
    "empty cell": ("fold,accuracy\n1,80\n2,\n", ("line 3: accuracy is ''",)),
    "above 100": ("fold,accuracy\n1,80\n2,101\n", ("line 3: accuracy is '101'", "0 to 100")),
    "below 0": ("fold,accuracy\n1,-0.1\n", ("line 2: accuracy is '-0.1'",)),
    "infinite": ("fold,accuracy\n1,inf\n", ("line 2: accuracy is 'inf'",)),
    "with a percent sign": ("fold,accuracy\n1,80 %\n", ("line 2: accuracy is '80 %'",)),
    "fold 0": ("fold,accuracy\n0,80\n1,81\n", ("line 2: fold 0 is none of urbansound8k, whose folds are 1 to 10",)),
    "fold 11": ("fold,accuracy\n1,80\n11,81\n", ("line 3: fold 11 is none of urbansound8k",)),
    "fold 1.5": ("fold,accuracy\n1.5,80\n", ("line 2: fold is '1.5'; give a whole number",)),
    "fold x": ("fold,accuracy\nx,80\n", ("line 2: fold is 'x'; give a whole number",)),
    "seed x": ("fold,seed,accuracy\n1,x,80\n", ("line 2: seed is 'x'; give a whole number",)),
    "empty arm": ("arm,fold,accuracy\nA,1,80\n ,2,80\n", ("line 3: the arm is empty",)),
    "empty file": ("", ("no column 'fold'", "the first line has: nothing")),
    "header only": ("fold,accuracy\n\n", ("no row below the first line",)),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\xff", ("not a UTF-8 text file (byte 0)", "save the table as CSV")),
    "zeros": (b"\x00" * 300, ("no column 'fold'",)),
    "UTF-16": (GOOD.encode("utf-16"), ("not a UTF-8 text file", "save the table as CSV in UTF-8")),
    "too many cells": ("fold,accuracy\n1,80,3\n", ("line 2: 3 cells below 2 columns: 1 | 80 | 3",)),
    "too few cells": ("fold,accuracy\n1,80\n2\n", ("line 3: 1 cells below 2 columns",)),
    "decimal comma": ("fold,accuracy\n1,80,5\n", ("line 2: 3 cells below 2 columns", "decimals with a point")),
    "semicolon and decimal comma": ("fold;accuracy\n1;80,5\n", ("line 2: accuracy is '80,5'", "decimal point")),
    "column twice": ("fold,accuracy,Accuracy\n1,80,81\n", ("the column 'accuracy' stands 2 times; keep one",)),
    "open quote": ('fold,accuracy\n1,"80\n', ("line 2: not a CSV file",)),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_one_message_with_file_line_and_value_and_exit_code_2(tmp_path: Path, case: str) -> None:
    text, parts = BAD[case]
    path = written(tmp_path / "scores.csv", text)
    with pytest.raises(ComparisonError) as error:
        read_scores(path, "urbansound8k")
    message = str(error.value)
    assert message.startswith(str(path))
    for part in parts:
        assert part in message
    assert len(message) < len(str(path)) + 300
    result = CliRunner().invoke(cli, ["compare", "--scores", str(path), "--claim", CLAIM])
    assert (result.exit_code, result.output) == (2, f"error: {message}\n")


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(ComparisonError, match="Is a directory; give a CSV file"):
        read_scores(tmp_path, "esc10")
    with pytest.raises(ComparisonError, match=r"none\.csv: cannot be read: No such file"):
        read_scores(tmp_path / "none.csv", "esc10")


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "\ufeff" + GOOD.replace("\n", "\r\n"),
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        "note, Fold ,ACCURACY,note\nfirst,1,80.5,\n\n,2, 79,x\n",
        'fold,note,accuracy\n1,"two\nlines",80.5\n2,,79\n',
        "fold,accuracy\n2,0.79\n1,0.805\n",
        "fold,accuracy\n1.0,8.05e1\n2,79.00",
    ],
)
def test_the_same_table_in_other_clothes(tmp_path: Path, text: str) -> None:
    (name,), (frame,) = zip(*read_scores(written(tmp_path / "mine.csv", text), "esc10").items(), strict=True)
    assert name == "mine"
    assert dict(zip(frame["fold"], frame["accuracy"], strict=True)) == pytest.approx({1: 80.5, 2: 79})


def test_a_line_number_is_that_of_the_file_below_a_cell_of_two_lines(tmp_path: Path) -> None:
    path = written(tmp_path / "s.csv", 'fold,note,accuracy\n1,"two\nlines",80\nx,,79\n')
    with pytest.raises(ComparisonError, match="line 4: fold is 'x'"):
        read_scores(path, "esc10")


def test_zero_is_zero_in_either_unit(tmp_path: Path) -> None:
    percent = read_scores(written(tmp_path / "p.csv", "fold,accuracy\n1,0\n2,80\n"), "esc10")["p"]
    fraction = read_scores(written(tmp_path / "f.csv", "fold,accuracy\n1,0\n2,0.8\n"), "esc10")["f"]
    assert list(percent["accuracy"]) == list(fraction["accuracy"]) == [0, 80]
    nothing = read_scores(written(tmp_path / "n.csv", "fold,accuracy\n1,0\n2,0\n"), "esc10")["n"]
    assert list(nothing["accuracy"]) == [0, 0]


def test_arms_and_seeds(tmp_path: Path) -> None:
    text = "arm,fold,seed,accuracy\nA,1,0,0.8\nA,1,7,0.9\nB,1,0,0.5\n"
    found = read_scores(written(tmp_path / "s.csv", text), "esc10")
    assert list(found) == ["A", "B"]
    assert found["A"] == {"fold": [1, 1], "accuracy": pytest.approx([80, 90]), "seed": [0, 7]}


def read(text: str) -> dict[str, pd.DataFrame]:
    with tempfile.TemporaryDirectory() as folder:
        return read_scores(written(Path(folder) / "scores.csv", text), "urbansound8k")


def compared(text: str, library: Library, *addresses: str) -> tuple[ClaimComparison, ...]:
    return compare_scores(read(text), addresses or (CLAIM,), library, WHOLE, RULES)


def rows_of(values: list[float], form: str = "{fold},{value!r}") -> list[str]:
    return [form.format(fold=fold, value=value) for fold, value in enumerate(values, 1)]


HUNDREDTHS = st.lists(st.integers(201, 10_000), min_size=3, max_size=10, unique=True)


def in_both_units(values: list[int]) -> tuple[str, str]:
    percents = rows_of([value / 100 for value in values])
    fractions = rows_of([value / 10_000 for value in values])
    return "\n".join(["fold,accuracy", *percents]), "\n".join(["fold,accuracy", *fractions])


@given(values=HUNDREDTHS)
def test_fractions_and_percents_read_equal(values: list[int]) -> None:
    left, right = (read(text)["scores"] for text in in_both_units(values))
    assert list(left["fold"]) == list(right["fold"])
    assert list(left["accuracy"]) == pytest.approx(list(right["accuracy"]), rel=1e-12)


# A comparison plans how many folds and seeds would do, which takes its time; few examples suffice beside the above.
@settings(max_examples=5, deadline=None)
@given(values=HUNDREDTHS, seed=st.integers(0, 1000))
def test_neither_the_unit_nor_the_order_of_rows_changes_a_comparison(
    library: Library, values: list[int], seed: int
) -> None:
    percents, fractions = in_both_units(values)
    (known,), (other,) = compared(percents, library), compared(fractions, library)
    assert other.folds == pytest.approx(known.folds, rel=1e-12)
    assert (other.p, other.mean, other.sd) == pytest.approx((known.p, known.mean, known.sd), rel=1e-6)
    assert other.decision.verdict is known.decision.verdict
    header, *rows = percents.splitlines()
    assert compared("\n".join([header, *random.Random(seed).sample(rows, len(rows))]), library) == (known,)


def test_every_arm_beside_every_claim_is_one_family(library: Library) -> None:
    rows = [f"{arm},{fold},{value - less}" for arm, less in (("A", 0), ("B", 5)) for fold, value in enumerate(TEN, 1)]
    text = "\n".join(["arm,fold,accuracy", *rows])
    found = compared(text, library, CLAIM, "su2019:T4/TSCNN-DS", "bristol2019:replication/TSCNN")
    assert [(each.arm, each.claim.address) for each in found] == [
        (arm, address)
        for address in (CLAIM, "su2019:T4/TSCNN-DS", "bristol2019:replication/TSCNN")
        for arm in ("A", "B")
    ]
    tested = [each for each in found if each.p is not None]
    assert len(tested) == 4
    assert min(each.p_adjusted or 1 for each in tested) == pytest.approx(4 * min(each.p or 1 for each in tested))


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (Conditions("urbansound8k", 12), "12 folds of the data are said to take part; urbansound8k has 10"),
        (Conditions("urbansound8k", 5), "scores was tested on 10 folds, but 5 are said to take part"),
        (
            Conditions("urbansound8k", 2, validation_apart=True),
            "2 folds of the data with one to test on and one to validate on leave none to train on",
        ),
    ],
)
def test_folds_that_cannot_be(tmp_path: Path, library: Library, conditions: Conditions, message: str) -> None:
    path = written(tmp_path / "scores.csv", "\n".join(["fold,accuracy", *rows_of(list(TEN))]))
    with pytest.raises(ComparisonError, match=message):
        compare_scores(read_scores(path, "urbansound8k"), (CLAIM,), library, conditions, RULES)


def test_an_unknown_claim_is_told_before_anything_is_compared(library: Library) -> None:
    with pytest.raises(ClaimsError, match="did you mean 'TSCNN-DS'"):
        compared(GOOD, library, CLAIM, "su2019:T2/TSCNN-D")
