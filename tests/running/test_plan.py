"""A plan counts what a run will do, on real clips, and writes nothing."""

from __future__ import annotations

import dataclasses
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.running.plan import make_plan
from harness.study import ProtocolSection, load_study
from harness.study.study_file import parse_study
from harness.training.probe import Probe, probe_network
from tests.study.test_stage import stage_commands

STUDIES = Path(__file__).parents[2] / "studies"
# What every processor has.
FLOAT32 = "train.precision=float32"


@pytest.fixture(autouse=True)
def _one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure speed by one step: these tests are about what is counted."""
    monkeypatch.setattr("harness.running.plan.probe_network", partial(probe_network, seconds=0.0))


@pytest.mark.slow
def test_the_plan_of_the_real_study_counts_segments_weights_and_trainings(esc_root: Path) -> None:
    spec = load_study(STUDIES / "su2019-esc10.toml", ["evaluate.folds=[1, 2]", FLOAT32])
    before = sorted(path.name for path in esc_root.iterdir())
    plan = make_plan(spec, esc_root, "cpu", 2)
    assert sorted(path.name for path in esc_root.iterdir()) == before
    arms = {arm.name: arm for arm in plan.arms}
    assert list(arms)[:5] == ["LMCNet", "MCNet", "MLMC", "TSCNN-DS", "TSCNN mean"]
    lmc = arms["LMCNet"]
    # 240 training clips of 5 s: 216 frames, so 1 + (216 - 41) // 20 = 9 segments each.
    assert lmc.items == 240 * 9
    assert (lmc.trials, lmc.search_trainings, lmc.final_trainings) == (4, 8, 6)
    # Table 1's weights, with the biases and batch normalisations that it leaves out.
    assert lmc.parameters == pytest.approx(15.9e6, rel=0.01)
    assert arms["MLMC"].parameters > lmc.parameters
    assert lmc.items_per_second > 0
    # A search of 4, 7 or 10 epochs: 7 in the mean.
    assert lmc.epochs == (4, 10)
    assert lmc.seconds == pytest.approx(14 * 7 * 2160 / lmc.items_per_second / 2)
    assert arms["TSCNN-DS"].final_trainings == 0
    assert arms["TSCNN-DS"].seconds == 0
    # Tuned as another arm: no search of its own, but trainings of its own.
    assert arms["LMCNet-6"].epochs == (4, 10)
    assert (arms["LMCNet-6"].trials, arms["LMCNet-6"].final_trainings, arms["LMCNet-6"].trained_with) == (0, 2, "")


@pytest.mark.slow
def test_trainings_that_several_epoch_rules_share_are_counted_once(esc_root: Path) -> None:
    plan = make_plan(load_study(STUDIES / "protocols-esc10.toml", [FLOAT32]), esc_root, "cpu", 2)
    arms = {arm.name: arm for arm in plan.arms}
    for net in ("LMCNet", "MCNet"):
        for split in ("", " random-clip", " random-segment"):
            assert arms[f"{net}{split}"].final_trainings == 5
            assert arms[f"{net}{split}"].seconds > 0
            shared = arms[f"{net}{split} best-on-test"]
            assert (shared.final_trainings, shared.seconds, shared.trained_with) == (0, 0, f"{net}{split}")
        shared = arms[f"{net} same-as-test"]
        assert (shared.final_trainings, shared.trained_with) == (0, f"{net} no-validation")
        # Of a survey and the trainings up to the chosen epoch, the survey is shared.
        assert arms[f"{net} best-mean-on-test"].final_trainings == 5
        assert arms[f"{net} every-nth-row"].final_trainings == 1


@pytest.mark.slow
@pytest.mark.parametrize("study", ["protocols-esc50", "su2019-esc50"])
def test_the_stages_of_the_documents_train_nothing_twice(
    study: str, esc50_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.running.plan.probe_network", lambda *_, **__: Probe(1, 100.0))
    spec = load_study(STUDIES / f"{study}.toml", [FLOAT32])
    stages = [
        [after for before, after in pairwise(words) if before == "--arms"]
        for name, words in dict.fromkeys((name, tuple(words)) for name, words in stage_commands())
        if name == study and "plan" not in words
    ]
    planned: set[str] = set()
    work = 0.0
    for stage in [*stages, []]:
        new = [arm for arm in make_plan(spec, esc50_root, "cpu", 2, stage=stage).arms if arm.name not in planned]
        assert planned.isdisjoint(arm.trained_with for arm in new)
        planned |= {arm.name for arm in new}
        work += sum(arm.work for arm in new)
    assert work == pytest.approx(sum(arm.work for arm in make_plan(spec, esc50_root, "cpu", 2).arms))


@pytest.mark.slow
def test_a_search_s_choice_may_be_looked_at_in_two_ways_for_one_training(tmp_path: Path) -> None:
    again = {"train.norm_statistics": "re-estimated"}
    net = {"model": "su8", "features": "LM"}
    arms = [
        {"name": "first", **net},
        {"name": "again", **net, "tuned_as": "first", "seed_of": "first", "set": again},
        {"name": "of its own seeds", **net, "tuned_as": "first", "set": again},
        {"name": "searched itself", **net, "seed_of": "first", "set": again},
    ]
    space = {"train.lr": {"low": 0.0003, "high": 0.003, "log": True}}
    given = {"study": {"name": "tiny"}, "data": {"dataset": "synthetic"}, "arms": arms}
    plan = make_plan(parse_study({**given, "search": {"trials": 2, "space": space}}, "tiny.toml"), tmp_path, "cpu", 1)
    assert [(arm.search_trainings, arm.final_trainings, arm.trained_with) for arm in plan.arms] == [
        (10, 5, ""),
        (0, 0, "first"),
        (0, 5, ""),
        (10, 5, ""),
    ]


@pytest.mark.slow
def test_the_disk_for_weights_is_that_of_the_files_which_a_run_keeps(tmp_path: Path) -> None:
    """Arms that share a training keep the weights each; what a search trains is not kept."""
    (tmp_path / "tiny.toml").write_text(
        """
        study = { name = "tiny" }
        data = { dataset = "synthetic" }
        train = { epochs = 1 }
        evaluate = { folds = [1] }

        [[arms]]
        name = "first"
        model = "su4"
        features = "LM"

        [[arms]]
        name = "again"
        model = "su4"
        features = "LM"
        seed_of = "first"
        set = { "train.norm_statistics" = "re-estimated" }

        [[arms]]
        name = "both"
        fuse = ["first", "again"]
        rule = "mean"
        """
    )
    plan = make_plan(load_study(tmp_path / "tiny.toml"), tmp_path, "cpu", 1)
    places = {"--data-root": "data", "--cache": "cache", "--reports": "reports"}
    options = [word for option, folder in places.items() for word in (option, str(tmp_path / folder))]
    options += ["--tracking-uri", f"sqlite:///{tmp_path}/mlflow.db", "--report", "none"]
    outcome = CliRunner().invoke(cli, ["run-study", str(tmp_path / "tiny.toml"), *options])
    assert outcome.exit_code == 0, outcome.output
    # A logged model's file is another name of the run's.
    files = {file.stat().st_ino: file.stat().st_size for file in tmp_path.rglob("*.safetensors")}
    kept = sum(files.values())
    assert plan.weights_bytes == pytest.approx(kept, rel=0.001)
    without = load_study(tmp_path / "tiny.toml", ["tracking.weights=false"])
    assert make_plan(without, tmp_path, "cpu", 1).weights_bytes == 0


@pytest.mark.slow
def test_images_are_one_item_a_clip_and_random_splits_are_counted(tmp_path: Path) -> None:
    given = {
        "study": {"name": "tiny"},
        "data": {"dataset": "synthetic", "synthetic": {"clips_per_class_and_fold": 2}},
        "protocol": {"split": "random-clip"},
        "features": {"image": {"rows": 32, "columns": 32}},
        "arms": [
            {"name": "picture", "model": "resnet18", "features": "image:mel"},
            {"name": "pieces", "model": "su8", "features": "LM"},
        ],
        "evaluate": {"folds": [1, 2, 3]},
    }
    plan = make_plan(parse_study(given, "tiny.toml"), tmp_path, "cpu", None)
    arms = {arm.name: arm for arm in plan.arms}
    assert arms["picture"].items == 60
    assert arms["pieces"].items == 60 * 3
    assert plan.workers >= 1
    assert [split.protocol for split in plan.splits[ProtocolSection(split="random-clip")]] == ["random-clip"] * 3


@pytest.mark.slow
def test_final_trainings_that_learn_from_the_validation_part_count_it(tmp_path: Path) -> None:
    space = {"train.epochs": {"choices": [2, 5]}}
    given = {
        "study": {"name": "tiny"},
        "data": {"dataset": "synthetic"},
        "arms": [
            {"name": "searched", "model": "su8", "features": "LM"},
            {"name": "fixed", "model": "su8", "features": "LM", "search": False},
        ],
        "protocol": {"final_train": "train+validation"},
        "search": {"trials": 2, "space": space},
        "train": {"epochs": 3},
    }
    plan = make_plan(parse_study(given, "tiny.toml"), tmp_path, "cpu", 1)
    searched, fixed = plan.arms
    # Of five equal folds three train, one validates, one is tested.
    assert searched.items * 3 == searched.search_items * 4
    assert (searched.epochs, fixed.epochs) == ((2, 5), (3, 3))
    expected = (10 * searched.search_items + 5 * searched.items) * 3.5 / searched.items_per_second
    assert searched.seconds == pytest.approx(expected)
    assert fixed.seconds == pytest.approx(5 * fixed.items * 3 / fixed.items_per_second)
    # All arms proceed at the same time: on one worker the work adds up, on many the longest chain remains.
    assert plan.seconds == pytest.approx(searched.work + fixed.work)
    assert searched.work == pytest.approx(searched.seconds)
    many = dataclasses.replace(plan, workers=1000)
    chain = (2 * searched.search_items + searched.items) * 3.5 / searched.items_per_second
    assert many.seconds == pytest.approx(max(chain, fixed.items * 3 / fixed.items_per_second))
