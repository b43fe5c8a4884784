"""The whole path on a tiny synthetic study: records, report, resume, and independence of the number of workers."""

from __future__ import annotations

import errno
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.entities import Run

from harness.cli import cli
from harness.errors import ClaimsError, TrackingError
from harness.executors import Event, Finished, InProcessExecutor
from harness.progress import Silent
from harness.run import Options, Outcome, report_study, run_study
from harness.study import StudySpec
from harness.study.load import parse_study
from harness.tracking import list_studies
from harness.training import FoldTask
from tests.servers import free_port

STUDY = {
    "study": {"name": "tiny", "question": "Does the path hold?", "seed": 3},
    "data": {"dataset": "synthetic", "folds": [1, 2, 3], "synthetic": {"clips_per_class_and_fold": 1}},
    "features": {"image": {"seconds": 1.0, "rows": 32, "columns": 32}},
    "train": {"epochs": 1, "batch_size": 8, "optimizer": "adamw", "lr": 0.001},
    "arms": [
        {"name": "A_1", "model": "su8", "features": "LM", "set": {"train.batch_size": 16}},
        {"name": "B_1 & 100 % #2 é", "model": "su8", "features": "MFCC", "search": False},
        {"name": "DS", "fuse": ["A_1", "B_1 & 100 % #2 é"], "rule": "dempster-shafer"},
        {"name": "mean", "fuse": ["A_1", "B_1 & 100 % #2 é"], "rule": "mean", "level": "segment"},
    ],
    "search": {"trials": 2, "space": {"train.lr": {"low": 0.0003, "high": 0.003, "log": True}}},
    "evaluate": {"folds": [1, 3]},
    "tracking": {"system_metrics": False},
}  # fmt: skip


class _Counted(Silent):
    """Remembers what was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for audio and features, which all runs may share."""
    return tmp_path_factory.mktemp("shared")


def spec_of(**changes: object) -> StudySpec:
    return parse_study({**STUDY, **changes}, "tiny.toml")


def run(spec: StudySpec, folder: Path, shared: Path, workers: int = 1) -> tuple[Outcome, list[str]]:
    progress = _Counted()
    options = Options(
        data_root=shared / "data",
        cache=shared / "cache",
        reports=folder / "reports",
        tracking_uri=f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}",
        device="cpu",
        workers=workers,
        command="harness run-study tiny.toml",
    )
    return run_study(spec, options, progress), progress.lines


