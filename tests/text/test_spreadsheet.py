"""CSV for spreadsheets: nothing in it is a formula, numbers stay numbers, and our reader gets the original back."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.text.delimited import read_table
from harness.text.spreadsheet import as_text, csv_text, from_text

SIGNS = st.text(st.sampled_from("=+-@＝＋；;,\t\r\n'\" a1.e"), max_size=12) | st.text(max_size=12)
FORMULA = re.compile(r"\s*[=+\-@＝＋－＠].", re.DOTALL)
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


@given(SIGNS)
@settings(max_examples=500)
def test_no_part_of_a_cell_is_a_formula_and_reading_gives_the_original(cell: str) -> None:
    written = as_text(cell)
    assert from_text(written) == cell
    if not NUMBER.fullmatch(cell):
        assert not any(FORMULA.match(part) for part in re.split(r"[;\t\r\n]", written))


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ('=HYPERLINK("http://x","y")', '\'=HYPERLINK("http://x","y")'),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "\t'=1"),
        ("a;=1", "a;'=1"),
        ("'=1", "''=1"),
        ("-0.5", "-0.5"),
        ("+1e-3", "+1e-3"),
        ("-", "-"),
        ("TSCNN-DS", "TSCNN-DS"),
        ("'quoted'", "'quoted'"),
    ],
)
def test_what_is_marked_as_text(cell: str, written: str) -> None:
    assert as_text(cell) == written


@given(
    names=st.lists(SIGNS.filter(str.strip), min_size=2, max_size=2, unique=True),
    cells=st.lists(SIGNS.filter(str.strip), min_size=1, max_size=4),
    value=st.floats(allow_nan=False, allow_infinity=False),
)
@settings(max_examples=100, deadline=None)
def test_a_table_is_read_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], cells: list[str], value: float
) -> None:
    file = tmp_path_factory.mktemp("csv") / "table.csv"
    file.write_text(csv_text(pd.DataFrame({names[0]: cells, names[1]: value})), encoding="utf-8", newline="")
    with file.open(encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines, strict=True)
    assert [from_text(cell) for cell in header] == names
    assert [from_text(row[0]) for row in rows] == cells
    assert [float(row[1]) for row in rows] == [value] * len(cells)


def test_our_reader_takes_the_mark_off(tmp_path: Path) -> None:
    file = tmp_path / "scores.csv"
    file.write_text(csv_text(pd.DataFrame({"arm": ["=A1", "b"], "fold": [1, 2], "accuracy": [-0.5, 80.25]})))
    table = read_table(file)
    assert [line.cells for line in table.lines] == [("=A1", "1", "-0.5"), ("b", "2", "80.25")]


def test_numbers_are_written_as_ever() -> None:
    frame = pd.DataFrame({"a": [-0.1, np.nan], "b": [-1, 2], "c": [None, -0.25], "d": [True, False]})
    assert csv_text(frame) == frame.to_csv(index=False, lineterminator="\n")


def test_no_other_way_of_writing_csv_is_used() -> None:
    """Exceptions: the embedded data set's metadata, whose cells are constants, and a scaffold, the user's own."""
    package = Path(__file__).parents[2] / "harness"
    writes = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"\.to_csv\(|csv\.(?:writer|DictWriter)\(", path.read_text(encoding="utf-8"))
    }
    assert writes == {
        "text/spreadsheet.py",
        "data/datasets/synthetic.py",
        "testing/datasets.py",
        "scaffolds/templates/dataset.py",
    }
