"""What the tables say: shapes, numbers against hand counts, and the marks in every caption."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.comparisons.scores import score_study
from harness.record import StudyRecord
from harness.report.evidence import gather
from harness.report.table import Table
from harness.report.tables import build_tables, describe_arm
from harness.report.wording import protocol_sentences
from harness.text.decimals import decimals
from tests.records import with_arm

MakeRecord = Callable[..., StudyRecord]

SPACE = {"train.lr": {"low": 1e-4, "high": 1e-2}}


def layers() -> pd.DataFrame:
    rows = [("conv1", "32 x 85 x 41", 288, 111520), ("output", "10", 10240, 10)]
    return pd.DataFrame(rows, columns=["layer", "output", "weights", "activations"])


def tables_of(record: StudyRecord) -> dict[str, list[Table]]:
    return build_tables(gather(record), {"LMCNet": layers()})


def captions(record: StudyRecord) -> list[str]:
    return [table.caption for topic in tables_of(record).values() for table in topic]


def fold_accuracies(record: StudyRecord, arm: str) -> list[float]:
    """Return macro accuracy per fold, seeds averaged, counted with numpy alone."""
    table = record.predictions[record.predictions["arm"] == arm]
    right = table.filter(regex="^p_").to_numpy().argmax(axis=1) == table["y_true"].to_numpy()
    by_class = table.assign(right=right).groupby(["fold", "seed", "y_true"])["right"].mean()
    return list(by_class.groupby(["fold", "seed"]).mean().groupby("fold").mean())


def test_accuracy_table_prints_mean_and_sd_over_folds(record: StudyRecord) -> None:
    (table,) = tables_of(record)["accuracy"]
    printed = {row[0]: row for row in table.printed.to_numpy().tolist()}
    for arm in ("LMCNet", "MCNet", "MLMC", "TSCNN-DS"):
        folds = fold_accuracies(record, arm)
        assert printed[arm][2] == decimals(100 * float(np.mean(folds)), 1)
        assert printed[arm][3] == decimals(100 * float(np.std(folds, ddof=1)), 1)
        # t(.975, 4) = 2.7764; of five folds one is tested, one validates and three train.
        half = 2.7764 * np.std(folds, ddof=1) * np.sqrt(1 / 5 + 1 / 3)
        low, high = 100 * (np.mean(folds) - half), 100 * (np.mean(folds) + half)
        assert printed[arm][4] == f"{low:.1f} to {min(high, 100):.1f}"
        ends = table.data.set_index("arm").loc[arm, ["macro_accuracy_low", "macro_accuracy_high"]]
        assert ends.tolist() == pytest.approx([low / 100, min(high, 100) / 100], abs=1e-4)
        assert printed[arm][-2:] == ["5", "2"]
        assert table.data.set_index("arm").loc[arm, "macro_accuracy_mean"] == pytest.approx(np.mean(folds), abs=1e-12)
    assert printed["TSCNN-DS"][7] == "–", "a fusion of clips has no segments"
    assert "over folds (ddof 1), seeds averaged first" in table.caption
    assert "n = 5 folds × 2 seeds" in table.caption
    assert "An interval that ends at 0 or 100 % is cut there: so few folds cannot give one." in table.caption


def test_fold_table_has_a_column_per_fold(record: StudyRecord) -> None:
    (table,) = tables_of(record)["folds"]
    assert [header[1] for header in table.printed.columns] == ["Arm", "1", "2", "3", "4", "5", "Mean", "SD"]
    expected = [decimals(100 * value, 1) for value in fold_accuracies(record, "MCNet")]
    assert table.printed.iloc[1, 1:6].tolist() == expected
    assert len(table.data) == 20


def test_class_table_has_the_shape_of_table_2(record: StudyRecord) -> None:
    (table,) = tables_of(record)["classes"]
    assert list(table.printed.columns) == ["Class", "LMCNet", "MCNet", "MLMC", "TSCNN-DS"]
    assert list(table.printed["Class"]) == [*record.classes, "Average"]
    means = table.data["MLMC"].to_numpy()
    assert means[-1] == pytest.approx(means[:-1].mean())
    # With every class in every fold, the average is the macro accuracy of the main table.
    assert means[-1] == pytest.approx(np.mean(fold_accuracies(record, "MLMC")))
    assert table.rules == (10,)


def test_a_class_called_average_keeps_its_name(make_record: MakeRecord) -> None:
    (table,) = tables_of(make_record(classes=["average", *"bcdefghij"]))["classes"]
    assert list(table.printed["Class"]) == ["average", *"bcdefghij", "Average"]


def test_more_arms_than_fit_continue_in_a_second_class_table(make_record: MakeRecord) -> None:
    trained = [(f"arm {number}", "su4", "LMC", 1.0) for number in range(13)]
    pages = tables_of(make_record(trained=trained, fused=None, folds=(1, 2, 3), n_seeds=1))["classes"]
    assert [page.name for page in pages] == ["classes", "classes-2"]
    assert list(pages[1].printed.columns) == ["Class", "arm 12"]


def test_leakage_table_counts_and_shares(record: StudyRecord) -> None:
    (table,) = tables_of(record)["leakage"]
    assert table.printed.iloc[1].tolist() == ["2", "40", "0 (0.0)", "0 (0.0)", "40", "10 (25.0)", "0 (0.0)"]
    assert "items (clips)" in table.caption


def test_leakage_names_the_shared_recordings(record: StudyRecord) -> None:
    leakage = record.leakage.assign(recordings=[["106905"], [], ["180937"], [], []])
    (table,) = tables_of(dataclasses.replace(record, leakage=leakage))["leakage"]
    assert "Shared recordings of test and training: 106905, 180937." in table.caption


class TestMarks:
    def test_plain_cross_validation_has_none(self, record: StudyRecord) -> None:
        words = ("Random", "Best-on-test", "Tuned", "Partial", "lacks", "Incomplete")
        assert not any(word in caption for caption in captions(record) for word in words)

    @pytest.mark.parametrize(
        ("changes", "mark"),
        [
            ({"protocol": {"split": "random-clip"}}, "Random split (random-clip)"),
            ({"protocol": {"split": "random-segment"}}, "Random split (random-segment)"),
            ({"protocol": {"epoch_rule": "best-on-test"}}, "Best-on-test"),
            ({"search": {"trials": 3, "selection": "pooled", "space": SPACE}}, "Tuned on the reported folds"),
            ({"status": "FAILED"}, "Incomplete: the study run failed"),
        ],
    )
    def test_every_caption_carries_it(self, make_record: MakeRecord, changes: dict[str, Any], mark: str) -> None:
        told = captions(make_record(**changes))
        assert len(told) >= 5
        assert all(mark in caption for caption in told)

    def test_per_fold_search_is_not_marked(self, make_record: MakeRecord) -> None:
        assert not any("Tuned" in caption for caption in captions(make_record(trials=2)))

    def test_partial_folds_are_named(self, make_record: MakeRecord) -> None:
        record = make_record(dataset="urbansound8k", folds=(1, 2, 10))
        assert all("Partial: 3 of 10 folds: 1, 2, 10." in caption for caption in captions(record))

    def test_an_arm_near_guessing_is_named_with_what_it_learnt(self, record: StudyRecord) -> None:
        table = record.predictions.copy()
        mine = table["arm"] == "MLMC"
        probabilities = [name for name in table.columns if name.startswith("p_")]
        # Always the first class: the mean of the class accuracies is 1 of 10.
        table.loc[mine, probabilities] = [1.0] + [0.0] * 9
        told = captions(dataclasses.replace(record, predictions=table))
        last = record.history.query("arm == 'MLMC'").groupby(["fold", "seed"])["train_segment_accuracy"].last().mean()
        assert all(
            f"Near guessing (10.0 %): MLMC 10.0 % (in training {100 * last:.1f} % of its segments). An arm" in caption
            for caption in told
        )

    def test_arm_without_a_fold_is_named_and_its_cell_is_empty(self, record: StudyRecord) -> None:
        table = record.predictions
        lost = (table["arm"] == "MLMC") & (table["fold"] == 3)
        record = dataclasses.replace(record, predictions=table[~lost])
        tables = tables_of(record)
        assert all("MLMC lacks fold 3." in each.caption for topic in tables.values() for each in topic)
        row = tables["folds"][0].printed.iloc[2].tolist()
        assert row[3] == "–"
        assert tables["accuracy"][0].printed.iloc[2, -2] == "4"
        assert "n = 4–5 folds × 2 seeds" in tables["accuracy"][0].caption

    def test_arm_without_any_fold_and_fold_without_a_seed(self, record: StudyRecord) -> None:
        table = record.predictions
        kept = (table["arm"] != "MCNet") & ((table["arm"] != "LMCNet") | (table["fold"] != 1) | (table["seed"] != 1))
        told = captions(dataclasses.replace(record, predictions=table[kept]))
        assert all("MCNet has no tested fold." in caption for caption in told)
        assert all("LMCNet has fewer than 2 seeds in fold 1." in caption for caption in told)

    def test_an_arm_with_its_own_number_of_seeds_lacks_none(self, record: StudyRecord) -> None:
        table = record.predictions
        kept = table[~(table["arm"].isin(["LMCNet", "TSCNN-DS"]) & (table["seed"] == 1))]
        fewer = dataclasses.replace(with_arm(record, "LMCNet", seeds=1), predictions=kept)
        assert not any("fewer than" in caption for caption in captions(fewer))
        sentences = protocol_sentences(fewer, score_study(fewer))
        assert any("from 1 to 2 seeds, as the table of accuracies says" in sentence for sentence in sentences)


def test_arms_are_described(record: StudyRecord) -> None:
    assert describe_arm(record, "LMCNet") == "su4 on LMC"
    assert describe_arm(record, "TSCNN-DS") == "Dempster-Shafer of LMCNet and MCNet"
    assert describe_arm(record, "unknown") == "–"
