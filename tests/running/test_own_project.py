"""A project of a user's own from study file to verdict: code, planes, sets, claims and data outside the package."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner

import harness
from harness import own_code
from harness.cli import cli
from harness.cli.output.show_studies import show_outcome
from harness.errors import StudyError, TrackingError
from harness.executors.events import Epoch, Event, OpenExecutor, Started, Take
from harness.executors.local import InProcessExecutor, local_executor
from harness.replay.sources import open_source
from harness.replay.train_again import replay
from harness.report.folder.check import check_report
from harness.running.reports import Outcome, ReportKind
from harness.running.study import Options, run_study
from harness.study import load_study
from harness.terminal.progress import Silent
from harness.tracking.study_reader import load_weights
from tests.own_project import write_holdout, write_project


class Lines(Silent):
    """Keeps the lines that a run prints."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


class DiesInTheThird(InProcessExecutor):
    """Kills its process, as by ``kill -9``, after the first epoch of the third training."""

    def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
        started = 0

        def watched(event: Event) -> None:
            nonlocal started
            on_event(event)
            started += isinstance(event, Started)
            if started == 3 and isinstance(event, Epoch):
                os.kill(os.getpid(), signal.SIGKILL)

        super().run(take, watched)


def die(study: Path, folder: Path) -> None:
    """Run ``study`` until it kills this process."""
    run(study, folder, executor=lambda *_: DiesInTheThird())


def run(
    study: Path,
    folder: Path,
    workers: int = 1,
    report: ReportKind = ReportKind.DATA,
    executor: OpenExecutor = local_executor,
) -> tuple[Outcome, list[str]]:
    progress = Lines()
    options = Options(
        data_root=folder / "data",
        cache=folder / "cache",
        reports=folder / "reports",
        tracking_uri=f"sqlite:///{folder}/mlruns/mlflow.db",
        device="cpu",
        workers=workers,
        claims=study.parent / "claims",
        folder=study.parent,
        report=report,
        executor=executor,
    )
    try:
        return run_study(load_study(study), options, progress), progress.lines
    finally:
        own_code.activate(None)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Outcome, list[str]]]:
    folder = tmp_path_factory.mktemp("project")
    study = write_project(folder)
    outcome, lines = run(study, folder)
    yield folder, outcome, lines
    own_code.activate(None)


def test_the_files_that_run_are_named_first(made: tuple[Path, Outcome, list[str]]) -> None:
    folder, _, lines = made
    named = [line for line in lines if line.startswith("runs code of the study: ")]
    assert lines[: len(named)] == named
    assert [line.split(": ")[1].split(" (")[0] for line in named] == [
        str(folder / name) for name in ("blocks.py", "myfeatures.py", "mynet.py")
    ]


def test_every_arm_is_tested_and_compared(made: tuple[Path, Outcome, list[str]]) -> None:
    folder, outcome, _ = made
    assert outcome.failures == ()
    found = json.loads((folder / "reports/kitchen/results.json").read_text(encoding="utf-8"))
    assert [(arm["name"], arm["n_folds"]) for arm in found["arms"]] == [("mel16", 3), ("mel32", 3), ("own parts", 3)]
    assert found["classes"] == ["Café, alt", "kettle", "tap"]
    (comparison,) = found["comparisons"]
    assert comparison["claim"]["address"] == "kitchens:T1/Net"
    assert [(each["first"], each["second"]) for each in found["contrasts"]["pairs"] if each["in_family"]] == [
        ("mel32", "mel16")
    ]
    code = found["environment"]["code"]
    assert sorted(code["files"]) == ["blocks.py", "myfeatures.py", "mynet.py"]
    assert {row[0] for row in code["networks"]["mel16"]} == {"body.0.0", "body.2"}
    sources = {path.name for path in (folder / "mlruns").rglob("code/*.py")}
    assert sources == {"blocks.py", "myfeatures.py", "mynet.py"}


