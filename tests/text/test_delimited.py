"""The one reader of tables: delimiters, encodings, spreadsheets' ways, and where a fault is said to be."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.text.delimited import Table, TableError, number, read_table, whole


def read(content: str | bytes, *, comments: bool = False) -> Table:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, comments=comments)


def rows(table: Table) -> list[tuple[int, tuple[str, ...]]]:
    return [(line.number, line.cells) for line in table.lines]


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,2.5\n",
        "a;b\r\n1;2.5\r\n",
        "a\tb\r1\t2.5\r",
        "\ufeffa,b\n1,2.5\n",
        "a\tb\n1\t2.5\n".encode("utf-16"),
        b"\xfe\xff" + "a,b\n1,2.5\n".encode("utf-16-be"),
        '"a","b"\n"1","2.5"\n',
        "a,b,\n1,2.5,\n",
        "a,b\n1,2.5,,\n",
        "a,b\n1,2.5\n,\n  ,\n\n",
        " \n\na;b\n1;2.5\n",
        "sep=,\na,b\n1,2.5\n",
    ],
)
def test_one_table_in_many_forms(content: str | bytes) -> None:
    table = read(content)
    assert table.header == ("a", "b")
    assert [line.cells for line in table.lines] == [("1", "2.5")]


def test_rows_carry_the_line_they_end_in() -> None:
    assert rows(read('sep=;\na;b\n1;"x\ny"\n\n2;z\n')) == [(4, ("1", "x\ny")), (6, ("2", "z"))]
    assert rows(read("# one\n# two\na,b\n1,2\n# three\n3,4\n", comments=True)) == [(4, ("1", "2")), (6, ("3", "4"))]


def test_a_number_sign_starts_a_value_where_comments_are_not_asked_for() -> None:
    assert rows(read("a,b\n#1,2\n")) == [(2, ("#1", "2"))]


def test_what_excel_says_of_its_delimiter_goes_before_what_is_seen() -> None:
    table = read("sep=;\na,b;c\n1,5;2\n")
    assert (table.header, table.decimal_comma) == (("a,b", "c"), True)


def test_an_unnamed_first_column_is_kept_and_empty_names_behind_the_last_are_not() -> None:
    assert read(",a,b,,\n0,1,2,,\n").header == ("", "a", "b")


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("a,b\n1,2\n3\n", 3, "1 cells, but the header has 2: 3"),
        ("a,b\n1,2,3\n", 2, "3 cells, but the header has 2: 1 | 2 | 3"),
        ('a,b\n1,"2\n', 2, "not valid CSV"),
        ("a,b\n1," + "x" * 200_000 + "\n", 2, "not valid CSV: field larger than field limit"),
        ("x" * 200_000 + "\n", 1, "not valid CSV: field larger than field limit"),
        (b"a,b\n1,\xe9\n", 2, "not a UTF-8 text file (byte 6): received 0xe9"),
        ("a,b\n1,2\n".encode("utf-16")[:-1], 2, "not a UTF-16 text file"),
        (b"PK\x03\x04...xl/workbook.xml", None, "is an Excel workbook (.xlsx), not text"),
    ],
)
def test_what_is_no_table_names_its_line(content: str | bytes, line: int | None, said: str) -> None:
    with pytest.raises(TableError) as error:
        read(content)
    assert error.value.line == line
    assert said in error.value.fault
    assert len(error.value.fault) < 200


@pytest.mark.parametrize(
    ("text", "comma", "expected"),
    [
        (" 1.5 ", False, 1.5),
        ("1e2", False, 100.0),
        ("1,5", True, 1.5),
        ("-1,5", True, -1.5),
        ("1,5", False, math.nan),
        ("1.234,5", True, math.nan),
        ("1,234,5", True, math.nan),
        ("1_0", False, math.nan),
        ("٣", False, math.nan),
        ("", False, math.nan),
        ("x", True, math.nan),
    ],
)
def test_numbers(text: str, comma: bool, expected: float) -> None:
    assert number(text, decimal_comma=comma) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "comma", "expected"),
    [
        ("3", False, 3),
        (" 3.0 ", False, 3),
        ("3.", False, 3),
        ("-3.00", False, -3),
        ("3,0", True, 3),
        ("3,0", False, None),
        ("3.5", False, None),
        ("1e3", False, None),
        ("", False, None),
        (".0", False, None),
        ("9" * 19, False, None),
    ],
)
def test_whole_numbers(text: str, comma: bool, expected: int | None) -> None:
    assert whole(text, decimal_comma=comma) == expected


# A cell alone must not look like Excel's line, a decimal comma, or nothing.
CELL = st.text(alphabet="abc 1.\"'\né", min_size=1, max_size=6).map(lambda text: f"x{text}x")


@given(
    cells=st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=5)
    ),
    delimiter=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_csv_module_writes_is_read_back(
    cells: list[list[str]], delimiter: str, encoding: str, end: str
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(cells)
    table = read(text.getvalue().encode(encoding))
    assert [list(table.header), *(list(line.cells) for line in table.lines)] == cells


@given(content=st.binary(max_size=80) | st.text(alphabet='a1,;\t\n\r"#=sep. \ufeff\0', max_size=60).map(str.encode))
def test_any_bytes_are_a_table_or_one_fault(content: bytes) -> None:
    with contextlib.suppress(TableError):
        table = read(content, comments=True)
        assert all(len(line.cells) == len(table.header) for line in table.lines)
