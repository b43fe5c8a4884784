"""Scores are recomputed from probabilities; the checks here count by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from harness.comparisons.scores import SCORES, score_study
from harness.errors import ReportError
from harness.record import StudyRecord

MakeRecord = Callable[..., StudyRecord]


def by_hand(rows: pd.DataFrame, n_classes: int) -> dict[str, float]:
    """Count one test's scores clip by clip, with no help from the library under test."""
    right = dict.fromkeys(range(n_classes), 0)
    true = dict(right)
    called = dict(right)
    for _, row in rows.iterrows():
        values = [row[f"p_{label}"] for label in range(n_classes)]
        predicted = values.index(max(values))
        true[row["y_true"]] += 1
        called[predicted] += 1
        right[row["y_true"]] += predicted == row["y_true"]
    present = [label for label in range(n_classes) if true[label]]
    recalls = [right[label] / true[label] for label in present]
    precisions = [right[label] / called[label] if called[label] else 0.0 for label in present]
    f1s = [2 * p * r / (p + r) if p + r else 0.0 for p, r in zip(precisions, recalls, strict=True)]
    total = rows["n_segments"].sum()
    return {
        "macro_accuracy": sum(recalls) / len(recalls),
        "clip_accuracy": sum(right.values()) / len(rows),
        "segment_accuracy": rows["n_segments_correct"].sum() / total if total else float("nan"),
        "precision": sum(precisions) / len(precisions),
        "recall": sum(recalls) / len(recalls),
        "f1": sum(f1s) / len(f1s),
    }


@pytest.mark.parametrize("n_classes", [10, 50])
def test_every_run_fold_and_arm_by_hand(make_record: MakeRecord, n_classes: int) -> None:
    names = [f"class {number}" for number in range(n_classes)]
    record = make_record(classes=names, dataset="esc10" if n_classes == 10 else "esc50", folds=(1, 2, 3))
    scores = score_study(record)
    for arm in ("LMCNet", "TSCNN-DS"):
        folds: dict[str, list[float]] = {score: [] for score in SCORES}
        for fold in (1, 2, 3):
            seeds: dict[str, list[float]] = {score: [] for score in SCORES}
            for seed in (0, 1):
                table = record.predictions
                rows = table[(table["arm"] == arm) & (table["fold"] == fold) & (table["seed"] == seed)]
                expected = by_hand(rows, n_classes)
                run = scores.runs.query("arm == @arm and fold == @fold and seed == @seed").iloc[0]
                for score in SCORES:
                    assert run[score] == pytest.approx(expected[score], abs=1e-12, nan_ok=True)
                    seeds[score].append(expected[score])
            measured = scores.folds.query("arm == @arm and fold == @fold").iloc[0]
            for score in SCORES:
                folds[score].append(sum(seeds[score]) / 2)
                assert measured[score] == pytest.approx(folds[score][-1], abs=1e-12, nan_ok=True)
        summary = scores.arms.set_index("arm").loc[arm]
        for score in SCORES:
            mean = sum(folds[score]) / 3
            sd = (sum((value - mean) ** 2 for value in folds[score]) / 2) ** 0.5
            assert summary[f"{score}_mean"] == pytest.approx(mean, abs=1e-12, nan_ok=True)
            assert summary[f"{score}_sd"] == pytest.approx(sd, abs=1e-12, nan_ok=True)


def test_seeds_are_averaged_before_folds(make_record: MakeRecord) -> None:
    record = make_record()
    table = record.predictions
    # Fold 1 has one seed only: pooled runs would weigh it half, folds weigh it whole.
    record = dataclasses.replace(record, predictions=table[(table["fold"] != 1) | (table["seed"] == 0)])
    scores = score_study(record)
    own = scores.runs[scores.runs["arm"] == "MLMC"]
    folds = own.groupby("fold")["macro_accuracy"].mean()
    summary = scores.arms.set_index("arm").loc["MLMC"]
    assert summary["macro_accuracy_mean"] == pytest.approx(folds.mean())
    assert summary["macro_accuracy_sd"] == pytest.approx(np.std(folds, ddof=1))
    assert summary["macro_accuracy_mean"] != pytest.approx(own["macro_accuracy"].mean(), abs=1e-4)
    assert (summary["n_folds"], summary["seeds_min"], summary["seeds_max"]) == (5, 1, 2)