def test_the_report_is_checked_without_running_the_code(made: tuple[Path, Outcome, list[str]]) -> None:
    folder, _, _ = made
    own_code.activate(None)
    from harness.running.reports import declared

    checked = check_report(folder / "reports/kitchen", *declared(folder / "study.toml"))
    assert checked.equal, checked.mismatches
    assert own_code.active() is None
    shown = (folder / "reports/kitchen/tables/parameters.csv").read_text(encoding="utf-8")
    assert "body.0.0" in shown


def test_a_replay_runs_the_code_only_with_its_folder(made: tuple[Path, Outcome, list[str]], tmp_path: Path) -> None:
    folder, _, _ = made
    uri = f"sqlite:///{folder}/mlruns/mlflow.db"
    source = open_source(made[1].record.run_id, uri)
    settings = {"data_root": tmp_path, "cache": folder / "cache", "device": "recorded", "workers": 1}
    with pytest.raises(StudyError, match=r"runs code of its own .* --study-folder DIR"):
        replay(source, progress=Silent(), arms=["own parts"], folds=[2], **settings)  # type: ignore[arg-type]
    found = replay(
        source,
        progress=Silent(),
        arms=["own parts"],
        folds=[2],
        folder=folder,
        **settings,  # type: ignore[arg-type]
    )
    assert found.equal
    own_code.activate(None)


def test_changed_code_is_trained_again_and_said_by_replay(tmp_path: Path) -> None:
    study = write_project(tmp_path)
    text = study.read_text(encoding="utf-8")
    study.write_text(text[: text.index('[[arms]]\nname = "mel32"')].replace('contrasts = [["mel32", "mel16"]]', ""))
    first, _ = run(study, tmp_path)
    again, lines = run(study, tmp_path)
    assert not [line for line in lines if "macro accuracy test" in line]
    source = (tmp_path / "mynet.py").read_text(encoding="utf-8")
    (tmp_path / "mynet.py").write_text(source.replace("return self.body(x)", "return -self.body(x)"), encoding="utf-8")
    changed, lines = run(study, tmp_path)
    assert len([line for line in lines if "macro accuracy test" in line]) == 3
    assert changed.record.run_id == first.record.run_id == again.record.run_id
    assert changed.record.environment["code"]["files"] != first.record.environment["code"]["files"]


def test_a_set_and_its_arm_may_be_added_and_only_they_are_trained(tmp_path: Path) -> None:
    study = write_project(tmp_path)
    text = study.read_text(encoding="utf-8")
    first_arm = text[: text.index('[[arms]]\nname = "mel32"')].replace('contrasts = [["mel32", "mel16"]]', "")
    study.write_text(first_arm, encoding="utf-8")
    first, _ = run(study, tmp_path, report=ReportKind.NONE)
    more = (
        '[features.sets.mel24]\nplane = "log-mel"\nn_mels = 24\n'
        '[[arms]]\nname = "new"\nmodel = "mynet:Net"\nfeatures = "mel24"\n'
    )
    study.write_text(first_arm + more, encoding="utf-8")
    second, lines = run(study, tmp_path, report=ReportKind.NONE)
    assert len([line for line in lines if line.startswith("new fold ")]) == 3
    assert not [line for line in lines if line.startswith("mel16 fold ")]
    assert second.record.run_id == first.record.run_id
    study.write_text((first_arm + more).replace("n_mels = 16", "n_mels = 17"), encoding="utf-8")
    third, lines = run(study, tmp_path, report=ReportKind.NONE)
    assert len([line for line in lines if line.startswith("mel16 fold ")]) == 3
    assert third.record.run_id != first.record.run_id


