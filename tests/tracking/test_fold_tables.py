"""The tables of many trainings, equal to what each training's own tables give below each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.errors import TrackingError
from harness.record import once_per_record
from harness.tracking.files import curve_table, curve_text, read_history, read_part
from harness.tracking.study_reader import load_fold, read_study
from tests.records import build_record


def test_the_tables_of_a_study_are_those_of_its_trainings(recorded: tuple[Any, str, dict[str, Any]]) -> None:
    study, _, _ = recorded
    record = read_study(study.uri, "tiny")
    final = record.folds[record.folds["phase"] == "final"]
    keys = ["arm", "fold", "seed"]
    predictions, history = [], []
    for row in final.itertuples():
        fold = load_fold(study.uri, str(row.run_id))
        for table, found in ((fold.clips["test"], predictions), (fold.history, history)):
            if len(table):
                labelled = table.assign(arm=row.arm, fold=row.fold, seed=row.seed)
                found.append(labelled[[*keys, *table.columns]])
    pd.testing.assert_frame_equal(record.predictions, pd.concat(predictions, ignore_index=True), check_exact=True)
    pd.testing.assert_frame_equal(record.history, pd.concat(history, ignore_index=True), check_exact=True)


def test_curves_of_different_columns_are_joined_as_pandas_joins_them(tmp_path: Path) -> None:
    texts = ["epoch,loss\n1,0.1\n2,\n", "epoch,best,loss\n1,3,1e-9\n", "epoch\n"]
    files = [tmp_path / f"{number}.csv" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    joined = pd.concat([read_history(file) for file in files[:2]], ignore_index=True)
    pd.testing.assert_frame_equal(curve_table([curve_text(file) for file in files]), joined, check_exact=True)


@pytest.mark.parametrize("content", [b"", b"epoch\n1,2\n", b"epoch\nfour\n", b"\xff\xfe", b'epoch\n"1\n'])
def test_damaged_curves_name_their_file(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "history.csv"
    file.write_bytes(content)
    with pytest.raises(TrackingError, match=r"history\.csv cannot be read .* it is damaged"):
        curve_text(file)


def test_predictions_without_parts_are_none_of_ours(tmp_path: Path) -> None:
    pd.DataFrame({"clip_id": ["a"]}).to_parquet(tmp_path / "predictions.parquet")
    with pytest.raises(TrackingError, match="no column 'part'"):
        read_part(tmp_path / "predictions.parquet", "test")


def test_what_follows_from_a_record_is_computed_once_and_not_taken_over_by_a_copy() -> None:
    from dataclasses import replace

    asked: list[str] = []

    @once_per_record
    def name_of(record: Any) -> str:
        asked.append(record.name)
        return str(record.name)

    record = build_record(n_seeds=1)
    assert [name_of(record), name_of(record), name_of(replace(record, name="b"))] == ["synthetic-study"] * 2 + ["b"]
    assert asked == ["synthetic-study", "b"]
