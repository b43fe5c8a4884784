"""Accuracies in tables as people and programs write them: what is read, what is noted, what is refused and how."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import cli
from harness.comparisons.score_file import FoldScores, read_scores
from harness.errors import ComparisonError
from harness.text.printable import one_line

CLAIM = "su2019:T2/TSCNN-DS"
GOOD = "fold,accuracy\n1,80.5\n2,79\n"


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(text: str | bytes, dataset: str | None = "esc10") -> FoldScores:
    with tempfile.TemporaryDirectory() as folder:
        return read_scores(written(Path(folder) / "scores.csv", text), dataset)


def values(found: FoldScores, arm: str = "scores") -> dict[int, float]:
    frame = found.arms[arm]
    return dict(zip(frame["fold"], frame["accuracy"], strict=True))


def workbook() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("xl/workbook.xml", "<workbook/>")
    return content.getvalue()


BAD: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "no fold column": ("folds,accuracy\n1,80\n", ("no column 'fold'", "folds, accuracy", "Write fold and accuracy")),
    "no accuracy column": ("fold,f1\n1,80\n", ("no column 'accuracy'", "fold, f1")),
    "no header": ("1,80\n2,81\n", ("no column 'fold'", "the first line has: 1, 80")),
    "fold twice": (
        "fold,accuracy\n1,80\n2,81\n1,82\n",
        ("line 4: fold 1 of scores is also in line 2", "need a column seed"),
    ),
    "fold and seed twice": (
        "fold,seed,accuracy\n1,0,80\n1,1,81\n1,1,82\n",
        ("line 4: fold 1 of scores is also in line 3", "list each training once"),
    ),
    "fold of an arm twice": (
        "arm,fold,accuracy\nA,1,80\nB,1,80\nB,1,81\n",
        ("line 4: fold 1 of B is also in line 3",),
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
    "a percent sign alone": ("fold,accuracy\n1,%\n", ("line 2: accuracy is '%'",)),
    "above 100 %": ("fold,accuracy\n1,181 %\n", ("line 2: accuracy is '181 %'",)),
    "some percent signs": (
        "fold,accuracy\n1,81.2%\n2,0.79\n",
        ("line 2 has the accuracy '81.2%' with a percent sign and line 3 has '0.79' without", "or behind none"),
    ),
    "fractions with percent signs": (
        "fold,accuracy\n1,0.81%\n2,0.79%\n",
        ("said to be percent, and none is above 1 (line 2 has '0.81%')", "as the fraction 0.812"),
    ),
    "fractions below percent": ("fold,accuracy (%)\n1,0.81\n2,0.79\n", ("said to be percent",)),
    "two kinds of decimals": (
        "fold;accuracy\n1;81,2\n2;79.5\n",
        ("line 2 has the accuracy '81,2' with a decimal comma and line 3 has '79.5'", "with a decimal point"),
    ),
    "two accuracies": (
        "fold,acc,Test Accuracy\n1,80,81\n",
        ("the columns 'acc' and 'Test Accuracy' may each be the accuracy; name the one that is 'accuracy'",),
    ),
    "two arms": ("model,method,fold,acc\nA,B,1,80\n", ("the columns 'model' and 'method' may each be the arm",)),
    "only a mean": ("fold,accuracy\nmean,80\n", ("no row below the first line",)),
    "a row of something else": ("fold,accuracy\n1,80\nbest,80\n", ("line 3: fold is 'best'; give a whole number",)),
    "folds from 0 and from 1": (
        "fold,accuracy\n" + "".join(f"{fold},80\n" for fold in range(11)),
        ("line 2: fold 0 is none of urbansound8k", "folds counted from 0 are read where each of them is there"),
    ),
    "fold 1 twice": ("fold,accuracy\nfold1,80\n1,80\n", ("line 3: fold 1 of scores is also in line 2",)),
    "numbers alone": ("80\n81\n", ("2 numbers without names of columns; urbansound8k would have one per fold",)),
    "numbers alone, another mean": (
        ",".join(["80"] * 10 + ["82"]),
        ("11 numbers without names of columns, and the last, 82, is not the mean of the others, 80",),
    ),
    "numbers alone, no mean": ("\n".join(["80"] * 10), ("10 numbers without names of columns",)),
    "a workbook": (workbook(), ("is an Excel workbook (.xlsx), not text; save the table as CSV",)),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), ("(.xls), not text; save the table",)),
    "an OpenDocument table": (b"PK\x03\x04content.xml", ("is an OpenDocument or other ZIP file, not text",)),
    "a huge fold": ("fold,accuracy\n1e300,80\n", ("line 2: fold is '1e300'",)),
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
    "UTF-16, cut off": (GOOD.encode("utf-16")[:-1], ("not a UTF-16 text file", "save the table as CSV in UTF-8")),
    "too many cells": ("fold,accuracy\n1,80,3\n", ("line 2: 3 cells, but the header has 2: 1 | 80 | 3",)),
    "too few cells": ("fold,accuracy\n1,80\n2\n", ("line 3: 1 cells, but the header has 2",)),
    "decimal comma": ("fold,accuracy\n1,80,5\n", ("line 2: 3 cells, but the header has 2", "decimals with a point")),
    "thousands": ("fold;accuracy\n1;1.080,5\n", ("line 2: accuracy is '1.080,5'", "decimal point")),
    "column twice": ("fold,accuracy,Accuracy\n1,80,81\n", ("the column 'accuracy' occurs 2 times; keep one",)),
    "open quote": ('fold,accuracy\n1,"80\n', ("line 2: not valid CSV",)),
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
    assert (result.exit_code, result.output) == (2, f"error: {one_line(message)}\n")


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
        GOOD.encode("utf-16"),
        GOOD.replace("\n", "\r"),
        "fold,accuracy,\n1,80.5,\n2,79,\n",
        "fold,accuracy\n1,80.5,\n2,79,,\n,,\n \n",
        "sep=;\nfold;accuracy\n1;80,5\n2;79\n;\n",
        "sep=\t\r\nfold\taccuracy\r\n1\t80,5\r\n2\t79,0\r\n",
        '"sep=,"\nfold,accuracy\n1,80.5\n2,79\n',
        '# a remark, "with quotes\n\n  # more\nfold,accuracy\n1,80.5\n# between\n2,79\n',
        "fold,accuracy\n1,80.5%\n2,79 %\n",
        "Fold,Accuracy (%)\n1,80.5\n2,79\n",
        "Test Fold,test_acc [%]\nFold 1,80.5\nfold_2,79\n",
        "fold,acc\nfold1,0.805\nfold2,.79\n",
        ",fold,Test Accuracy\n0,1.0,0.805\n1,2.0,0.79\n",
        "Unnamed: 0,fold,test-accuracy\n0,1.0,0.805\n1,2.0,0.79\n",
        "fold,train_acc,val_acc,test_acc\n1,99,70,80.5\n2,99,70,79\n",
        "fold,accuracy,test_acc\n1,80.5,1\n2,79,2\n",
        "fold,accuracy\n1,80.5\n2,79\navg.,79.75\nStd,1.06\n",
        "fold;accuracy %\n1;80,5\n2;79,0\nØ;79,8\n",
    ],
)
def test_the_same_table_in_other_clothes(tmp_path: Path, text: str | bytes) -> None:
    (name,), (frame,) = zip(*read_scores(written(tmp_path / "mine.csv", text), "esc10").arms.items(), strict=True)
    assert name == "mine"
    assert dict(zip(frame["fold"], frame["accuracy"], strict=True)) == pytest.approx({1: 80.5, 2: 79})


def test_a_line_number_is_that_of_the_file_below_a_cell_of_two_lines(tmp_path: Path) -> None:
    path = written(tmp_path / "s.csv", 'fold,note,accuracy\n1,"two\nlines",80\nx,,79\n')
    with pytest.raises(ComparisonError, match="line 4: fold is 'x'"):
        read_scores(path, "esc10")


def test_zero_is_zero_in_either_unit(tmp_path: Path) -> None:
    percent = read_scores(written(tmp_path / "p.csv", "fold,accuracy\n1,0\n2,80\n"), "esc10").arms["p"]
    fraction = read_scores(written(tmp_path / "f.csv", "fold,accuracy\n1,0\n2,0.8\n"), "esc10").arms["f"]
    assert list(percent["accuracy"]) == list(fraction["accuracy"]) == [0, 80]
    nothing = read_scores(written(tmp_path / "n.csv", "fold,accuracy\n1,0\n2,0\n"), "esc10").arms["n"]
    assert list(nothing["accuracy"]) == [0, 0]


def test_arms_and_seeds(tmp_path: Path) -> None:
    text = "arm,fold,seed,accuracy\nA,1,0,0.8\nA,1,7,0.9\nB,1,0,0.5\n"
    found = read_scores(written(tmp_path / "s.csv", text), "esc10").arms
    assert list(found) == ["A", "B"]
    assert found["A"] == {"fold": [1, 1], "accuracy": pytest.approx([80, 90]), "seed": [0, 7]}


AST = (95.00, 97.75, 94.75, 97.00, 94.25)


@pytest.mark.parametrize(
    "text",
    [
        "95.00\n97.75\n94.75\n97.00\n94.25\n95.75\n",
        "95.00,97.75,94.75,97.00,94.25,95.75\n",
        "0.95\n0.9775\n0.9475\n0.97\n0.9425\n0.9575",
        "9.500000000000000000e-01\n9.775000000000000355e-01\n9.475000000000000089e-01\n9.699999999999999734e-01\n"
        "9.425000000000000044e-01\n9.575000000000000178e-01\n",
        "95,00;97,75;94,75;97,00;94,25;95,75",
        "95.00%\t97.75%\t94.75%\t97.00%\t94.25%\t95.8%",
        "# acc_fold\n95\n97.75\n94.75\n97\n94.25\n95.75\n",
    ],
)
def test_fold_values_and_their_mean_without_a_header(text: str) -> None:
    """As AST's recipe for ESC-50 writes them: one per fold in order, and their mean."""
    found = read(text, "esc50")
    assert values(found) == pytest.approx(dict(enumerate(AST, 1)))
    assert (
        "without names of columns, 5 numbers are read as the accuracies of folds 1 to 5, and the last one as their mean"
    ) in found.notes