def test_class_absent_from_a_fold_is_averaged_over_the_others(make_record: MakeRecord) -> None:
    record = make_record()
    table = record.predictions
    record = dataclasses.replace(record, predictions=table[(table["fold"] != 2) | (table["y_true"] != 3)])
    means = score_study(record).class_means()
    own = record.predictions.query("arm == 'MCNet' and y_true == 3")
    predicted = own.filter(regex="^p_").to_numpy().argmax(axis=1)
    right = pd.Series(predicted == 3, index=own.index).groupby(own["fold"]).mean()
    assert sorted(right.index) == [1, 3, 4, 5]
    assert means.loc[3, "MCNet"] == pytest.approx(right.mean())


def test_one_fold_has_no_deviation(make_record: MakeRecord) -> None:
    summary = score_study(make_record(folds=(4,))).arms
    assert summary["macro_accuracy_sd"].isna().all()
    assert summary["macro_accuracy_mean"].notna().all()


def test_arms_keep_the_study_files_order_and_an_untested_arm_stays_visible(make_record: MakeRecord) -> None:
    record = make_record()
    record = dataclasses.replace(record, predictions=record.predictions[record.predictions["arm"] != "MCNet"])
    scores = score_study(record)
    assert list(scores.arms["arm"]) == ["LMCNet", "MCNet", "MLMC", "TSCNN-DS"]
    assert scores.arms.set_index("arm").loc["MCNet", "n_folds"] == 0
    assert scores.folds_of("MCNet") == ()


def test_confusion_sums_over_folds_and_seeds(record: StudyRecord) -> None:
    counts = score_study(record).confusions["LMCNet"]
    own = record.predictions[record.predictions["arm"] == "LMCNet"]
    predicted = own.filter(regex="^p_").to_numpy().argmax(axis=1)
    assert counts.sum() == len(own)
    assert counts[4, 7] == int(((own["y_true"] == 4) & (predicted == 7)).sum())


class TestRefusals:
    def test_no_prediction_names_the_first_failure(self, record: StudyRecord) -> None:
        folds = record.folds.assign(status="FAILED", error="Traceback\nRuntimeError: out of memory")
        with pytest.raises(ReportError, match=r"no fold has been tested.*RuntimeError: out of memory"):
            score_study(dataclasses.replace(record, predictions=record.predictions.iloc[:0], folds=folds))

    def test_missing_column(self, record: StudyRecord) -> None:
        with pytest.raises(ReportError, match="lack the column 'p_9'"):
            score_study(dataclasses.replace(record, predictions=record.predictions.drop(columns="p_9")))

    def test_clip_twice(self, record: StudyRecord) -> None:
        twice = pd.concat([record.predictions, record.predictions.iloc[:1]])
        with pytest.raises(ReportError, match="occurs twice in arm"):
            score_study(dataclasses.replace(record, predictions=twice))

    @pytest.mark.parametrize("value", [float("nan"), -0.2, 1.5])
    def test_not_a_probability(self, record: StudyRecord, value: float) -> None:
        table = record.predictions.copy()
        table.loc[3, "p_2"] = value
        with pytest.raises(ReportError, match=r"a probability is not in 0\.\.1"):
            score_study(dataclasses.replace(record, predictions=table))

    def test_label_without_a_class(self, record: StudyRecord) -> None:
        table = record.predictions.copy()
        table.loc[3, "y_true"] = 10
        with pytest.raises(ReportError, match="true class is outside"):
            score_study(dataclasses.replace(record, predictions=table))
