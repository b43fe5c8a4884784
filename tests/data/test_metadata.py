"""Every fault of a metadata file is one message with file, row, column, value and remedy."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pytest
from pydantic import Field

from harness.data.inventory import Inventory, dataset_folder
from harness.data.load_clips import read_inventory
from harness.data.metadata import FileName, Flag, Identifier, Row, Seconds, Text, between, read_rows
from harness.errors import DataError
from harness.registry import DATASETS
from tests.data.conftest import ESC10


class _Numbered(Row):
    name: Text
    n: Annotated[int, between(1)]


class _Timed(_Numbered):
    s: Seconds


def _file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    return path


def test_rows_carry_their_line_and_values(tmp_path: Path) -> None:
    path = _file(tmp_path, b'\xef\xbb\xbfname,n,more\r\n"a,b.wav",1,x\r\n\r\nc.wav,2,y\r\n')
    rows = read_rows(path, _Numbered)
    assert [(row.name, row.n) for row in rows] == [("a,b.wav", 1), ("c.wav", 2)]
    assert [row.origin for row in rows] == [f"{path}, row 2", f"{path}, row 4"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ["is empty"]),
        (b"name,n\n", ["no clip"]),
        (b"name,other\na.wav,1\n", ["has no column 'n'", "name, other"]),
        (b"name,n,n\na.wav,1,2\n", ["more than one column 'n'"]),
        (b"name,n\na.wav,1\nb.wav\n", ["row 3", "1 cells, but the header has 2: b.wav"]),
        (b"name,n\na.wav,1,9\n", ["row 2", "3 cells, but the header has 2: a.wav | 1 | 9"]),
        (b"name,n\na.wav,1\nb\xe9.wav,2\n", ["row 3", "0xe9", "UTF-8"]),
        ("name,n\na.wav,1\n".encode("utf-16")[:-1], ["row", "not a UTF-16 text file"]),
        (b"PK\x03\x04\x14\0\0\0xl/workbook.xml", ["is an Excel workbook (.xlsx)", "save the table as CSV"]),
    ],
)
def test_a_faulty_file_is_refused(tmp_path: Path, content: bytes, said: list[str]) -> None:
    path = _file(tmp_path, content)
    with pytest.raises(DataError) as raised:
        read_rows(path, _Numbered)
    for words in [str(path), *said]:
        assert words in str(raised.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.csv: cannot be read"):
        read_rows(tmp_path / "absent.csv", _Numbered)


class _Integer(Row):
    x: Annotated[int, between(1, 5)]


class _SecondsRow(Row):
    x: Seconds


class _FlagRow(Row):
    x: Flag


class _FileNameRow(Row):
    x: FileName


class _TextRow(Row):
    x: Text


class _IdentifierRow(Row):
    x: Identifier


class _Aliased(Row):
    label: Annotated[int, between(0, 9), Field(alias="class")]


MODELS: dict[str, type[Row]] = {
    "integer": _Integer,
    "seconds": _SecondsRow,
    "flag": _FlagRow,
    "file_name": _FileNameRow,
    "text": _TextRow,
    "identifier": _IdentifierRow,
}


def _read(tmp_path: Path, model: str, value: str) -> Any:
    """Return field x of a row in which it has ``value``."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("y", "x"), ("y", value)])
    return vars(read_rows(_file(tmp_path, buffer.getvalue().encode()), MODELS[model])[0])["x"]


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        *[("integer", value) for value in ("0", "6", "1.5", "1.01", "1,0", ".0", "one", "", "1e3", "-1", "٣")],
        *[("seconds", value) for value in ("", "nan", "inf", "-0.1", "4 s", "4,5", "1_0", "٣")],
        *[("flag", value) for value in ("", "1", "yes")],
        *[("file_name", value) for value in ("../a.wav", "/a.wav", "x/a.wav", "x\\a.wav", "C:a.wav", "..", ".a.wav")],
        *[("file_name", value) for value in ("a", "", "a\n.wav", "a\0.wav")],
        ("text", "  "),
        ("identifier", ""),
        ("identifier", "=1.0"),
    ],
)
def test_a_value_that_does_not_fit_names_its_place(tmp_path: Path, reader: str, value: str) -> None:
    with pytest.raises(DataError) as raised:
        _read(tmp_path, reader, value)
    assert re.fullmatch(
        rf"{re.escape(str(tmp_path))}.table\.csv, row \d, column 'x': received {re.escape(repr(value.strip()))}, "
        r"expected (an? |True or False).*; restore the original metadata file, or correct this row",
        str(raised.value),
    )


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        ("integer", " 5 ", 5),
        ("integer", "5.0", 5),
        ("seconds", "4.25", 4.25),
        ("flag", "TRUE", True),
        ("flag", "False", False),
        ("flag", "WAHR", True),
        ("flag", "Faux", False),
        ("identifier", "100032", "100032"),
        ("identifier", "100032.0", "100032"),
        ("identifier", "100032.5", "100032.5"),
        ("identifier", "1000.", "1000."),
        ("identifier", "v1.0", "v1.0"),
        ("file_name", "1-100032-A-0.wav", "1-100032-A-0.wav"),
    ],
)
def test_a_value_that_fits_is_read(tmp_path: Path, reader: str, value: str, expected: object) -> None:
    assert _read(tmp_path, reader, value) == expected


