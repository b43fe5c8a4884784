"""Each kind of bad metadata through the command line, and random damage of a good file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.load_clips import read_inventory
from harness.errors import DataError
from tests.security.conftest import COLUMNS, ESC10, FOLDS, House
from tests.security.fuzz import fuzz

GOOD = ",".join(COLUMNS) + "\n" + "".join(
    f"{fold}-{fold * 1000 + target}-A-{target}.wav,{fold},{target},class{target},True,{fold * 1000 + target},A\n"
    for fold in FOLDS
    for target in ESC10
)  # fmt: skip
URBAN = "slice_file_name,fsID,start,end,salience,fold,classID,class\n" + "".join(
    f"{label}-{label}-0-0.wav,{label},0.0,1.5,1,1,{label},class{label}\n" for label in range(10)
)


def _change(row: int, column: str, value: object) -> Callable[[House], None]:
    def change(house: House) -> None:
        house.rows[row][column] = value
        house.save()

    return change


def _rewrite(edit: Callable[[str], bytes]) -> Callable[[House], None]:
    def rewrite(house: House) -> None:
        house.metadata.write_bytes(edit(house.metadata.read_text(encoding="utf-8")))

    return rewrite


def _without_class(house: House) -> None:
    house.rows = [row for row in house.rows if row["target"] != 12]
    house.save()


def _twice(house: House) -> None:
    house.rows.append(house.rows[3])
    house.save()


def _folder_instead(house: House) -> None:
    house.metadata.unlink()
    house.metadata.mkdir()


def _missing_file(house: House) -> None:
    house.clip(4).unlink()


CASES: dict[str, tuple[Callable[[House], None], tuple[str, ...]]] = {
    "a missing column": (_rewrite(lambda text: text.replace("fold", "fald", 1).encode()), ("has no column 'fold'",)),
    "a column twice": (_rewrite(lambda text: text.replace("take", "fold", 1).encode()), ("one column 'fold'",)),
    "a clip twice": (_twice, ("row 32", "is already listed in", "row 5")),
    "fold 0": (_change(3, "fold", 0), ("row 5, column 'fold'", "received '0'")),
    "fold 6": (_change(3, "fold", 6), ("row 5, column 'fold'", "received '6'")),
    "a class without clips": (_without_class, ("target 12",)),
    "a class of another name": (_change(13, "category", "other"), ("row 15, column 'category'", "received 'other'")),
    "UTF-16, cut off": (_rewrite(lambda text: text.encode("utf-16")[:-1]), ("row", "not a UTF-16 text file")),
    "a workbook": (_rewrite(lambda text: b"PK\x03\x04 xl/" + text.encode()), ("workbook", "as CSV in UTF-8")),
    "Latin-1": (_rewrite(lambda text: text.replace("class0", "été", 1).encode("latin-1")), ("row 2", "0xe9")),
    "a path out of the folder": (_change(2, "filename", "../../../etc/passwd.wav"), ("row 4", "without folders")),
    "an absolute path": (_change(2, "filename", "/etc/passwd.wav"), ("row 4", "without folders")),
    "a Windows path": (_change(2, "filename", "C:\\x.wav"), ("row 4", "without folders")),
    "a formula as a number": (_change(2, "fold", "=1+1"), ("row 4, column 'fold'", "received '=1+1'")),
    "a formula as a file": (_change(2, "filename", '=HYPERLINK("http://x")'), ("row 4", "received '=HYPERLINK")),
    # It would come out in the tables of a report, where a spreadsheet would run it.
    "a formula as a class": (_change(2, "category", "=1+1"), ("row 4, column 'category'", "like a formula")),
    "a formula as a recording": (_change(2, "src_file", "@SUM(A1)"), ("row 4, column 'src_file'", "like a formula")),
    "a missing file": (_missing_file, ("1 of 30 audio files are missing", "row 6")),
    "an empty file": (_rewrite(lambda _: b""), ("is empty",)),
    "a header alone": (_rewrite(lambda text: text.partition("\n")[0].encode()), ("has a header but no clips",)),
    "a short row": (_rewrite(lambda text: (text + "a.wav,1\n").encode()), ("row 32", "2 cells, but the header has 7")),
    "an open quote": (_rewrite(lambda text: text.replace("1-1000", '"1-1000', 1).encode()), ("row",)),
    "a field without end": (
        _rewrite(lambda text: (text + "x" * 200_000 + "\n").encode()),
        ("row 32", "not valid CSV"),
    ),
    "NUL bytes": (_rewrite(lambda text: text.replace("True", "\0", 1).encode()), ("row 2",)),
    "a folder in its place": (_folder_instead, ("cannot be read",)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_metadata_is_one_sentence_with_its_place(house: House, refusal: Callable[..., str], case: str) -> None:
    spoil, said = CASES[case]
    spoil(house)
    message = refusal(house.run(), *said)
    assert str(house.metadata) in message or str(house.clip(4)) in message
    assert "; " in message
    checked = house.check()
    assert checked.exit_code == 2
    assert "Traceback" not in checked.output
    assert {path.name for path in house.folder.iterdir()} == {"data", "study.toml"}


def _read(write: Callable[[Path], object], dataset: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        file = write(root)
        try:
            read_inventory(dataset, root)
        except DataError as error:
            told = str(error)
        else:
            return
        assert str(file) in told


def _esc(content: bytes) -> Callable[[Path], Path]:
    return lambda root: _put(root / "ESC-50" / "meta" / "esc50.csv", content)


def _urban(content: bytes) -> Callable[[Path], Path]:
    return lambda root: _put(root / "UrbanSound8K" / "metadata" / "UrbanSound8K.csv", content)


def _put(file: Path, content: bytes) -> Path:
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return file


@fuzz(100)
@given(content=st.binary(max_size=200) | st.text(alphabet=',"\n\r\0;\t=ab1é', max_size=200).map(str.encode))
def test_any_bytes_after_a_good_start_are_an_inventory_or_one_error(content: bytes) -> None:
    _read(_esc(GOOD.encode() + content), "esc10")
    _read(_urban(URBAN.encode() + content), "urbansound8k")


@fuzz(200)
@given(
    edits=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=5),
    dataset=st.sampled_from(["esc10", "esc50", "esc50-categories", "urbansound8k"]),
)
def test_a_damaged_file_is_an_inventory_or_one_error(edits: list[tuple[float, bytes, int]], dataset: str) -> None:
    urban = dataset == "urbansound8k"
    content = (URBAN if urban else GOOD).encode()
    for place, new, gone in edits:
        at = int(place * len(content))
        content = content[:at] + new + content[at + gone :]
    _read(_urban(content) if urban else _esc(content), dataset)
