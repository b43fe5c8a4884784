"""Every fault of a metadata file is one message with file, row, column, value and remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.data.metadata import Row, read_rows
from harness.errors import DataError


def _file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    return path


def test_rows_carry_their_line_and_values(tmp_path: Path) -> None:
    path = _file(tmp_path, b'\xef\xbb\xbfname,n,more\r\n"a,b.wav",1,x\r\n\r\nc.wav,2,y\r\n')
    rows = read_rows(path, ("name", "n"))
    assert [(row.line, row.text("name"), row.integer("n", 1)) for row in rows] == [(2, "a,b.wav", 1), (4, "c.wav", 2)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ["is empty"]),
        (b"name,n\n", ["no clip"]),
        (b"name,other\na.wav,1\n", ["has no column 'n'", "name, other"]),
        (b"name,n,n\na.wav,1,2\n", ["more than one column 'n'"]),
        (b"name,n\na.wav,1\nb.wav\n", ["row 3", "received 1 values, expected 2"]),
        (b"name,n\na.wav,1,9\n", ["row 2", "received 3 values, expected 2"]),
        (b"name,n\na.wav,1\nb\xe9.wav,2\n", ["row 3", "0xe9", "UTF-8"]),
        ("name,n\na.wav,1\n".encode("utf-16"), ["row 1", "UTF-8"]),
    ],
)
def test_a_faulty_file_is_refused(tmp_path: Path, content: bytes, said: list[str]) -> None:
    path = _file(tmp_path, content)
    with pytest.raises(DataError) as raised:
        read_rows(path, ("name", "n"))
    for words in [str(path), *said]:
        assert words in str(raised.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.csv: cannot be read"):
        read_rows(tmp_path / "absent.csv", ("name",))


READERS: dict[str, Callable[[Row], object]] = {
    "integer": lambda row: row.integer("x", 1, 5),
    "seconds": lambda row: row.seconds("x"),
    "flag": lambda row: row.flag("x"),
    "file_name": lambda row: row.file_name("x"),
    "text": lambda row: row.text("x"),
}


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        *[("integer", value) for value in ("0", "6", "1.0", "one", "", "1e3", "-1", "٣")],
        *[("seconds", value) for value in ("", "nan", "inf", "-0.1", "4 s")],
        *[("flag", value) for value in ("", "1", "yes")],
        *[("file_name", value) for value in ("../a.wav", "/a.wav", "x/a.wav", "x\\a.wav", "C:a.wav", "..", ".a.wav")],
        *[("file_name", value) for value in ("a", "", "a\n.wav", "a\0.wav")],
        ("text", "  "),
    ],
)
def test_a_value_that_does_not_fit_names_its_place(reader: str, value: str) -> None:
    row = Row(Path("meta.csv"), 7, {"x": value})
    with pytest.raises(DataError) as raised:
        READERS[reader](row)
    message = str(raised.value)
    assert "meta.csv, row 7, column 'x'" in message
    assert f"received {value!r}" in message
    assert "expected" in message


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        ("integer", " 5 ", 5),
        ("seconds", "4.25", 4.25),
        ("flag", "TRUE", True),
        ("flag", "False", False),
        ("file_name", "1-100032-A-0.wav", "1-100032-A-0.wav"),
    ],
)
def test_a_value_that_fits_is_read(reader: str, value: str, expected: object) -> None:
    assert READERS[reader](Row(Path("meta.csv"), 7, {"x": value})) == expected