def test_a_column_that_is_no_python_name_is_an_alias(tmp_path: Path) -> None:
    (row,) = read_rows(_file(tmp_path, b"class\n3\n"), _Aliased)
    assert row.label == 3
    with pytest.raises(DataError, match=r"row 2, column 'class': received '3', expected another"):
        row.fail("label", "another")
    with pytest.raises(DataError, match=r"row 2, column 'class': received '10', expected an integer from 0 to 9"):
        read_rows(_file(tmp_path, b"class\n10\n"), _Aliased)


def test_a_decimal_comma_counts_where_commas_part_no_cells(tmp_path: Path) -> None:
    rows = read_rows(_file(tmp_path, b"name;n;s\na.wav;1,0;58,5\n;;\n"), _Timed)
    assert [(row.n, row.s) for row in rows] == [(1, 58.5)]


def _original(esc: bool) -> str:
    """Return metadata of the two layouts with every kind of column."""
    if esc:
        return "filename,fold,target,category,esc10,src_file,take\n" + "".join(
            f"{1 + row % 5}-{1000 + row}-A-{row % 50}.ogg,{1 + row % 5},{row % 50},class {row % 50},"
            f"{row % 50 in ESC10},{1000 + row},A\n"
            for row in range(300)
        )
    return "slice_file_name,fsID,start,end,salience,fold,classID,class\n" + "".join(
        f"{1000 + row}-{row % 10}-0-{row}.wav,{1000 + row},{row * 0.317551!r},{row * 0.317551 + 4!r},1,{1 + row % 10},"
        f"{row % 10},class_{row % 10}\n"
        for row in range(300)
    )


def _pandas(text: str) -> bytes:
    return pd.read_csv(io.StringIO(text)).to_csv(index=False).encode()


def _pandas_index(text: str) -> bytes:
    return pd.read_csv(io.StringIO(text)).to_csv().encode()


def _pandas_empty_rows(text: str) -> bytes:
    """Return what pandas makes of a file with empty rows at its end: every whole number with a fraction of zero."""
    table = pd.read_csv(io.StringIO(text))
    return table.reindex(range(len(table) + 3)).to_csv(index=False).encode()


def _excel(text: str, *, separator: str = "", encoding: str = "utf-8-sig", delimiter: str = ";") -> bytes:
    """Return what a German Excel saves of it."""
    table = pd.read_csv(io.StringIO(text), dtype=str).replace({"True": "WAHR", "False": "FALSCH"})
    for column in {"start", "end"} & set(table):
        table[column] = table[column].str.replace(".", ",")
    body = (
        table.to_csv(index=False, sep=delimiter, lineterminator="\r\n")
        + f"{delimiter * (len(table.columns) - 1)}\r\n" * 2
    )
    return (separator + body).encode(encoding)


SAVED: dict[str, Callable[[str], bytes]] = {
    "pandas": _pandas,
    "pandas with its index": _pandas_index,
    "pandas, empty rows": _pandas_empty_rows,
    "Excel": _excel,
    "Excel, plain UTF-8": lambda text: _excel(text, encoding="utf-8"),
    "Excel, sep=": lambda text: _excel(text, separator="sep=;\r\n"),
    "Excel, Unicode text": lambda text: _excel(text, encoding="utf-16", delimiter="\t"),
    "a trailing comma": lambda text: text.replace("\n", ",\n").encode(),
    "a trailing comma below the header": lambda text: text.replace("\n", ",\n").replace(",\n", "\n", 1).encode(),
    "all quoted": lambda text: pd.read_csv(io.StringIO(text), dtype=str).to_csv(index=False, quoting=1).encode(),
    "old line ends": lambda text: text.replace("\n", "\r").encode(),
}


def _inventory(root: Path, dataset: str, content: bytes) -> Inventory:
    esc = dataset != "urbansound8k"
    file = root / "ESC-50" / "meta" / "esc50.csv" if esc else root / "UrbanSound8K" / "metadata" / "UrbanSound8K.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    found = read_inventory(dataset, root)
    return replace(found, entries=tuple(replace(entry, origin="") for entry in found.entries))


def _same(root: Path, dataset: str, text: str, saved: Callable[[str], bytes]) -> None:
    one, other = (_inventory(root, dataset, content) for content in (text.encode(), saved(text)))
    assert one == other


@pytest.mark.parametrize("saved", SAVED)
@pytest.mark.parametrize("dataset", ["esc50", "esc10", "urbansound8k"])
def test_metadata_that_a_program_saved_again_is_the_same_inventory(tmp_path: Path, dataset: str, saved: str) -> None:
    _same(tmp_path, dataset, _original(dataset != "urbansound8k"), SAVED[saved])


@pytest.mark.parametrize("saved", SAVED)
def test_esc_50_saved_again_is_the_same_inventory(esc_root: Path, tmp_path: Path, saved: str) -> None:
    text = (dataset_folder(DATASETS.get("esc50"), esc_root) / "meta" / "esc50.csv").read_text(encoding="utf-8")
    for dataset in ("esc10", "esc50"):
        _same(tmp_path, dataset, text, SAVED[saved])


@pytest.mark.parametrize("saved", SAVED)
def test_urbansound8k_saved_again_is_the_same_inventory(urbansound_root: Path, tmp_path: Path, saved: str) -> None:
    text = (urbansound_root / "UrbanSound8K" / "metadata" / "UrbanSound8K.csv").read_text(encoding="utf-8")
    _same(tmp_path, "urbansound8k", text, SAVED[saved])
