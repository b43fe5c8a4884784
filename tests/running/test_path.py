"""The whole path: records, report, resume, and independence of the number of workers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.cli.output.show_studies import summary_rows
from harness.executors.events import Event, Finished, Take
from harness.executors.local import InProcessExecutor
from harness.running.reports import Outcome, report_study
from harness.tracking.study_reader import list_studies
from harness.training.metrics import probability_columns, published
from tests.running.study import run, same, spec_of


def test_every_arm_fold_and_clip_is_predicted(undisturbed: tuple[Outcome, Path]) -> None:
    predictions = undisturbed[0].record.predictions
    counts = predictions.groupby(["arm", "fold", "seed"]).size()
    assert set(counts.index) == {(arm, fold, 0) for arm in ("A_1", "B_1 & 100 % #2 é", "DS", "mean") for fold in (1, 3)}
    assert set(counts) == {10}
    probabilities = predictions.filter(regex=r"^p_\d+$").to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_the_fused_arm_is_the_normalised_product_of_its_streams(undisturbed: tuple[Outcome, Path]) -> None:
    table = undisturbed[0].record.predictions
    columns = [f"p_{label}" for label in range(10)]

    def of(arm: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        return table[table["arm"] == arm].sort_values(["fold", "clip_id"])[columns].to_numpy(dtype=np.float64)

    product = of("A_1") * of("B_1 & 100 % #2 é")
    np.testing.assert_allclose(of("DS"), product / product.sum(axis=1, keepdims=True), rtol=1e-6)


def test_the_store_holds_study_trials_and_folds(undisturbed: tuple[Outcome, Path]) -> None:
    folds = undisturbed[0].record.folds
    searched = folds[folds["phase"] == "search"]
    assert set(searched["arm"]) == {"A_1"}
    assert len(searched) == 2 * 2
    assert set(folds["status"]) == {"FINISHED"}
    assert undisturbed[0].record.status == "FINISHED"


def test_each_fold_trains_with_its_own_best_trial(undisturbed: tuple[Outcome, Path]) -> None:
    folds = undisturbed[0].record.folds
    mine = folds[folds["arm"] == "A_1"]
    for fold in (1, 3):
        trials = mine[(mine["phase"] == "search") & (mine["fold"] == fold)].sort_values("trial")
        best = int(trials.iloc[int(np.argmax(trials["validation_macro_accuracy"].to_numpy()))]["trial"])
        final = mine[(mine["phase"] == "final") & (mine["fold"] == fold)].iloc[0]
        assert int(final["trial"]) == best


def test_the_report_is_whole_and_also_in_the_store(undisturbed: tuple[Outcome, Path]) -> None:
    outcome, folder = undisturbed
    results = json.loads((outcome.report.folder / "results.json").read_text(encoding="utf-8"))
    assert [arm["name"] for arm in results["arms"]] == ["A_1", "B_1 & 100 % #2 é", "DS", "mean"]
    written = pd.read_parquet(outcome.report.folder / "predictions.parquet")
    expected = outcome.record.predictions.reset_index(drop=True)
    columns = probability_columns(expected)
    expected[columns] = published(expected[columns].to_numpy())
    same(written.reset_index(drop=True), expected.astype(dict.fromkeys(columns, np.float32)))
    stored = list((folder / "mlruns" / "artifacts").rglob("reports/results.json"))
    assert len(stored) == 1
    assert outcome.failures == ()
    assert [row["arm"] for row in summary_rows(outcome.record)] == ["A_1", "B_1 & 100 % #2 é", "DS", "mean"]


def test_final_trainings_have_pictures_and_those_of_a_search_only_numbers(undisturbed: tuple[Outcome, Path]) -> None:
    outcome, folder = undisturbed
    folds = outcome.record.folds
    for row in folds.to_dict("records"):
        (artifacts,) = (folder / "mlruns" / "artifacts").rglob(f"{row['run_id']}/artifacts")
        pictures = {file.name for file in artifacts.rglob("*.png")}
        drawn = row["phase"] == "final" and row["arm"] not in ("DS", "mean")
        assert pictures == ({"confusion_test.png"} if drawn else set()), row
        assert (artifacts / "predictions.parquet").is_file()


def test_a_second_run_trains_nothing_and_says_the_same(undisturbed: tuple[Outcome, Path], shared: Path) -> None:
    outcome, folder = undisturbed
    again, lines = run(spec_of(), folder, shared)
    assert not [line for line in lines if "macro accuracy test" in line]
    assert again.record.run_id == outcome.record.run_id
    same(again.record.predictions, outcome.record.predictions)
    studies = list_studies(outcome.tracking_uri)
    assert len(studies) == 1


def test_the_report_can_be_written_again_from_the_store(undisturbed: tuple[Outcome, Path], tmp_path: Path) -> None:
    outcome, folder = undisturbed
    (stored,) = (folder / "mlruns" / "artifacts").rglob("reports/results.json")
    before = stored.read_bytes()
    stored.unlink()
    again = report_study("tiny", None, outcome.tracking_uri, tmp_path)
    assert stored.read_bytes() == before
    first = (outcome.report.folder / "tables" / "accuracy.csv").read_bytes()
    assert (again.report.folder / "tables" / "accuracy.csv").read_bytes() == first


@pytest.mark.slow
def test_two_workers_give_what_one_gives(undisturbed: tuple[Outcome, Path], shared: Path, tmp_path: Path) -> None:
    outcome, _ = run(spec_of(), tmp_path, shared, workers=2)
    same(outcome.record.predictions, undisturbed[0].record.predictions)


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 3, 5])
def test_an_interrupted_study_goes_on_and_ends_the_same(
    undisturbed: tuple[Outcome, Path], shared: Path, tmp_path: Path, after: int
) -> None:
    ended = 0

    class Interrupted(InProcessExecutor):
        def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
            def count(event: Event) -> None:
                nonlocal ended
                on_event(event)
                ended += isinstance(event, Finished)
                if ended == after:
                    raise KeyboardInterrupt

            super().run(take, count)

    with pytest.raises(KeyboardInterrupt):
        run(spec_of(), tmp_path, shared, executor=lambda *_: Interrupted())
    outcome, lines = run(spec_of(), tmp_path, shared)
    trained = [line for line in lines if " in " in line and "macro accuracy" in line and "fold" in line]
    assert len(trained) == 8 - after
    same(outcome.record.predictions, undisturbed[0].record.predictions)
    assert set(outcome.record.folds["status"]) == {"FINISHED"}
