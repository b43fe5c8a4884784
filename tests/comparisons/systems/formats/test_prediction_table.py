"""Tables of predictions: what is read, and files that are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from harness.comparisons.systems.formats import read_systems
from harness.comparisons.systems.system import ClipPredictions
from harness.errors import ComparisonError


def read_predictions(path: Path) -> ClipPredictions:
    (found,) = read_systems(path)
    assert isinstance(found, ClipPredictions)
    return found


def test_scores_of_classes_give_the_largest(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("clip;y_true;p_cat;p_dog\nx;cat;0,9;0,1\ny;dog;0,8;0,2\n".replace(",", "."))
    system = read_predictions(tmp_path / "a.csv")
    assert system.rows["correct"].tolist() == [1.0, 0.0]
    assert system.accuracy == 50.0


def test_classes_that_pandas_wrote_as_decimals_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("clip,y_true,y_pred\nx,1,1.0\ny,2.0,1\n")
    assert read_predictions(tmp_path / "a.csv").rows["correct"].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clip,y_pred\nx,1\n", "has no column 'y_true'"),
        ("clip,y_true\nx,1\n", "has neither a column y_pred nor a column p_CLASS"),
        ("clip,y_true,p_1,p_2\nx,1,0.5,much\n", "received 'much', expected a number"),
        ("clip,y_true,p_1,p_2\nx,3,0.5,0.2\n", "there is no column p_3"),
        ("clip,y_true,y_pred\nx,1,\n", "column 'y_pred' is empty for clip 'x'"),
        ("clip,y_true,y_pred\nx,1,1\nx,1,2\n", "clip 'x' has more than one prediction"),
        ("clip,y_true,y_pred,fold\nx,1,1,one\n", "received 'one', expected an integer"),
        ("clip,y_true,y_pred,clip\nx,1,1,y\n", "has more than one column 'clip'"),
        ("clip,y_true,y_pred\n", "has no predictions"),
        ("clip,y_true,y_pred\nx,1\n", "2 cells, but the header has 3"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ComparisonError, match=message):
        read_predictions(tmp_path / "a.csv")


def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ComparisonError, match=r"a\.parquet: is not a parquet file"):
        read_predictions(tmp_path / "a.parquet")


def test_accuracies_of_folds_are_sent_to_scores(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("fold,accuracy\n1,80\n2,81\n")
    with pytest.raises(ComparisonError, match="harness compare --scores"):
        read_predictions(tmp_path / "a.csv")


def test_a_report_has_a_system_for_each_arm() -> None:
    report = Path(__file__).parents[4] / "reports" / "resnet18-esc10"
    found = read_systems(report / "predictions.parquet")
    arms = [arm["name"] for arm in json.loads((report / "results.json").read_text())["arms"]]
    assert sorted(system.name for system in found) == sorted(arms)
    named = read_systems(report / "predictions.parquet", "ours")
    assert sorted(system.name for system in named) == sorted(f"ours {arm}" for arm in arms)


def test_arms_must_be_named(tmp_path: Path) -> None:
    rows = "".join(f"x,1,1,arm{number}\n" for number in range(1001))
    (tmp_path / "a.csv").write_text("clip,y_true,y_pred,arm\n" + rows)
    with pytest.raises(ComparisonError, match="column 'arm' has 1,001 values"):
        read_systems(tmp_path / "a.csv")
    pd.DataFrame({"clip": ["x"] * 3, "y_true": 1, "y_pred": 1, "system": ["a", None, "b"]}).to_parquet(
        tmp_path / "a.parquet"
    )
    with pytest.raises(ComparisonError, match="column 'system' is empty in row 2"):
        read_systems(tmp_path / "a.parquet")


def test_json_has_rows_or_columns(tmp_path: Path) -> None:
    table = pd.DataFrame({"clip": ["x", "y"], "y_true": [1, 2], "y_pred": [1.0, 1.0]})
    (tmp_path / "rows.json").write_text(table.to_json(orient="records"))
    (tmp_path / "columns.json").write_text(json.dumps(table.to_dict(orient="list")))
    for name in ("rows", "columns"):
        assert read_predictions(tmp_path / f"{name}.json").rows["correct"].tolist() == [1.0, 0.0]
    (tmp_path / "bad.json").write_text(json.dumps({"clip": ["x"], "y_true": [1, 2], "y_pred": [1]}))
    with pytest.raises(ComparisonError, match=r"bad\.json: is no table"):
        read_predictions(tmp_path / "bad.json")


@pytest.mark.parametrize("column", ["clip", "y_true", "y_pred", "fold", "seed", "recording", "arm", "p_1", "p_2"])
@pytest.mark.parametrize(
    "values",
    [
        [[1, 2], [3]],
        [{"a": 1}, {"a": 2}],
        [b"\xff", b"x"],
        [pd.Timestamp("2026-01-01"), pd.NaT],
        [True, False],
        [[], None],
    ],
    ids=["lists", "objects", "bytes", "times", "booleans", "missing"],
)
def test_a_parquet_column_of_any_type_is_read_or_refused(tmp_path: Path, column: str, values: list[object]) -> None:
    table = {"clip": ["x", "y"], "y_true": [1, 2]}
    if column.startswith("p_"):
        table |= {"p_1": [0.5, 0.5], "p_2": [0.5, 0.5]}
    else:
        table["y_pred"] = [1, 1]
    pd.DataFrame(table | {column: values}).to_parquet(tmp_path / "a.parquet")
    try:
        found = read_systems(tmp_path / "a.parquet")
    except ComparisonError as error:
        assert "a.parquet" in str(error)  # noqa: PT017 either is right
    else:
        assert all(0 <= system.accuracy <= 100 for system in found)
