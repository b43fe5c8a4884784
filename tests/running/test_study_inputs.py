"""From a study to its tasks: seeds, devices, digests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.data.load_clips import load_clips
from harness.devices import default_workers, resolve_device
from harness.errors import DataError, LeakageError, TrainingError
from harness.running.study_inputs import StudyInputs, check_precisions, leakage_line, study_inputs
from harness.study import StudySpec
from harness.study.study_file import parse_study
from harness.terminal.progress import Silent
from harness.training import precision


def spec_of(seed: int = 1) -> StudySpec:
    return parse_study(
        {
            "study": {"name": "a", "seed": seed},
            "data": {"dataset": "synthetic", "folds": [1, 2, 3], "synthetic": {"clips_per_class_and_fold": 1}},
            "arms": [
                {"name": "one", "model": "su4", "features": "LM"},
                {"name": "two", "model": "su4", "features": "LM"},
            ],
        },
        "a.toml",
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prepared")


def prepared(folder: Path, seed: int = 1) -> StudyInputs:
    return study_inputs(spec_of(seed), folder / "data", folder / "cache", 1, "cpu", Silent())


def test_every_training_has_a_seed_of_its_own(folder: Path) -> None:
    study = prepared(folder)
    tasks = [
        study.task(arm, phase, trial, {}, fold, seed)
        for arm in study.spec.arms
        for phase, trial in (("search", 0), ("search", 1), ("final", None))
        for fold in (1, 2, 3)
        for seed in (0, 1)
    ]
    assert len({task.seed for task in tasks}) == len(tasks)
    assert len({task.digest for task in tasks}) == len(tasks)
    assert len({task.key for task in tasks}) == len(tasks)


def test_a_final_training_s_seed_does_not_follow_the_chosen_trial(folder: Path) -> None:
    study = prepared(folder)
    arm = study.spec.arms[0]
    assert study.task(arm, "final", 3, {}, 1, 0).seed == study.task(arm, "final", 7, {}, 1, 0).seed


def test_the_study_s_seed_moves_every_training_but_no_digest_of_the_data(folder: Path) -> None:
    first, second = prepared(folder, 1), prepared(folder, 2)
    arm = first.spec.arms[0]
    assert first.task(arm, "final", None, {}, 1, 0).seed != second.task(arm, "final", None, {}, 1, 0).seed
    assert first.digests == second.digests


def test_only_final_trainings_keep_weights(folder: Path) -> None:
    study = prepared(folder)
    arm = study.spec.arms[0]
    assert not study.task(arm, "search", 0, {}, 1, 0).keep_weights
    assert study.task(arm, "final", None, {}, 1, 0).keep_weights


def test_a_data_set_that_is_not_there_is_told(tmp_path: Path) -> None:
    spec = parse_study({**spec_of().model_dump(mode="json"), "data": {"dataset": "urbansound8k"}}, "a.toml")
    with pytest.raises(DataError, match="UrbanSound8K"):
        study_inputs(spec, tmp_path, tmp_path / "cache", 1, "cpu", Silent())
    assert list(tmp_path.iterdir()) == []


def test_a_study_that_is_refused_computes_no_features_first(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = load_clips(spec_of().data, folder / "data")
    crossing = clips.frame.assign(recording="one")
    monkeypatch.setattr("harness.running.study_inputs.load_clips", lambda *_, **__: replace(clips, frame=crossing))
    with pytest.raises(LeakageError, match="share 1 recordings"):
        study_inputs(spec_of(), folder / "data", tmp_path / "cache", 1, "cpu", Silent())
    assert not (tmp_path / "cache").exists()


def test_until_the_first_clips_are_done_workers_are_starting(folder: Path, tmp_path: Path) -> None:
    class Noted(Silent):
        def __init__(self) -> None:
            self.steps: list[tuple[str, int, str]] = []

        def advance(self, key: str, done: int, note: str = "") -> None:
            self.steps.append((key, done, note))

    progress = Noted()
    study_inputs(spec_of(), folder / "data", tmp_path / "cache", 2, "cpu", progress)
    n = 3 * 10
    assert progress.steps[0] == ("features", 0, "starting workers")
    assert progress.steps[-1] == ("features", n, "")
    assert all((note == "starting workers") == (done == 0) for _, done, note in progress.steps)


def test_leakage_is_counted_for_each_split_and_for_what_finals_learn_from(folder: Path) -> None:
    document = spec_of().model_dump(mode="json", exclude_unset=True)
    document["arms"] += [
        {"name": "both", "model": "su4", "features": "LM", "set": {"protocol.final_train": "train+validation"}},
        {"name": "pieces", "model": "su4", "features": "LM", "set": {"protocol.split": "random-segment"}},
    ]
    found = study_inputs(parse_study(document, "a.toml"), folder / "data", folder / "cache", 1, "cpu", Silent())
    assert [(each.protocol, each.final_train, each.fold) for each in found.leakage] == [
        (split, learned, fold)
        for split, learned in (("official", "train"), ("official", "train+validation"), ("random-segment", "train"))
        for fold in (1, 2, 3)
    ]
    assert {each.unit for each in found.leakage} == {"clip", "segment"}


def test_without_recordings_no_share_is_printed(folder: Path) -> None:
    reports = prepared(folder).leakage
    assert "0 of" in leakage_line(reports, recordings_known=True)
    assert "recordings are not known" in leakage_line(reports, recordings_known=False)


def test_a_share_is_rounded_as_everywhere(folder: Path) -> None:
    """9 of 2,000 are 0.45 %, which was printed as 0.4 % here and as 0.5 % by `harness splits check`."""
    fold = replace(prepared(folder).leakage[0], n_test=2_000, n_test_sharing_recording=9)
    assert "9 of 2000 test clips (0.5 %) share a recording" in leakage_line([fold], recordings_known=True)


def test_devices() -> None:
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") in ("cpu", "cuda")
    with pytest.raises(TrainingError, match=r"--device cuda:99"):
        resolve_device("cuda:99")
    with pytest.raises(TrainingError, match=r"--device gpu.*auto, cpu, cuda, cuda:N or mps"):
        resolve_device("gpu")
    with pytest.raises(TrainingError, match=r"--device cuda:x"):
        resolve_device("cuda:x")


def test_workers_fill_the_processor_and_share_no_gpu() -> None:
    assert default_workers("cpu", 1) >= 1
    assert default_workers("cpu", 10_000) == 1
    assert default_workers("cuda:0", 1) == 1


@pytest.mark.parametrize(
    ("given", "slow", "warned"), [("bfloat16", True, 1), ("bfloat16", False, 0), ("float32", True, 0)]
)
def test_a_precision_that_slows_the_processor_down_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, given: str, slow: bool, warned: int
) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda _: True)
    monkeypatch.setattr(precision, "lacks_bfloat16_instructions", lambda _: slow)
    spec = spec_of()
    check_precisions(spec.model_copy(update={"train": spec.train.model_copy(update={"precision": given})}), "cpu")
    assert len(caplog.messages) == warned
    assert all("--set train.precision=float32" in message for message in caplog.messages)