def test_a_clean_file_needs_no_note() -> None:
    assert read(GOOD).notes == ()


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("fold,accuracy\n1,0.8\n2,0.9\n", ["no accuracy is above 1, so they are read as fractions"]),
        ("fold,test_acc\n1,80\n", ["the column 'test_acc' is read as the accuracy"]),
        ("fold,accuracy,test_acc\n1,80,90\n", ["the column 'accuracy' is read as the accuracy"]),
        (
            "Method,fold,acc\nA,1,80\n",
            ["the column 'acc' is read as the accuracy", "the column 'Method' is read as the arm"],
        ),
        ("# x\nfold,accuracy\n1,80\n", ["skipped 1 line starting with #"]),
        (
            "sep=;\nfold;accuracy\n1;80,5\n",
            [
                "the first line sets the delimiter to a semicolon",
                "decimal commas are read, since commas part no cells",
            ],
        ),
        ("fold,accuracy\nFold 1,80\n", ["folds such as 'Fold 1' are read by their number"]),
        (
            "fold,accuracy\n0,80\n1,80\n2,80\n3,80\n4,80\n",
            ["folds 0 to 4 are counted from 0, so they are read as 1 to 5"],
        ),
        (
            "fold,accuracy\n1,80\n2,81\navg.,80.5\n",
            ["line 4, 'avg.', is no fold and is left out; it states 80.5, which is the mean of the folds"],
        ),
        (
            "fold,accuracy\n1,80.12\n2,81\n3,80\nMean,80.37\n",
            ["line 5, 'Mean', is no fold and is left out; it states 80.37, which is the mean of the folds"],
        ),
        (
            "fold,accuracy\n1,80\n2,81\naverage,82\nstd,0.7\n",
            [
                "line 4, 'average', is no fold and is left out; it states 82, but the mean of the folds is 80.5",
                "line 5, 'std', is no fold and is left out",
            ],
        ),
        (
            "fold,accuracy\n1,80\n2,81\nmean,80.5 ± 0.7\n",
            ["line 4, 'mean', is no fold and is left out"],
        ),
        (
            "arm,fold,accuracy\nA,1,80\nB,1,70\nA,mean,80\nB,mean,80\n,mean,75\n",
            [
                "line 4, 'mean', is no fold and is left out; it states 80, which is the mean of the folds",
                "line 5, 'mean', is no fold and is left out; it states 80, but the mean of the folds is 70",
                "line 6, 'mean', is no fold and is left out",
            ],
        ),
    ],
)  # fmt: skip
def test_what_was_interpreted_is_noted(text: str, notes: list[str]) -> None:
    assert list(read(text).notes) == notes