@pytest.fixture(scope="module")
def undisturbed(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """Return the outcome of a whole run in one process, and its folder."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return run(spec_of(), folder, shared)[0], folder


def same(first: pd.DataFrame, second: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(first, second, check_exact=True)


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
    # Published in single precision.
    kinds = written.dtypes[[name for name in written.columns if name.startswith("p_")]].to_dict()
    same(written.reset_index(drop=True), outcome.record.predictions.reset_index(drop=True).astype(kinds))
    stored = list((folder / "mlruns" / "artifacts").rglob("reports/results.json"))
    assert len(stored) == 1
    assert outcome.failures == ()
    assert [row["arm"] for row in outcome.summary] == ["A_1", "B_1 & 100 % #2 é", "DS", "mean"]


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


def test_two_workers_give_what_one_gives(undisturbed: tuple[Outcome, Path], shared: Path, tmp_path: Path) -> None:
    outcome, _ = run(spec_of(), tmp_path, shared, workers=2)
    same(outcome.record.predictions, undisturbed[0].record.predictions)


@pytest.mark.parametrize("after", [1, 3, 5])
def test_an_interrupted_study_goes_on_and_ends_the_same(
    undisturbed: tuple[Outcome, Path], shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    ended = 0

    class Interrupted(InProcessExecutor):
        def run(self, tasks: Sequence[FoldTask], on_event: object) -> None:
            def count(event: Event) -> bool:
                nonlocal ended
                going_on = bool(on_event(event))  # type: ignore[operator]
                ended += isinstance(event, Finished)
                if ended == after:
                    raise KeyboardInterrupt
                return going_on

            super().run(tasks, count)

    with monkeypatch.context() as patch:
        patch.setattr("harness.run.local_executor", lambda *_: Interrupted())
        with pytest.raises(KeyboardInterrupt):
            run(spec_of(), tmp_path, shared)
    outcome, lines = run(spec_of(), tmp_path, shared)
    trained = [line for line in lines if " in " in line and "macro accuracy" in line and "fold" in line]
    assert len(trained) == 8 - after
    same(outcome.record.predictions, undisturbed[0].record.predictions)
    assert set(outcome.record.folds["status"]) == {"FINISHED"}


def test_a_failing_training_is_a_row_and_the_study_goes_on(shared: Path, tmp_path: Path) -> None:
    arms = [
        {"name": "good", "model": "su8", "features": "LM"},
        {"name": "bad", "model": "su8", "features": "MFCC", "set": {"train.lr": 1e30, "train.optimizer": "sgd"}},
        {"name": "both", "fuse": ["good", "bad"], "rule": "mean"},
    ]
    spec = spec_of(arms=arms, search={"trials": 0}, train={"epochs": 2, "batch_size": 4})
    outcome, _ = run(spec, tmp_path, shared)
    assert set(outcome.record.predictions["arm"]) == {"good"}
    assert len(outcome.failures) == 2
    assert all("bad" in failure and "loss" in failure for failure in outcome.failures)
    rows = outcome.record.folds[outcome.record.folds["arm"] == "bad"]
    assert set(rows["status"]) == {"FAILED"}


def test_an_arm_whose_every_trial_fails_does_not_stop_the_others(shared: Path, tmp_path: Path) -> None:
    arms = [
        {"name": "good", "model": "su8", "features": "LM", "search": False},
        {"name": "bad", "model": "su8", "features": "MFCC", "set": {"train.optimizer": "sgd"}},
        {"name": "both", "fuse": ["good", "bad"], "rule": "mean"},
    ]
    search = {"trials": 2, "sampler": "grid", "space": {"train.lr": {"choices": [1e29, 1e30]}}}
    spec = spec_of(arms=arms, search=search, train={"epochs": 2, "batch_size": 4}, evaluate={"folds": [1]})
    outcome, _ = run(spec, tmp_path, shared)
    assert set(outcome.record.predictions["arm"]) == {"good"}
    assert len(outcome.failures) == 1
    assert "arm 'bad': none of 2 trials" in outcome.failures[0]
    searched = outcome.record.folds[outcome.record.folds["phase"] == "search"]
    assert set(searched["status"]) == {"FAILED"}


def test_random_splits_run_and_say_how_much_they_leak(shared: Path, tmp_path: Path) -> None:
    arms = [{"name": "one", "model": "su8", "features": "LM"}]
    spec = spec_of(arms=arms, search={"trials": 0}, protocol={"split": "random-segment"}, evaluate={"folds": [2]})
    outcome, lines = run(spec, tmp_path, shared)
    leakage = outcome.record.leakage.iloc[0]
    assert leakage["protocol"] == "random-segment"
    assert leakage["n_test_sharing_clip"] > 0
    assert any("segments" in line and "share a recording" in line for line in lines)


def test_arms_of_one_study_may_be_split_and_tested_in_several_ways(shared: Path, tmp_path: Path) -> None:
    network = {"model": "su8", "features": "LM"}
    arms = [
        {"name": "strict", **network},
        {"name": "chosen", **network, "set": {"protocol.epoch_rule": "best-on-test"}, "seed_of": "strict"},
        {"name": "shuffled", **network, "set": {"protocol.split": "random-segment"}, "seed_of": "strict"},
    ]
    train = {"epochs": 3, "batch_size": 8, "optimizer": "adamw", "lr": 0.001}
    outcome, lines = run(spec_of(arms=arms, search={"trials": 0}, train=train), tmp_path, shared)
    record = outcome.record
    assert set(record.leakage["protocol"]) == {"official", "random-segment"}
    assert sum("share a recording" in line for line in lines) == 2
    curves = record.history[record.history["fold"] == 1].set_index(["arm", "epoch"])["train_loss"]
    # The same numbers at random, so the same training: only the epoch that counts differs.
    assert curves["chosen"].tolist() == curves["strict"].tolist()
    assert curves["shuffled"].tolist() != curves["strict"].tolist()
    tags = {run.data.tags["arm"]: run.data.tags for run in _fold_runs(outcome)}
    assert (tags["chosen"]["epoch_rule"], tags["chosen"]["split"]) == ("best-on-test", "official")
    assert (tags["shuffled"]["epoch_rule"], tags["shuffled"]["split"]) == ("fixed", "random-segment")
    # One training served both rules.
    assert tags["chosen"]["trained_with"] == tags["chosen"]["task_key"].replace("chosen", "strict")
    assert "trained_with" not in tags["shuffled"]
    results = json.loads((outcome.report.folder / "results.json").read_text("utf-8"))
    assert [each["arm"] for each in results["protocol_effects"]] == ["strict", "chosen", "shuffled"]
    assert any("Best-on-test" in mark for mark in results["marks"])
    assert any("random-segment" in mark for mark in results["marks"])
    assert "What the protocol alone does" in (outcome.report.folder / "report.tex").read_text("utf-8")


def test_an_arm_may_train_with_what_another_one_s_search_chose(shared: Path, tmp_path: Path) -> None:
    arms = [
        {"name": "deeper", "model": "su8", "features": "LM", "tuned_as": "first", "set": {"model.dropout": 0.2}},
        {"name": "first", "model": "su8", "features": "LM"},
        {"name": "again", "model": "su8", "features": "LM", "tuned_as": "first", "seed_of": "first",
         "set": {"train.norm_statistics": "re-estimated"}},
    ]  # fmt: skip
    search = {"trials": 2, "sampler": "random", "space": {"train.lr": {"low": 0.0003, "high": 0.003, "log": True}}}
    outcome, _ = run(spec_of(arms=arms, search=search), tmp_path, shared)
    folds = outcome.record.folds
    assert set(folds.loc[folds["phase"] == "search", "arm"]) == {"first"}
    finals = folds[folds["phase"] == "final"].set_index(["arm", "fold"])
    for fold in (1, 3):
        first, deeper = finals.loc[("first", fold)], finals.loc[("deeper", fold)]
        assert deeper["trial"] == first["trial"]
        assert deeper["params"]["train.lr"] == first["params"]["train.lr"]
        assert deeper["params"]["model.dropout"] == 0.2
    # Looked at in another way, the chosen training is the same one.
    shared_by = {
        run.data.tags["arm"]: run.data.tags["trained_with"]
        for run in _fold_runs(outcome)
        if "trained_with" in run.data.tags and run.data.tags["fold"] == "1"
    }
    others = {arm: key.partition("/")[0] for arm, key in shared_by.items()}
    assert others == {"first": "again", "again": "first"}


def test_an_arm_may_have_its_own_number_of_seeds_and_a_fusion_what_its_streams_share(
    shared: Path, tmp_path: Path
) -> None:
    network = {"model": "su8", "features": "LM"}
    arms = [
        {"name": "once", **network, "seeds": 1},
        {"name": "often", **network},
        {"name": "fused", "fuse": ["once", "often"], "rule": "mean"},
    ]
    outcome, _ = run(spec_of(arms=arms, search={"trials": 0}, evaluate={"seeds": 2, "folds": [1]}), tmp_path, shared)
    assert outcome.failures == ()
    folds = outcome.record.folds
    seeds = folds[folds["phase"] == "final"].groupby("arm")["seed"].apply(sorted).to_dict()
    assert seeds == {"once": [0], "often": [0, 1], "fused": [0]}
    results = json.loads((outcome.report.folder / "results.json").read_text("utf-8"))
    assert {arm["name"]: arm["n_seeds"] for arm in results["arms"]} == {
        "once": [1, 1],
        "often": [2, 2],
        "fused": [1, 1],
    }


def test_other_comparisons_train_nothing_again_and_the_report_says_that_they_came_later(
    shared: Path, tmp_path: Path
) -> None:
    def of(**evaluate: object) -> StudySpec:
        arms = [{"name": name, "model": "su8", "features": "LM"} for name in ("A", "B")]
        return spec_of(arms=arms, search={"trials": 0}, evaluate={"folds": [1, 3], **evaluate})

    first, _ = run(of(), tmp_path, shared)
    assert not first.record.environment.get("declared_later")
    asked = spec_of(**{**of().model_dump(), "study": {**STUDY["study"], "question": "And so?"}})  # type: ignore[dict-item]
    same_question, lines = run(asked, tmp_path, shared)
    assert not [line for line in lines if "macro accuracy test" in line]
    assert not same_question.record.environment.get("declared_later")
    later, lines = run(of(margin=9.0, contrasts=[["B", "A"]]), tmp_path, shared)
    assert not [line for line in lines if "macro accuracy test" in line]
    assert later.record.run_id == first.record.run_id
    same(later.record.predictions, first.record.predictions)
    results = json.loads((later.report.folder / "results.json").read_text("utf-8"))
    assert results["contrasts"]["family"] == "declared"
    assert any(mark.startswith("Declared later: evaluate.contrasts, evaluate.margin") for mark in results["marks"])
    # It stays said, and both studies stay on record.
    again, _ = run(of(margin=9.0, contrasts=[["B", "A"]]), tmp_path, shared)
    assert again.record.environment["declared_later"] == ["evaluate.contrasts", "evaluate.margin"]
    kept = {path.name for path in (tmp_path / "mlruns" / "artifacts").rglob("study*.json")}
    assert {"study.json", "study-session-1.json", "study-session-2.json"} <= kept
    with_seeds, lines = run(of(seeds=2), tmp_path, shared)
    assert with_seeds.record.run_id != first.record.run_id


def _fold_runs(outcome: Outcome) -> list[Run]:
    client = MlflowClient(outcome.tracking_uri)
    experiment = client.get_experiment_by_name(outcome.record.name)
    return list(client.search_runs([experiment.experiment_id], "tags.level = 'fold'"))


CLAIMS = """
[source]
key = "mine"
title = "Notes of a test"
authors = "the test suite"
year = 2026
unpublished = "this file"

[[table]]
id = "T1"
title = "made for this test"
where = "here"
role = "claim"
dataset = "synthetic"
estimand = "macro"
split = "official"
folds = 5

[[table.column]]
name = "A"
value = "99.9"
"""


def test_a_claim_of_ones_own_is_recorded_with_the_run_and_reported(shared: Path, tmp_path: Path) -> None:
    own = tmp_path / "claims"
    own.mkdir()
    (own / "mine.toml").write_text(CLAIMS)
    spec = spec_of(
        arms=[STUDY["arms"][0]],
        search={"trials": 0},
        compare=[{"claim": "mine:T1/A", "arm": "A_1"}],
    )
    options = Options(
        data_root=shared / "data",
        cache=shared / "cache",
        reports=tmp_path / "reports",
        tracking_uri=f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}",
        device="cpu",
        workers=1,
        claims=own,
    )
    first = run_study(spec, options, Silent())
    assert first.record.claims["mine"]["table"][0]["column"][0]["value"] == "99.9"
    # The report stands on the record: the file may go.
    (own / "mine.toml").unlink()
    again = report_study("tiny", None, options.tracking_uri, tmp_path / "again")
    found = json.loads((tmp_path / "again" / "tiny" / "results.json").read_text())["comparisons"]
    assert [(each["claim"]["address"], each["claim"]["percent"]) for each in found] == [("mine:T1/A", 99.9)]
    assert found[0]["verdict"] == "not comparable"
    assert "3 of 5 folds" in found[0]["reason"]
    assert again.record.claims == first.record.claims


def test_an_unknown_claim_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    spec = spec_of(compare=[{"claim": "su2019:T2/LMCnet", "arm": "A_1"}])
    options = Options(
        data_root=tmp_path / "none",
        cache=tmp_path / "cache",
        reports=tmp_path / "reports",
        tracking_uri=f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}",
        device="cpu",
        workers=1,
    )
    with pytest.raises(ClaimsError, match="did you mean 'LMCNet'"):
        run_study(spec, options, Silent())
    assert not list(tmp_path.iterdir())


def test_final_trainings_have_pictures_and_those_of_a_search_only_numbers(undisturbed: tuple[Outcome, Path]) -> None:
    outcome, folder = undisturbed
    folds = outcome.record.folds
    for row in folds.to_dict("records"):
        (artifacts,) = (folder / "mlruns" / "artifacts").rglob(f"{row['run_id']}/artifacts")
        pictures = {file.name for file in artifacts.rglob("*.png")}
        drawn = row["phase"] == "final" and row["arm"] not in ("DS", "mean")
        assert pictures == ({"curves.png", "confusion_test.png", "confusion_validation.png"} if drawn else set()), row
        assert (artifacts / "predictions.parquet").is_file()


def test_a_trial_for_which_memory_runs_out_is_a_row_and_the_search_goes_on(
    undisturbed: tuple[Outcome, Path], shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.training import loop

    train = loop.train_together

    def short_of_memory(tasks: Sequence[FoldTask], tell: object) -> object:
        if tasks[0].phase == "search" and tasks[0].trial == 0:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return train(tasks, tell)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "train_together", short_of_memory)
    outcome, lines = run(spec_of(), tmp_path, shared)
    assert outcome.failures == ()
    folds = outcome.record.folds
    (failed,) = folds[folds["status"] == "FAILED"].to_dict("records")
    assert (failed["phase"], failed["trial"]) == ("search", 0)
    assert "memory ran out on cpu at train.batch_size = 16" in failed["error"]
    assert "try train.batch_size = 8" in failed["error"]
    assert any(line.startswith("A_1 trial 0 fold 1 seed 0 failed") and ": memory ran out" in line for line in lines)
    states = [(trial["trial"], trial["state"]) for trial in outcome.record.searches["A_1"]["trials"]]
    assert states == [(0, "failed"), (1, "complete")]
    assert set(folds[(folds["arm"] == "A_1") & (folds["phase"] == "final")]["trial"]) == {1}
    mine, theirs = (each.record.predictions.query("arm != 'A_1'") for each in (outcome, undisturbed[0]))
    same(mine[mine["arm"].str.startswith("B")], theirs[theirs["arm"].str.startswith("B")])


def test_a_server_that_is_down_stops_nothing_and_its_study_waits(
    undisturbed: tuple[Outcome, Path], shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server = f"http://127.0.0.1:{free_port()}"
    progress = _Counted()
    options = Options(
        data_root=shared / "data",
        cache=shared / "cache",
        reports=tmp_path / "reports",
        tracking_uri=server,
        device="cpu",
        workers=1,
    )
    outcome = run_study(spec_of(), options, progress)
    same(outcome.record.predictions, undisturbed[0].record.predictions)
    assert outcome.delivery is not None
    assert outcome.delivery.waiting == 1 + (2 + 4) + (4 + 8)
    assert len([line for line in progress.lines if f"nothing answers at {server[7:]}" in line]) == 1
    told = CliRunner().invoke(cli, ["sync"])
    assert told.exit_code == 1
    assert f"19 runs wait in {tmp_path / 'mlruns' / 'spool'}" in told.output
    assert f"harness sync --tracking-uri {server}" in told.output
    # The report of a server that is down is that of its spool.
    again = report_study("tiny", None, server, tmp_path / "again")
    assert again.record.run_id == outcome.record.run_id


def test_nothing_to_send_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(cli, ["sync"])
    assert told.exit_code == 0
    assert told.output.startswith("no runs wait for a server here")
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_fails_in_a_search_is_no_fault_of_the_trial(
    undisturbed: tuple[Outcome, Path], shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("harness.tracking.files.os.fsync", full)
        patch.setattr("harness.tracking.session.put_files", lambda *_: None)
        with pytest.raises(TrackingError, match="No space left on device; free some space there"):
            run(spec_of(), tmp_path, shared)
    outcome, _ = run(spec_of(), tmp_path, shared)
    same(outcome.record.predictions, undisturbed[0].record.predictions)
    assert outcome.record.searches == undisturbed[0].record.searches
    assert set(outcome.record.folds["status"]) == {"FINISHED"}
