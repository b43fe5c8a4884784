"""Reports of somebody else: damaged, crafted or forged ones are refused in one sentence, before anything is trained."""

from __future__ import annotations

import copy
import importlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import cli
from harness.errors import HarnessError
from harness.replay.sources import ReportSource
from harness.report.folder.check import check_report
from harness.report.folder.predictions_file import PREDICTIONS
from harness.report.folder.read import open_report
from harness.report.folder.results_file import RESULTS
from harness.report.overview import overview, read_report
from harness.report.write import write_report
from tests.records import searched_record
from tests.security.fuzz import fuzz

COMMITTED = Path(__file__).parents[2] / "reports"
REAL = COMMITTED / "resnet18-esc10"
SEVERAL_PROTOCOLS = COMMITTED / "protocols-esc10"
Refusal = Callable[..., str]


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small report: two arms and their fusion, two folds, a search, a comparison."""
    record = searched_record()
    folder = tmp_path_factory.mktemp("written") / record.name
    write_report(record, folder, pdf=False)
    return folder


@pytest.fixture
def report(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "reports" / written.name))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def harness(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(each) for each in arguments])


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    found = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    change(found)
    (folder / RESULTS).write_text(json.dumps(found), encoding="utf-8")


def edit_table(folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_parquet(folder / PREDICTIONS)).to_parquet(folder / PREDICTIONS, index=False)


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    def train(*_: object) -> None:
        raise AssertionError("a training was begun")

    monkeypatch.setattr(importlib.import_module("harness.replay.train_again"), "rebuild_inputs", train)


FORGERIES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "accuracy in results.json": (
        "results.json, $.arms[0].mean.macro_accuracy: published 0.972",
        lambda folder: edit(folder, lambda found: found["arms"][0]["mean"].update(macro_accuracy=0.972)),
    ),
    "accuracy of a run": (
        "results.json, $.arms[0].runs[1].macro_accuracy: published 0.972",
        lambda folder: edit(folder, lambda found: found["arms"][0]["runs"][1].update(macro_accuracy=0.972)),
    ),
    "verdict": (
        "results.json, $.comparisons[0].verdict: published",
        lambda folder: edit(folder, lambda found: found["comparisons"][0].update(verdict="consistent")),
    ),
    "words of the front page": (
        "README.md, line",
        lambda folder: replace_in(folder / "README.md", "## Findings", "## Findings\n\nIt reaches 97.2 %.\n"),
    ),
    "table": ("tables/", lambda folder: replace_in(next((folder / "tables").glob("*.tex")), "&", "& 97.2")),
    "table as CSV": ("tables/", lambda folder: replace_in(next((folder / "tables").glob("*.csv")), ",", ",0.972")),
    "document": ("report.tex, line", lambda folder: replace_in(folder / "report.tex", r"\section", r"97.2 \section")),
    "predictions": (
        "results.json, $.arms[0].mean.macro_accuracy",
        lambda folder: edit_table(folder, all_right),
    ),
}


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def all_right(table: pd.DataFrame) -> pd.DataFrame:
    """Return predictions that name the true class of every clip, for all arms."""
    columns = [name for name in table if name.startswith("p_")]
    table[columns] = np.eye(len(columns), dtype=np.float32)[table["y_true"]]
    return table


@pytest.mark.slow
@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_report_is_not_equal_and_not_trained(report: Path, forgery: str) -> None:
    said, forge = FORGERIES[forgery]
    forge(report)
    before = contents(report)
    for arguments in (("report", "--check", report), ("replay", report)):
        result = harness(*arguments)
        assert result.exit_code == 1, result.output
        assert "NOT EQUAL" in result.output
        assert said in " ".join(result.output.split())
    assert contents(report) == before


def test_an_honest_report_is_equal_and_its_limits_are_named(report: Path) -> None:
    before = contents(report)
    result = harness("report", "--check", report)
    told = " ".join(result.output.split())
    assert result.exit_code == 0, result.output
    assert "EQUAL: the report matches its predictions" in told
    assert "report.html, README.md and report.tex" in told
    assert "taken from the record, not checked: study file" in told
    assert "searches and chosen values" in told
    assert "figures" in told
    assert "harness replay trains them again" in told
    assert contents(report) == before


def garbage(path: Path, content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / path).write_bytes(content) and None


def rows(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    return lambda folder: edit_table(folder, change)


def results(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    return lambda folder: edit(folder, change)


def cells(name: str, value: object, kind: str | None = None) -> Callable[[Path], None]:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        own = table[name].astype(kind) if kind else table[name].copy()
        own.iloc[3] = value
        return table.assign(**{name: own})

    return rows(change)


BAD: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "no JSON": (garbage(Path(RESULTS), b"{"), (RESULTS, "not valid JSON")),
    "latin-1": (garbage(Path(RESULTS), b'{"a": "\xe9"}'), (RESULTS, "not UTF-8 text (byte 7)")),
    "nested": (garbage(Path(RESULTS), b"[" * 100_000), (RESULTS, "nested too deeply")),
    "nested less": (garbage(Path(RESULTS), b'{"a":' + b"[" * 60 + b"]" * 60 + b"}"), ("deeper than 40 levels",)),
    "digits": (garbage(Path(RESULTS), b'{"a": ' + b"9" * 5000 + b"}"), (RESULTS, "not valid JSON")),
    "a list": (garbage(Path(RESULTS), b"[]"), ("$: expected an object, received []",)),
    "a key twice": (garbage(Path(RESULTS), b'{"a": 1, "a": 2}'), ("the key 'a' is given twice",)),
    "half a character": (garbage(Path(RESULTS), b'{"a": "\\ud800"}'), ("$.a: expected text, received half",)),
    "NaN": (results(lambda found: found["study"].update(seconds=float("nan"))), ("$.study.seconds", "received nan")),
    "infinity": (garbage(Path(RESULTS), b'{"a": [1, 1e999]}'), ("$.a[1]: expected a finite number, received inf",)),
    "huge": (results(lambda found: found["study"].update(seed=10**30)), ("$.study.seed", "at most 64 bits")),
    "version": (results(lambda found: found.update(schema=99)), ("$.schema: input should be 2 or 3, received 99",)),
    "deleted": (results(lambda found: found["arms"][1].pop("runs")), ("$.arms[1].runs: field required",)),
    "type": (
        results(lambda found: found["arms"][0]["runs"][2].update(fold="x")),
        ("$.arms[0].runs[2].fold: input should be a valid integer, received 'x'",),
    ),
    "study": (results(lambda found: found["spec"].update(train={"epochs": -1})), ("$.spec: train.epochs",)),
    "other study": (results(lambda found: found["study"].update(name="x")), ("$.study.name: expected",)),
    "other arms": (results(lambda found: found["arms"].reverse()), ("$.arms: expected the arms of $.spec",)),
    "chosen": (
        results(lambda found: found["selection"]["chosen"][0].update({"train.lr": "fast"})),
        ("$.selection.chosen[0]", "lr"),
    ),
    "fold": (
        results(lambda found: found["arms"][0]["runs"][0].update(fold=9)),
        ("$.arms[0].runs[0].fold: expected a fold that the study tests", "received 9"),
    ),
    "clips": (
        results(lambda found: found["arms"][0]["runs"][0].update(n_clips=11)),
        ("$.arms[0].runs[0].n_clips: expected 10", "received 11"),
    ),
    "a training too many": (
        results(lambda found: found["arms"][0]["runs"].append({**found["arms"][0]["runs"][0], "seed": 7})),
        ("$.arms[0].runs[3]", "expected 0, the rows of arm 'LMCNet', fold 1, seed 7"),
    ),
    "no table": (lambda folder: (folder / PREDICTIONS).unlink(), (PREDICTIONS, "no such file")),
    "garbage": (garbage(Path(PREDICTIONS), b"PAR1" + bytes(1000) + b"PAR1"), (PREDICTIONS, "cannot be read")),
    "a column less": (rows(lambda table: table.drop(columns="p_3")), ("column 'p_3' is missing",)),
    "a column more": (rows(lambda table: table.assign(p_10=0.0)), ("column 'p_10'",)),
    "text for numbers": (rows(lambda table: table.astype({"fold": str})), ("column 'fold': expected whole numbers",)),
    "nested column": (rows(lambda table: table.assign(p_0=[[0.1]] * len(table))), ("column 'p_0': expected float",)),
    "null": (cells("clip_id", None), ("column 'clip_id': 1 values are missing",)),
    "a fold of none": (cells("fold", 0), ("row 3 (arm", "expected fold in 1..2147483647, received '0'")),
    "label": (cells("y_true", 10), ("row 3", "expected y_true in 0..9, received '10'")),
    "not a number": (cells("p_2", float("nan"), "float64"), (PREDICTIONS, "p_2")),
    "endless": (cells("p_2", float("inf")), ("row 3", "expected p_2 in 0..1, received 'inf'")),
    "sum": (cells("p_2", 0.99), ("row 3", "should sum to 1")),
    "twice": (rows(lambda table: pd.concat([table, table.iloc[[5]]])), ("repeats an earlier row's arm",)),
    "an arm of nobody": (cells("arm", "other"), ("arm 'other'", "no such training")),
    "two labels": (
        rows(lambda table: table.assign(y_true=table["y_true"].where(table["arm"] != "MCNet", 0))),
        ("the clip has another y_true in an earlier row",),
    ),
    "long text": (cells("recording", "x" * 5000), ("longer than 1000 bytes",)),
    "empty": (rows(lambda table: table.iloc[:0]), ("holds no row",)),
}


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("fault", BAD)
def test_a_bad_report_is_refused_before_anything_is_done(report: Path, fault: str, refusal: Refusal) -> None:
    spoil, said = BAD[fault]
    spoil(report)
    before = contents(report)
    for arguments in (("report", report), ("report", "--check", report), ("replay", report)):
        refusal(harness(*arguments), str(report), *said)
    assert contents(report) == before


@pytest.mark.parametrize("fault", [name for name, (_, said) in BAD.items() if RESULTS in said or "$" in said[0]])
def test_overview_goes_through_the_same_door(tmp_path: Path, fault: str, refusal: Refusal) -> None:
    spoil, _ = BAD[fault]
    folder = Path(shutil.copytree(SEVERAL_PROTOCOLS, tmp_path / "report"))
    try:
        spoil(folder)
    except (KeyError, IndexError):
        pytest.skip("this report has no such value")
    result = harness("overview", folder, "--output", tmp_path / "overview")
    if result.exit_code:
        refusal(result, str(folder))
        assert not (tmp_path / "overview").exists()
    else:
        assert fault in ("chosen", "fold", "clips", "a training too many", "other study", "other arms", "study")


@pytest.mark.slow
def test_a_short_file_that_claims_many_rows_or_repeats_a_long_text_takes_no_memory(
    report: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A report may have 256 times as many rows, which take a minute to write.
    monkeypatch.setattr("harness.report.folder.predictions_file.MOST_ROWS", 2**16)
    table = pq.read_table(report / PREDICTIONS)
    many = pa.table({name: pa.array(np.repeat(table[name].to_numpy()[:1], 2**16 + 1)) for name in table.column_names})
    pq.write_table(many, report / PREDICTIONS, compression="zstd")
    assert (report / PREDICTIONS).stat().st_size < 2**21
    refusal(harness("report", "--check", report), "65,537 rows")
    texts = pa.DictionaryArray.from_arrays(np.zeros(4096, np.int32), ["x" * 2**20])
    pq.write_table(table.slice(0, 1).take([0] * 4096).set_column(3, "clip_id", texts), report / PREDICTIONS)
    assert (report / PREDICTIONS).stat().st_size < 2**22
    refusal(harness("report", "--check", report), "longer than 1000 bytes")


# -- fuzzing ----------------------------------------------------------------------------------------------------------

VALUES: list[Any] = [
    None, True, -1, 0, 1, 3, 1e308, -1e308, 10**18, 10**40, float("nan"), float("inf"), 0.5, "", "x", "1", "LMCNet",
    "\ud800", "\0", "x" * 3000, [], {}, [None], [[]], {"": None}, [1, 2, 3], {"name": 3},
]  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn, document: dict[str, Any]) -> bytes:
    """Return ``document`` as JSON text, with a few places of it spoilt, and sometimes the text itself."""
    found = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 2))):
        node: Any = found
        while True:
            places = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not places:
                break
            place = draw(st.sampled_from(places))
            inside = isinstance(node[place], dict | list) and len(node[place]) > 0
            if inside and draw(st.integers(0, 4)):
                node = node[place]
                continue
            match draw(st.sampled_from(["value", "value", "delete", "rename", "deep"])):
                case "delete":
                    del node[place]
                case "rename" if isinstance(node, dict):
                    node[draw(st.sampled_from(["", "other", "0", "name", "fold"]))] = node.pop(place)
                case "deep":
                    node[place] = json.loads("[" * 45 + "]" * 45)
                case _:
                    node[place] = copy.deepcopy(draw(st.sampled_from(VALUES)))
            break
    content = json.dumps(found).encode()
    match draw(st.sampled_from([*["whole"] * 12, "cut", "utf-16", "mark", "byte"])):
        case "cut":
            return content[: draw(st.integers(0, len(content)))]
        case "utf-16":
            return content.decode().encode("utf-16")
        case "mark":
            return b"\xef\xbb\xbf" + content
        case "byte":
            position = draw(st.integers(0, len(content) - 1))
            return content[:position] + bytes([draw(st.integers(0, 255))]) + content[position + 1 :]
    return content


def column(draw: st.DrawFn, table: pa.Table) -> pa.Table:
    """Return ``table`` with one column of another type, or with one strange value."""
    position = draw(st.integers(0, table.num_columns - 1))
    name, n = table.column_names[position], table.num_rows
    own = table[name].to_pylist()
    row = draw(st.integers(0, n - 1))
    value = draw(
        st.sampled_from([None, float("nan"), float("inf"), -1, 0, 2, 2**62, "", "x", "LMCNet", b"\xff", [1], {"a": 1}])
    )
    made: Any
    match draw(st.sampled_from(["value", "all", "list", "struct", "decimal", "bytes", "null", "float16", "time"])):
        case "value":
            own[row] = value
            try:
                made = pa.array(own)
            except (pa.ArrowException, TypeError, ValueError):
                made = pa.nulls(n)
        case "all":
            made = pa.array([value] * n)
        case "list":
            made = pa.array([[each] for each in own])
        case "struct":
            made = pa.array([{"a": each} for each in own])
        case "decimal":
            made = pa.array(range(n)).cast(pa.decimal128(38, 2))
        case "bytes":
            made = pa.array([b"\xff\xfe"] * n)
        case "float16":
            made = pa.array(np.zeros(n, np.float16))
        case "time":
            made = pa.array(range(n)).cast(pa.timestamp("ns"))
        case _:
            made = pa.nulls(n)
    return table.set_column(position, name, made)


@st.composite
def spoilt_table(draw: st.DrawFn, path: Path) -> bytes:
    """Return the table at ``path`` as a Parquet file, with something of it spoilt."""
    table = pq.read_table(path)
    names = table.column_names
    match draw(
        st.sampled_from(["column", "column", "drop", "rename", "rows", "repeat", "twice", "metadata", "bytes", "bytes"])
    ):
        case "column":
            table = column(draw, table)
        case "drop":
            table = table.drop_columns([draw(st.sampled_from(names))])
        case "rename":
            other = draw(st.sampled_from([*names, "", "p_", "p_x", "p_99", "index"]))
            table = table.rename_columns([other if name == names[draw(st.integers(0, 9))] else name for name in names])
        case "rows":
            table = table.slice(draw(st.integers(0, table.num_rows)), draw(st.integers(0, 20)))
        case "repeat":
            table = pa.concat_tables([table, table.slice(draw(st.integers(0, table.num_rows - 1)), 1)])
        case "twice":
            table = table.append_column(names[0], table[names[0]])
        case "metadata":
            table = table.replace_schema_metadata(
                {"pandas": draw(st.sampled_from(["{", "[]", '{"index_columns": 3}', "null"]))}
            )
        case "bytes":
            content = bytearray(path.read_bytes())
            for _ in range(draw(st.integers(1, 3))):
                # The end names every column and page.
                place = draw(
                    st.one_of(
                        st.integers(0, len(content) - 1), st.integers(1, min(len(content), 4000)).map(lambda n: -n)
                    )
                )
                content[place] = draw(st.integers(0, 255))
            return bytes(content[: draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))])
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    content = sink.getvalue().to_pybytes()
    return bytes(content)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real")
    for name in (RESULTS, PREDICTIONS):
        shutil.copy(REAL / name, folder / name)
    return folder


@pytest.mark.slow
@fuzz(150)
@given(data=st.data())
def test_any_results_are_read_or_refused(real: Path, data: st.DataObject) -> None:
    whole = (REAL / RESULTS).read_bytes()
    (real / RESULTS).write_bytes(data.draw(spoilt(json.loads(whole))))
    try:
        with suppress(HarnessError):
            opened = open_report(real)
            assert ReportSource(real).run.folds
            assert set(opened.predictions["arm"]) == {arm.name for arm in opened.results.arms if arm.runs}
    finally:
        (real / RESULTS).write_bytes(whole)


@pytest.mark.slow
@fuzz(200)
@given(data=st.data())
def test_any_predictions_are_read_or_refused(real: Path, data: st.DataObject) -> None:
    (real / PREDICTIONS).write_bytes(data.draw(spoilt_table(REAL / PREDICTIONS)))
    try:
        with suppress(HarnessError):
            frame = open_report(real).predictions
            assert np.isfinite(frame.filter(regex=r"^p_\d+$").to_numpy()).all()
    finally:
        shutil.copy(REAL / PREDICTIONS, real / PREDICTIONS)


@pytest.mark.slow
@fuzz(40)
@given(data=st.data())
def test_any_report_is_equal_or_not_or_refused(written: Path, data: st.DataObject) -> None:
    before = (written / RESULTS).read_bytes()
    (written / RESULTS).write_bytes(data.draw(spoilt(json.loads(before))))
    try:
        with suppress(HarnessError):
            check_report(written)
    finally:
        (written / RESULTS).write_bytes(before)


@pytest.mark.slow
@fuzz(60)
@given(data=st.data())
def test_any_results_make_an_overview_or_are_refused(tmp_path: Path, data: st.DataObject) -> None:
    whole = json.loads((SEVERAL_PROTOCOLS / RESULTS).read_text(encoding="utf-8"))
    read = ("schema", "protocol_effects", "comparisons", "arms", "data", "protocol", "study", "spec")
    (tmp_path / RESULTS).write_bytes(
        data.draw(
            spoilt(
                {name: whole[name] for name in read}
                | {name: value for name, value in whole.items() if name not in read}
            )
        )
    )
    with suppress(HarnessError):
        overview([read_report(tmp_path)])