@pytest.mark.parametrize("name", ["method", "Model", "SYSTEM", "arm"])
def test_a_column_names_the_arms(name: str) -> None:
    found = read(f"{name},fold,accuracy\nA,1,80\nB,1,70\n")
    assert {arm: values(found, arm) for arm in found.arms} == {"A": {1: 80}, "B": {1: 70}}


def test_our_own_name_of_the_arm_goes_before_others() -> None:
    assert list(read("model,arm,fold,accuracy\nx,A,1,80\nx,B,1,70\n").arms) == ["A", "B"]


def test_folds_of_no_named_data_set_are_as_they_are() -> None:
    assert values(read("fold,accuracy\n0,80\n7,70\n", None)) == {0: 80, 7: 70}


FOLDS = st.lists(st.integers(200, 9_999), min_size=5, max_size=5)


@given(hundredths=FOLDS, zero=st.booleans(), named=st.booleans(), sign=st.sampled_from(["", "%", " %"]),
       form=st.sampled_from([(",", "."), (";", "."), (";", ","), ("\t", ","), ("\t", ".")]), sep=st.booleans(),
       mean=st.booleans(), end=st.sampled_from(["\n", "\r\n"]), trailing=st.booleans(), bom=st.booleans())  # fmt: skip
def test_every_spelling_of_a_table_is_the_same_table(
    hundredths: list[int], zero: bool, named: bool, sign: str, form: tuple[str, str], sep: bool, mean: bool, end: str,
    trailing: bool, bom: bool,
) -> None:  # fmt: skip
    delimiter, point = form
    shown = [f"{value / 100:.2f}".replace(".", point) + sign for value in hundredths]
    rows = [("fold", "acc"), *((f"{'fold' * named}{at + 1 - zero}", text) for at, text in enumerate(shown))]
    if mean:
        rows.append(("mean", f"{sum(hundredths) / 500:.2f}".replace(".", point) + sign))
    lines = [f"sep={delimiter}"] * sep + [delimiter.join(row) + delimiter * trailing for row in rows]
    found = read(("\ufeff" * bom + end.join([*lines, ""])).encode(), "esc10")
    assert values(found) == pytest.approx({at: value / 100 for at, value in enumerate(hundredths, 1)})
    assert not [note for note in found.notes if "but the mean" in note]


@given(
    content=st.binary(max_size=60)
    | st.text(alphabet='fold,accuy12.05%;\t\n\r"# =spmean\ufeff\0é', max_size=80).map(str.encode)
)
def test_any_bytes_are_scores_or_one_message(content: bytes) -> None:
    for text in (content, b"fold,accuracy\n" + content, b"fold;acc\n1;80\n" + content):
        with tempfile.TemporaryDirectory() as folder:
            path = written(Path(folder) / "scores.csv", text)
            try:
                found = read_scores(path, "urbansound8k")
            except ComparisonError as error:
                said = str(error)
            else:
                assert all(0 <= value <= 100 for columns in found.arms.values() for value in columns["accuracy"])
                continue
        assert said.startswith(str(path))
