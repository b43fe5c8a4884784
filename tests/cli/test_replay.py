"""harness replay and harness diff, as a person or a script calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import cli
from harness.running.reports import ReportKind
from harness.running.study import Options, run_study
from harness.study.study_file import parse_study
from harness.terminal.progress import Silent
from harness.tracking.recorded_run import RecordedFold, read_run
from tests.replay.conftest import steady

STUDY = {
    "study": {"name": "tiny", "seed": 3},
    "data": {"dataset": "synthetic", "folds": [1, 2, 3], "synthetic": {"clips_per_class_and_fold": 1}},
    "train": {"epochs": 1, "batch_size": 8},
    "arms": [{"name": "A", "model": "su4", "features": "LM"}],
    "search": {"trials": 0},
    "evaluate": {"folds": [1, 3]},
    "tracking": {"system_metrics": False},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder of a recorded study, and its run id."""
    folder = tmp_path_factory.mktemp("store")
    options = Options(
        data_root=folder / "data",
        cache=folder / "cache",
        reports=folder / "reports",
        tracking_uri=f"sqlite:///{folder / 'mlflow.db'}",
        device="cpu",
        workers=1,
        report=ReportKind.NONE,
    )
    with steady():
        return folder, run_study(parse_study(STUDY, "tiny.toml"), options, Silent()).record.run_id


def fold_of(store: tuple[Path, str], fold: int) -> RecordedFold:
    run = read_run(f"sqlite:///{store[0] / 'mlflow.db'}", store[1])
    return next(each for each in run.folds if each.fold == fold)


def replay(store: tuple[Path, str], run_id: str, *arguments: str) -> Result:
    folder = store[0]
    places = ["--data-root", folder / "data", "--cache", folder / "cache", "--workers", 1]
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    return CliRunner().invoke(cli, ["replay", run_id, "--tracking-uri", uri, *map(str, places), *arguments])


def diff(store: tuple[Path, str], *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["diff", *arguments, "--tracking-uri", f"sqlite:///{store[0] / 'mlflow.db'}"])


def test_an_equal_replay_is_exit_code_0(store: tuple[Path, str]) -> None:
    result = replay(store, store[1][:8])
    assert result.exit_code == 0, result.output
    assert "EQUAL: all 2 trainings, bit for bit" in result.output
    assert f"replay of study run {store[1]} (tiny)" in result.output
    assert "A fold 3 seed 0: equal bit for bit" in result.stderr


def test_json_alone_is_on_standard_output(store: tuple[Path, str]) -> None:
    result = replay(store, store[1], "--fold", "3", "--seed", "0", "--json")
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    assert data["run"] == {"id": store[1], "level": "study", "title": "tiny", "study": "tiny"}
    (fold,) = data["folds"]
    assert (fold["arm"], fold["fold"], fold["seed"], fold["equal"]) == ("A", 3, 0, True)
    assert fold["segments"]["compared"] == 60
    assert fold["segments"]["changed"] == fold["segments"]["largest_difference"] == 0
    accuracy = fold["clips"]["macro_accuracy"]["test"]
    assert accuracy["before"] == accuracy["after"]
    assert accuracy["difference"] == 0


def test_a_replay_that_differs_is_exit_code_1(store: tuple[Path, str]) -> None:
    fold = fold_of(store, 1)
    (study,) = store[0].rglob(f"{store[1]}/artifacts/study.json")
    before = study.read_text(encoding="utf-8")
    study.write_text(before.replace('"seed": 3', '"seed": 5'), encoding="utf-8")
    try:
        result = replay(store, fold.run_id)
    finally:
        study.write_text(before, encoding="utf-8")
    assert result.exit_code == 1
    assert "NOT EQUAL: 1 of 1" in result.output
    assert "seed, labels or rules" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["00000000"], "no run has the id '00000000'"),
        (["zz"], "run id 'zz': expected a run id"),
        (["RUN", "--fold", "2"], "--fold 2: run "),
        (["RUN", "--device", "tpu"], "--device tpu: expected auto"),
    ],
)
def test_what_cannot_be_replayed_is_exit_code_2(store: tuple[Path, str], arguments: list[str], message: str) -> None:
    result = replay(store, *[store[1] if word == "RUN" else word for word in arguments])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_a_store_that_is_not_there_is_exit_code_2(tmp_path: Path) -> None:
    for command in (["replay", "abcd1234"], ["diff", "abcd1234", "abcd5678"]):
        result = CliRunner().invoke(cli, [*command, "--tracking-uri", f"sqlite:///{tmp_path}/none.db"])
        assert result.exit_code == 2
        assert "no tracking store" in result.stderr
    assert not list(tmp_path.iterdir())


def test_an_interrupted_replay_says_that_nothing_is_kept(
    store: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.training.loop.train_together", interrupt)
    result = replay(store, store[1])
    assert result.exit_code == 130
    assert "interrupted: a replay saves nothing" in result.stderr


def test_two_runs_that_are_the_same_are_exit_code_0_and_others_1(store: tuple[Path, str]) -> None:
    same = diff(store, store[1], store[1])
    assert same.exit_code == 0
    assert "nothing differs" in same.output
    other = diff(store, fold_of(store, 1).run_id, fold_of(store, 3).run_id)
    assert other.exit_code == 1
    assert "split, train part" in other.output
    assert "the runs differ" in other.output
    data = json.loads(diff(store, store[1], store[1], "--json").stdout)
    assert data["equal"] is True
    assert [row["training"] for row in data["results"]] == ["A fold 1 seed 0", "A fold 3 seed 0"]


def test_a_study_and_a_fold_cannot_be_compared(store: tuple[Path, str]) -> None:
    result = diff(store, store[1], fold_of(store, 1).run_id)
    assert result.exit_code == 2
    assert "choose two runs of the same level" in result.stderr
