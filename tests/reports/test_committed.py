"""Every number of a committed report follows from the predictions beside it, computed here by other means."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, precision_recall_fscore_support
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from tests.reports.committed import REPORTS, STUDIES, committed_files

MEGABYTE = 1_000_000

Report = tuple[dict[str, Any], pd.DataFrame]


@cache
def load(name: str) -> Report:
    """Return results.json, and the predictions with the predicted class."""
    predictions = pd.read_parquet(REPORTS / name / "predictions.parquet")
    predictions["predicted"] = predictions.filter(regex=r"^p_\d+$").to_numpy().argmax(axis=1)
    return json.loads((REPORTS / name / "results.json").read_text(encoding="utf-8")), predictions


@pytest.fixture(params=STUDIES)
def report(request: pytest.FixtureRequest) -> Report:
    return load(request.param)


def fold_means(predictions: pd.DataFrame, arm: str) -> pd.Series:
    """Return macro accuracy in percent by fold, seeds averaged first."""
    mine = predictions[predictions["arm"] == arm]
    by_run = {
        key: 100 * balanced_accuracy_score(run["y_true"], run["predicted"])
        for key, run in mine.groupby(["fold", "seed"])
    }
    found = pd.Series(by_run).groupby(level=0).mean()
    assert len(found) > 0
    return found


def shift(predictions: pd.DataFrame, arm: str, reference: str) -> float:
    """Return by how many points ``arm`` is above ``reference``; if one of them tests one part, on the clips of both."""
    folds = [fold_means(predictions, name) for name in (arm, reference)]
    if min(map(len, folds)) > 1:
        return float(folds[0].mean() - folds[1].mean())
    mine, other = (predictions[predictions["arm"] == name] for name in (arm, reference))
    both = set(mine["clip_id"]) & set(other["clip_id"])
    scores = [
        np.mean(
            [
                balanced_accuracy_score(run["y_true"], run["predicted"])
                for _, run in rows[rows["clip_id"].isin(both)].groupby("seed")
            ]
        )
        for rows in (mine, other)
    ]
    return 100 * float(scores[0] - scores[1])


def corrected(values: pd.Series, target: float, ratio: float) -> tuple[float, float, float]:
    """Return p and the ends of the 95 % interval of the mean: Nadeau and Bengio 2003, equation 8."""
    k = len(values)
    error = math.sqrt(values.var(ddof=1) * (1 / k + ratio))
    mean = values.mean()
    half = stats.t.ppf(0.975, k - 1) * error
    return 2 * stats.t.sf(abs(mean - target) / error, k - 1), mean - half, mean + half


def held_out_ratio(results: dict[str, Any], *arms: str) -> float:
    """Return the size of the test part over that of the training part, counted in folds; the larger of several arms."""
    others = len(results["protocol"]["expected_folds"]) - 1
    chosen = [arm for arm in results["arms"] if arm["name"] in arms]
    protocols = [
        (protocol["split"], protocol["final_train"], (arm.get("set") or {}).get("protocol.validation"))
        for arm in chosen or [{}]
        for protocol in [results["protocol"] | (arm.get("protocol") or {})]
    ]
    # The next fold validates, unless the tested one does.
    return 1 / (others - 1 if ("official", "train", None) in protocols else others)


@pytest.mark.slow
def test_there_are_reports() -> None:
    su2019 = {
        f"{study}-{dataset}"
        for study in ("su2019", "protocols", "norm-statistics")
        for dataset in ("esc10", "urbansound8k")
    }
    floors = {"floor-esc10", "floor-esc50", "shortcut-esc50", "protocols-esc50"}
    assert su2019 | floors | {"resnet18-esc10", "streams-urbansound8k"} == set(STUDIES)


@pytest.mark.slow
def test_they_stay_small_and_hold_neither_audio_nor_weights() -> None:
    files = committed_files()
    assert len(files) > 100
    assert sum(path.stat().st_size for path in files) < 30 * MEGABYTE
    assert {path.suffix for path in files} <= {".pdf", ".tex", ".csv", ".png", ".json", ".parquet", ".md", ".html"}


@pytest.mark.slow
def test_scores_of_every_run_fold_and_arm(report: Report) -> None:
    results, predictions = report
    # A stage of a long study has arms that are not trained.
    tested = [arm for arm in results["arms"] if arm["n_folds"]]
    assert [arm["name"] for arm in tested] == list(predictions["arm"].unique())
    for arm in tested:
        mine = predictions[predictions["arm"] == arm["name"]]
        for run in arm["runs"]:
            rows = mine[(mine["fold"] == run["fold"]) & (mine["seed"] == run["seed"])]
            truth, predicted = rows["y_true"], rows["predicted"]
            precision, recall, f1, _ = precision_recall_fscore_support(
                truth, predicted, labels=sorted(truth.unique()), average="macro", zero_division=0
            )
            assert len(rows) == run["n_clips"]
            assert run["macro_accuracy"] == pytest.approx(balanced_accuracy_score(truth, predicted))
            assert run["clip_accuracy"] == pytest.approx((truth == predicted).mean())
            assert [run["precision"], run["recall"], run["f1"]] == pytest.approx([precision, recall, f1])
            # What is fused by clip has no segments.
            if run["n_segments"]:
                assert run["n_segments"] == rows["n_segments"].sum()
                assert run["segment_accuracy"] == pytest.approx(
                    rows["n_segments_correct"].sum() / rows["n_segments"].sum()
                )
        means = fold_means(predictions, arm["name"])
        assert [100 * fold["macro_accuracy"] for fold in arm["folds"]] == pytest.approx(means.to_list())
        assert 100 * arm["mean"]["macro_accuracy"] == pytest.approx(means.mean())
        if len(means) > 1:
            assert 100 * arm["sd"]["macro_accuracy"] == pytest.approx(means.std(ddof=1))
        else:
            assert arm["sd"]["macro_accuracy"] is None
        counts = confusion_matrix(mine["y_true"], mine["predicted"], labels=range(len(results["classes"])))
        assert np.array_equal(counts, arm["confusion"])


@pytest.mark.slow
def test_comparisons_with_published_numbers(report: Report) -> None:
    results, predictions = report
    for each in results["comparisons"]:
        if each["estimand"] != "macro" or each["claim"]["class"] is not None:
            continue
        means = fold_means(predictions, each["arm"])
        assert each["mean"] == pytest.approx(means.mean())
        assert each["difference"] == pytest.approx(means.mean() - each["claim"]["percent"])
        if each["test"] is not None:
            p, low, high = corrected(means, each["claim"]["percent"], held_out_ratio(results, each["arm"]))
            assert [each["test"]["p"], each["test"]["low"], each["test"]["high"]] == pytest.approx([p, low, high])


@pytest.mark.slow
def test_pairs_of_arms(report: Report) -> None:
    results, predictions = report
    pairs = results["contrasts"]["pairs"]
    splits = {arm["name"]: (arm.get("protocol") or {}).get("split", "official") for arm in results["arms"]}
    compared = dict.fromkeys(pair[side] for pair in pairs for side in ("first", "second"))
    means = {arm: fold_means(predictions, arm) for arm in compared}
    answers = {
        arm: rows[rows["seed"] == rows["seed"].min()]
        for arm in compared
        for rows in [predictions[predictions["arm"] == arm]]
    }
    for pair in pairs:
        first, second = (means[pair[side]] for side in ("first", "second"))
        if pair["test"] is not None:
            differences = first - second
            assert list(pair["folds"].values()) == pytest.approx(differences.to_list())
            p, low, high = corrected(differences, 0, held_out_ratio(results, pair["first"], pair["second"]))
            assert [pair["p"], *pair["interval"]] == pytest.approx([p, low, high])
        assert pair["mean"] == pytest.approx(shift(predictions, pair["first"], pair["second"]))
        if pair["mcnemar"] is not None:
            # Under two splits a clip pairs with itself, in whichever fold it is tested.
            keys = ["fold", "clip_id"] if splits[pair["first"]] == splits[pair["second"]] else ["clip_id"]
            right = {side: answers[pair[side]].set_index(keys) for side in ("first", "second")}
            assert all(rows.index.is_unique for rows in right.values())
            joined = pd.DataFrame({side: rows["y_true"] == rows["predicted"] for side, rows in right.items()})
            table = pd.crosstab(joined["first"], joined["second"]).reindex(
                index=[True, False], columns=[True, False], fill_value=0
            )
            assert [pair["mcnemar"]["only_first"], pair["mcnemar"]["only_second"]] == [
                table.loc[True, False],
                table.loc[False, True],
            ]
            test = mcnemar(table.to_numpy(), exact=pair["mcnemar"]["exact"], correction=True)
            assert pair["mcnemar"]["p"] == pytest.approx(test.pvalue)
    family = [pair for pair in pairs if pair["in_family"] and pair["p"] is not None]
    if family:
        adjusted = multipletests([pair["p"] for pair in family], method="holm")[1]
        assert [pair["p_holm"] for pair in family] == pytest.approx(list(adjusted))


@pytest.mark.slow
def test_what_the_protocols_move(report: Report) -> None:
    results, predictions = report
    for each in results.get("protocol_effects", []):
        means = fold_means(predictions, each["arm"])
        assert each["mean"] == pytest.approx(means.mean())
        assert each["sd"] == (pytest.approx(means.std(ddof=1)) if len(means) > 1 else None)
        if each["shift"] is not None:
            assert each["shift"] == pytest.approx(shift(predictions, each["arm"], each["network"]))


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_the_tables_print_the_same_numbers(name: str) -> None:
    results, _ = load(name)
    table = pd.read_csv(REPORTS / name / "tables" / "accuracy.csv").set_index("arm")
    printed = (REPORTS / name / "tables" / "accuracy.tex").read_text(encoding="utf-8")
    document = (REPORTS / name / "report.tex").read_text(encoding="utf-8")
    assert (REPORTS / name / "report.pdf").stat().st_size > 50_000
    for arm in results["arms"]:
        row = table.loc[arm["name"]]
        if not arm["n_folds"]:
            assert row["n_folds"] == 0
            assert pd.isna(row["macro_accuracy_mean"])
            continue
        mean, spread = (arm[which]["macro_accuracy"] for which in ("mean", "sd"))
        assert row["macro_accuracy_mean"] == pytest.approx(mean)
        assert row["macro_accuracy_sd"] == pytest.approx(math.nan if spread is None else spread, nan_ok=True)
        assert f"{round(100 * mean, 9):.1f}" in printed
    # Table files are what the document inputs.
    for file in (REPORTS / name / "tables").glob("*.tex"):
        assert f"tables/{file.stem}" in document


@pytest.mark.slow
def test_how_each_was_made_is_said(report: Report) -> None:
    results, _ = report
    assert results["command"].startswith("harness run-study studies/")
    assert results["study"]["status"] == "FINISHED"
    assert results["study"]["seconds"] > 0
    assert not results["failures"]
    assert len(results["environment"]["git"]["commit"]) == 40