def test_probes_on_vectors_from_a_file_with_a_hold_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = write_holdout(tmp_path)
    outcome, _ = run(study, tmp_path)
    show_outcome(outcome)
    assert "rooms: macro accuracy on the test part, mean over seeds" in " ".join(capsys.readouterr().out.split())
    scores = outcome.record.predictions.groupby("arm")["fold"].unique()
    assert {arm: list(folds) for arm, folds in scores.items()} == {"linear": [1], "mlp": [1]}
    right = outcome.record.predictions
    called = right[[f"p_{k}" for k in range(3)]].to_numpy().argmax(axis=1)
    assert (called == right["y_true"]).mean() > 0.6
    with np.load(tmp_path / "vectors.npz") as known:
        vectors = {clip: known[clip] for clip in known if clip != "audio/0-0-0a"}
    np.savez(tmp_path / "vectors.npz", **vectors)
    shown = CliRunner().invoke(
        cli,
        ["run-study", str(study), "--tracking-uri", f"sqlite:///{tmp_path}/mlruns/mlflow.db",
         "--reports", str(tmp_path / "reports"), "--cache", str(tmp_path / "cache"), "--data-root", str(tmp_path)],
    )  # fmt: skip
    assert shown.exit_code == 2
    assert "1 of 54 clips have no vector, the first is 'audio/0-0-0a'" in " ".join(shown.output.split())


def killed_and_resumed(study: Path, folder: Path) -> tuple[Outcome, list[str]]:
    """Run ``study`` in a process that dies within its third training, then with two workers to its end."""
    process = multiprocessing.get_context("spawn").Process(target=die, args=(study, folder))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    outcome, lines = run(study, folder, workers=2, report=ReportKind.NONE)
    assert outcome.failures == ()
    return outcome, lines


def assert_same_predictions(first: Outcome, second: Outcome) -> None:
    keys = ["arm", "fold", "seed", "clip_id"]
    tables = [each.record.predictions.sort_values(keys, ignore_index=True) for each in (first, second)]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_project_killed_within_a_training_resumes_with_two_workers_to_the_same_predictions(
    made: tuple[Path, Outcome, list[str]], tmp_path: Path
) -> None:
    outcome, lines = killed_and_resumed(write_project(tmp_path), tmp_path)
    assert len([line for line in lines if "macro accuracy test" in line]) == 7
    assert_same_predictions(made[1], outcome)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_hold_out_with_vectors_resumes_after_a_kill_and_replays_to_the_bit(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("undisturbed", "killed")]
    studies = []
    for folder in folders:
        folder.mkdir()
        studies.append(write_holdout(folder))
    undisturbed, _ = run(studies[0], folders[0], report=ReportKind.NONE)
    outcome, _ = killed_and_resumed(studies[1], folders[1])
    assert_same_predictions(undisturbed, outcome)
    source = open_source(outcome.record.run_id, f"sqlite:///{folders[1]}/mlruns/mlflow.db")
    found = replay(
        source,
        progress=Silent(),
        data_root=folders[1],
        cache=tmp_path / "another cache",
        device="recorded",
        workers=1,
        folder=folders[1],
    )
    own_code.activate(None)
    assert found.equal
    assert len(found.folds) == len(outcome.record.folds)


def test_a_trained_network_is_loaded_with_its_weights(made: tuple[Path, Outcome, list[str]]) -> None:
    folder, outcome, _ = made
    rows = outcome.record.folds
    (run_id,) = rows.loc[(rows["arm"] == "mel16") & (rows["fold"] == 2), "run_id"]
    uri = f"sqlite:///{folder}/mlruns/mlflow.db"
    with pytest.raises(StudyError, match="runs only with the study file that names it"):
        _ = harness.load_model(run_id, uri).module
    model = harness.load_model(run_id, uri, study_folder=folder).module
    assert not model.training
    assert model(torch.zeros(2, 1, 16, 20)).shape == (2, 3)
    weights = load_weights(uri, run_id)
    assert weights is not None
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), weights[name])
    with pytest.raises(TrackingError, match=r"has several arms: .*choose one with --arm"):
        harness.load_model(outcome.record.run_id, uri)
