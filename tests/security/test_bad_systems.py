"""Files of systems in any state: the numbers that they state, or one error that names them; nothing is executed."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import cli
from harness.comparisons.systems.formats import read_systems
from harness.comparisons.systems.system_comparison import compare_systems, systems_from
from harness.errors import ComparisonError
from tests.comparisons.systems.formats.test_confusion_matrix import ECAPA
from tests.comparisons.systems.formats.test_hear import document as hear
from tests.comparisons.systems.formats.test_mteb import document as mteb
from tests.comparisons.systems.formats.test_xares import log as xares
from tests.security.fuzz import fuzz

TABLE = "clip,y_true,y_pred,fold,recording\na,1,1,1,r\nb,2,1,1,s\nc,1,1,2,t\nd,2,2,2,u\n"
FILES = {
    "mteb.json": json.dumps(mteb([0.5, 0.75, 0.625])),
    "hear.json": json.dumps(hear([0.5, 0.75, 0.625])),
    "xares.log": xares([0.5, 0.75, 0.625]),
    "ecapa.txt": ECAPA,
    "matrix.json": json.dumps({"classes": ["a", "b"], "matrix": [[3, 1], [0, 4]]}),
    "matrix.csv": ",a,b\na,3,1\nb,0,4\n",
    "table.csv": TABLE,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def read(path: Path) -> None:
    """Read a file and compare what it has with itself; only a ComparisonError may be raised."""
    try:
        systems = read_systems(path)
        for system in systems:
            assert 0 <= system.accuracy <= 100
        compare_systems(systems_from([f"one={path}", f"other={path}"]))
    except ComparisonError as error:
        message = str(error)
    else:
        message = "read"
    assert 0 < len(message) < 5000


@fuzz(250)
@given(
    name=st.sampled_from([*FILES]),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4),
    keep=st.just(1.0) | st.floats(0, 1),
)
def test_a_damaged_file_is_read_or_refused(name: str, edits: list[tuple[float, int]], keep: float) -> None:
    content = bytearray(FILES[name].encode())
    for place, value in edits:
        content[int(place * (len(content) - 1))] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content[: int(keep * len(content))])
        read(path)


@fuzz(250)
@given(name=st.sampled_from(["mteb.json", "hear.json", "matrix.json"]), places=st.lists(st.integers(0, 30)), value=JSON)
def test_any_value_anywhere_is_read_or_refused(name: str, places: list[int], value: Any) -> None:
    document: Any = json.loads(FILES[name])
    inside = document
    for place in places:
        keys = [*inside] if isinstance(inside, dict) else [*range(len(inside))]
        if not keys:
            break
        key = keys[place % len(keys)]
        if not isinstance(inside[key], dict | list):
            inside[key] = value
            break
        inside = inside[key]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(json.dumps(document))
        read(path)


@fuzz(100)
@given(JSON)
def test_any_json_is_read_or_refused(document: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.json"
        path.write_text(json.dumps(document))
        read(path)


def test_the_command_names_the_file_and_exits_with_2(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text(TABLE)
    hostile = {
        "pickle.pkl": b"cos\nsystem\n(S'false'\ntR.",
        "bomb.json": b"[" * 200_000,
        "binary.csv": bytes(range(256)) * 10,
        "latin.json": '{"é": 1}'.encode("latin-1"),
        "empty.json": b"",
        "empty.csv": b"",
        "excel.csv": b"PK\x03\x04xl/",
        "folder.json": None,
    }
    for name, content in hostile.items():
        path = tmp_path / name
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content)
        result = CliRunner().invoke(cli, ["compare", "--predictions", str(tmp_path / "good.csv"), str(path)])
        assert result.exit_code == 2, name
        assert isinstance(result.exception, SystemExit), name
        said = result.output.replace("\n", "")
        assert name in said, name
        assert len(result.output) < 2000, name


def test_names_with_control_characters_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "matrix.json"
    path.write_text(json.dumps({"classes": ["a\x1b[31m", "b\nerror: forged"], "matrix": [[3, -1], [0, 4]]}))
    result = CliRunner().invoke(cli, ["compare", "--predictions", str(path)])
    assert result.exit_code == 2
    assert "\x1b" not in result.output
    assert not any(line.startswith("error: forged") for line in result.output.splitlines())
