"""Arms that are split, tuned, seeded or tested in ways of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from harness.replay.sources import StoreSource
from harness.replay.train_again import replay
from harness.running.reports import Outcome
from harness.terminal.progress import Silent
from tests.running.study import run, spec_of


@pytest.mark.slow
def test_random_splits_run_and_say_how_much_they_leak(shared: Path, tmp_path: Path) -> None:
    arms = [{"name": "one", "model": "su8", "features": "LM"}]
    spec = spec_of(arms=arms, search={"trials": 0}, protocol={"split": "random-segment"}, evaluate={"folds": [2]})
    outcome, lines = run(spec, tmp_path, shared)
    leakage = outcome.record.leakage.iloc[0]
    assert leakage["protocol"] == "random-segment"
    assert leakage["n_test_sharing_clip"] > 0
    assert any("segments" in line and "share a recording" in line for line in lines)


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_search_that_prunes_is_recorded_and_can_be_trained_again(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So small a network guesses whatever it is trained with: no trial would be worse than another.
    monkeypatch.setattr("harness.search.arm_search.floor_of", lambda _, complete, __: (0.0, 2.0) if complete else ())
    search = {"trials": 2, "sampler": "random", "space": {"train.lr": {"low": 0.0003, "high": 0.003, "log": True}}}
    arms = [{"name": "one", "model": "su8", "features": "LM"}]
    spec = spec_of(arms=arms, search=search, train={"epochs": 3, "batch_size": 16, "optimizer": "adamw"})
    outcome, _ = run(spec, tmp_path, shared)
    first, second = outcome.record.searches["one"]["trials"]
    assert (first["state"], set(first["validation_macro_accuracy"]), first["stopped"]) == ("complete", {"1", "3"}, {})
    assert (second["state"], second["validation_macro_accuracy"]) == ("pruned", {})
    assert second["stopped"] == {"1": 2, "3": 2}
    runs = {each.data.tags["fold"]: each for each in _fold_runs(outcome) if each.data.tags["trial"] == "1"}
    assert {each.data.tags["stopped_after_epoch"] for each in runs.values()} == {"2"}
    results = json.loads((outcome.report.folder / "results.json").read_text("utf-8"))
    assert results["stopped_early"] == 2
    again, lines = run(spec, tmp_path, shared)
    assert again.record.searches == outcome.record.searches
    assert not [line for line in lines if line.startswith("one trial")]
    source = StoreSource(outcome.tracking_uri, runs["1"].info.run_id)
    found = replay(
        source, data_root=shared / "data", cache=shared / "cache", device="cpu", workers=1, progress=Silent()
    )
    assert found.equal
    assert found.folds[0].differences == ()


def _fold_runs(outcome: Outcome) -> list[Run]:
    client = MlflowClient(outcome.tracking_uri)
    experiment = client.get_experiment_by_name(outcome.record.name)
    return list(client.search_runs([experiment.experiment_id], "tags.level = 'fold'"))
