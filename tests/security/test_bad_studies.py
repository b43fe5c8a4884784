"""Study files and claims files of any kind: read, or refused in one message through every command that reads them."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from harness.claims import load_paper
from harness.cli import cli
from harness.errors import ClaimsError, StudyError
from harness.study import load_study
from harness.study.study_file import parse_study
from tests.security.conftest import House
from tests.security.fuzz import fuzz

ROOT = Path(__file__).parents[2]
STUDIES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "studies").glob("*.toml"))}
PAPERS = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "harness" / "claims" / "papers").glob("*.toml"))
}
DEEP = "x = " + "[" * 5000 + "]" * 5000
NO_TOML: dict[str, bytes] = {
    "an open bracket": b"[study\n",
    "binary": bytes(range(256)),
    "UTF-16": "[study]\nname = 'a'\n".encode("utf-16"),
    "brackets in brackets": DEEP.encode(),
    "a number of 10,000 digits": b"x = " + b"9" * 10_000,
    "a key twice": b"[study]\nname = 'a'\nname = 'b'\n",
    "a NUL": b"[study]\nname = 'a\0'\n",
    "JSON": b'{"study": {"name": "a"}}',
}


@pytest.mark.parametrize("case", NO_TOML)
def test_a_file_that_is_no_toml_is_refused_by_every_command(
    tmp_path: Path, refusal: Callable[..., str], case: str
) -> None:
    file = tmp_path / "file.toml"
    file.write_bytes(NO_TOML[case])
    for command in (["run-study"], ["plan"], ["report"], ["claims", "check"]):
        refusal(CliRunner().invoke(cli, [*command, str(file)]), str(file), "TOML")
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("command", [["run-study"], ["plan"], ["report"], ["claims", "check"]], ids=" ".join)
def test_a_place_that_is_no_file_is_refused(tmp_path: Path, refusal: Callable[..., str], command: list[str]) -> None:
    folder, gone, loop = tmp_path / "folder.toml", tmp_path / "gone.toml", tmp_path / "loop.toml"
    folder.mkdir()
    loop.symlink_to(loop)
    for path in (folder, gone, loop):
        refusal(CliRunner().invoke(cli, [*command, str(path)]), str(path))


def test_a_faulty_claims_file_beside_a_study_is_named_before_anything_runs(tmp_path: Path) -> None:
    study = tmp_path / "quickstart.toml"
    study.write_text(STUDIES["quickstart"], encoding="utf-8")
    own = tmp_path / "claims" / "mine.toml"
    own.parent.mkdir()
    for content in (b"[source", b"\xff\xfe", b"[source]\nkey = 3\n"):
        own.write_bytes(content)
        result = CliRunner().invoke(cli, ["run-study", str(study)])
        assert result.exit_code == 2
        assert result.output.startswith(f"error: {own}: ")
        assert "Traceback" not in result.output


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just({}) | st.just([])
    | st.sampled_from(["../x", "a/b", "=1+1", "\0", "\ud800", "x" * 10_000, 10**400, [[]], {"a": {"b": [1]}}])
)  # fmt: skip


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value of a document."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, value in inner for place in _places(value, (*path, key)))]


def _mutated(document: dict[str, Any], place: tuple[Any, ...], kind: str, value: Any) -> dict[str, Any]:
    node: Any = document
    for key in place[:-1]:
        node = node[key]
    if not place:
        document["surprise"] = value
    elif kind == "replace":
        node[place[-1]] = value
    elif kind == "remove":
        del node[place[-1]]
    elif isinstance(node, list):
        node.append(node[place[-1]])
    else:
        node[f"{place[-1]}{value}"] = node[place[-1]]
    return document


@fuzz(150)
@given(data=st.data(), name=st.sampled_from(sorted(STUDIES)))
def test_a_mutated_study_is_a_study_or_one_error(data: st.DataObject, name: str) -> None:
    document = tomllib.loads(STUDIES[name])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(_places(document)))
        kind = data.draw(st.sampled_from(["replace", "remove", "double"]))
        document = _mutated(document, place, kind, data.draw(VALUES))
    try:
        parse_study(document, "study.toml")
    except StudyError as error:
        told = str(error)
    else:
        return
    assert all(line.startswith("study.toml: ") for line in told.splitlines())
    assert len(told) < 20_000


@fuzz(100)
@given(
    edits=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=4), st.integers(0, 9)), min_size=1, max_size=4),
    name=st.sampled_from(sorted({**STUDIES, **PAPERS})),
)
def test_a_damaged_file_is_read_or_refused(edits: list[tuple[float, bytes, int]], name: str) -> None:
    content = {**STUDIES, **PAPERS}[name].encode()
    for place, new, gone in edits:
        at = int(place * len(content))
        content = content[:at] + new + content[at + gone :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.toml"
        path.write_bytes(content)
        try:
            load_study(path) if name in STUDIES else load_paper(path)
        except (StudyError, ClaimsError) as error:
            told = str(error)
        else:
            return
        assert str(path) in told


OVERRIDES = [
    "train.lr",
    "data.folds",
    "arms.A",
    "search.space.train.lr.low",
    "study",
    "arms.0.set.train.lr",
    "arms",
    "",
]


@fuzz(150)
@given(
    key=st.sampled_from(OVERRIDES) | st.text(alphabet="abcdefghijklmnop.0_ ", max_size=30),
    value=st.text(max_size=30) | st.sampled_from(["{}", "[[]]", "nan", "'x'", "1979-05-27", DEEP, "9" * 5000]),
)
def test_any_override_is_set_or_refused(key: str, value: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.toml"
        path.write_text(STUDIES["quickstart"], encoding="utf-8")
        try:
            load_study(path, [f"{key}={value}"])
        except StudyError as error:
            told = str(error)
        else:
            return
        assert str(path) in told or "--set" in told


LARGE = {
    "train.threads=1_000_000_000": "train.threads: must be at most 1024",
    "features.clip_seconds=1e12": "features.clip_seconds: must be at most 60",
    "features.planes.LM.n_fft=1073741824": "features.planes.LM.n_fft: must be at most 65536",
    "train.epochs=1_000_000_000_000": "train.epochs: must be at most 100000",
    "search.trials=1_000_000_000": "search.trials: must be at most 100000",
}


@pytest.mark.parametrize("command", ["run-study", "plan"])
@pytest.mark.parametrize("override", LARGE)
def test_a_number_beyond_all_machines_is_refused_before_anything_runs(
    tmp_path: Path, refusal: Callable[..., str], command: str, override: str
) -> None:
    study = tmp_path / "study.toml"
    study.write_text(STUDIES["su2019-depth"], encoding="utf-8")
    refusal(CliRunner().invoke(cli, [command, str(study), "--set", override]), str(study), LARGE[override])
    assert list(tmp_path.iterdir()) == [study]


def test_memory_that_runs_out_over_features_is_one_sentence(
    house: House, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> object:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 70368744177664 bytes")

    monkeypatch.setattr("harness.features.compute.compute", full)
    refusal(house.run(), ".wav: out of memory while computing its features", "n_fft", "--workers")
