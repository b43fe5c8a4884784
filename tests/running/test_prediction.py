"""Trained networks predict again what was recorded, and recordings of any length."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from click.testing import CliRunner, Result
from mlflow.tracking import MlflowClient

import harness
from harness.cli import cli
from harness.errors import FeatureError, TrackingError, TrainingError
from harness.features.compute import compute_planes
from harness.running.prediction import Choice, Predictor, open_predictor
from harness.running.reports import Outcome
from harness.tracking.study_reader import load_fold
from harness.training.metrics import probability_columns, table_scores
from harness.training.model_card import CARD
from harness.training.weights import NETWORK_FILE, WEIGHTS_FILE
from tests.running.study import run, spec_of

Undisturbed = tuple[Outcome, Path]


def store(folder: Path) -> str:
    return f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}"


def opened(undisturbed: Undisturbed, arm: str, fold: int = 1, **choice: bool) -> Predictor:
    outcome, folder = undisturbed
    return open_predictor(outcome.record.run_id, Choice(arm, fold, 0, **choice), store(folder))


def clips_of(outcome: Outcome, shared: Path, arm: str, fold: int = 1) -> tuple[list[Path], pd.DataFrame]:
    """Return the audio of the clips that ``arm`` was tested on, and its recorded predictions, both by clip."""
    table = outcome.record.predictions
    mine = table[(table["arm"] == arm) & (table["fold"] == fold) & (table["seed"] == 0)].reset_index(drop=True)
    files = {path.stem: path for path in (shared / "data").rglob("*.wav")}
    return [files[str(clip)] for clip in mine["clip_id"]], mine


@pytest.mark.parametrize("arm", ["A_1", "B_1 & 100 % #2 é", "DS", "mean"])
def test_the_recorded_predictions_of_the_test_clips_to_the_bit(
    undisturbed: Undisturbed, shared: Path, arm: str
) -> None:
    paths, recorded = clips_of(undisturbed[0], shared, arm)
    found = opened(undisturbed, arm).predict(paths)
    classes = undisturbed[0].record.classes
    np.testing.assert_array_equal(
        found[[f"p_{name}" for name in classes]].to_numpy(), recorded[probability_columns(recorded)].to_numpy()
    )
    assert found["class"].tolist() == [
        classes[label] for label in recorded[probability_columns(recorded)].to_numpy().argmax(axis=1)
    ]


def test_every_segment_to_the_bit(undisturbed: Undisturbed, shared: Path) -> None:
    (network,) = opened(undisturbed, "A_1", 3).networks
    paths, _ = clips_of(undisturbed[0], shared, "A_1", 3)
    found = network.predict([compute_planes(path, network.planes, network.spec.features) for path in paths])
    recorded = load_fold(store(undisturbed[1]), network.run_id).segments
    assert recorded is not None
    recorded = recorded[recorded["part"] == "test"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found[probability_columns(found)], recorded[probability_columns(recorded)])


@pytest.mark.slow
def test_images_to_the_bit_and_as_onnx(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    arms = [{"name": "resnet", "model": "resnet18", "features": "image:mel"}]
    outcome, _ = run(spec_of(arms=arms, search={}, evaluate={"folds": [1]}), tmp_path, shared)
    predictor = open_predictor(outcome.record.run_id, Choice(), store(tmp_path))
    paths, recorded = clips_of(outcome, shared, "resnet")
    found = predictor.predict(paths).filter(regex="^p_").to_numpy()
    np.testing.assert_array_equal(found, recorded[probability_columns(recorded)].to_numpy())

    import onnxruntime

    ((network, folder),) = predictor.export(tmp_path / "out")
    path, difference = predictor.write_onnx(network, folder)
    assert difference < 1e-4
    items = [compute_planes(each, network.planes, network.spec.features)[network.planes[0]] for each in paths]
    (given,) = onnxruntime.InferenceSession(str(path)).run(None, {"items": np.stack(items)[:, None]})
    np.testing.assert_allclose(given, found, atol=1e-4)


def test_an_ensemble_is_the_mean_of_its_folds(undisturbed: Undisturbed, shared: Path) -> None:
    paths, _ = clips_of(undisturbed[0], shared, "A_1")
    outcome, folder = undisturbed
    both = harness.load_model(outcome.record.run_id, store(folder), arm="A_1", ensemble=True)
    assert both.title == "A_1, mean of 2 trainings"
    single = [opened(undisturbed, "A_1", fold).predict(paths[:2]).filter(regex="^p_").to_numpy() for fold in (1, 3)]
    np.testing.assert_array_equal(both.predict(paths[:2]).filter(regex="^p_").to_numpy(), np.mean(single, axis=0))


def test_a_long_recording_is_predicted_window_by_window(undisturbed: Undisturbed, shared: Path, tmp_path: Path) -> None:
    paths, _ = clips_of(undisturbed[0], shared, "A_1")
    clips = [soundfile.read(path, dtype="float32") for path in paths[:3]]
    rate = clips[0][1]
    long = tmp_path / "long.flac"
    # Stereo, and half a clip longer than two.
    samples = np.concatenate([clips[0][0], clips[1][0], clips[2][0][: len(clips[2][0]) // 2]])
    soundfile.write(long, np.stack([samples, samples], axis=1), rate)
    predictor = opened(undisturbed, "A_1")
    seconds = predictor.clip_seconds
    found = predictor.predict([long])
    np.testing.assert_allclose(found["start"], [0, seconds, 1.5 * seconds])
    np.testing.assert_allclose(found["end"] - found["start"], seconds)
    np.testing.assert_allclose(found.filter(regex="^p_").sum(axis=1), 1, atol=1e-6)
    # FLAC has 16 bits here, as the clips' WAV.
    alone = predictor.predict(paths[:2])
    np.testing.assert_allclose(found.iloc[:2].filter(regex="^p_"), alone.filter(regex="^p_"), atol=1e-6)
    assert len(predictor.predict([long], hop=seconds / 4)) == 7
    # The progress bar ends where the windows do.
    (tmp_path / "text.wav").write_text("not audio")
    assert predictor.count_windows([long, *paths[:2]]) == 5
    assert predictor.count_windows([long, tmp_path / "text.wav"], hop=seconds / 4) == 8


def test_an_exported_network_predicts_the_same_without_a_store(
    undisturbed: Undisturbed, shared: Path, tmp_path: Path
) -> None:
    paths, _ = clips_of(undisturbed[0], shared, "DS")
    fused = opened(undisturbed, "DS")
    fused.export(tmp_path / "fused")
    again = harness.load_model(tmp_path / "fused", arm="DS")
    pd.testing.assert_frame_equal(again.predict(paths), fused.predict(paths), check_exact=True)
    single = opened(undisturbed, "A_1")
    single.export(tmp_path / "one")
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [CARD, NETWORK_FILE, WEIGHTS_FILE]
    assert harness.load_model(tmp_path / "one").module(np_zeros(single)).shape == (1, len(single.classes))
    with pytest.raises(TrackingError, match="exists and is not an empty folder"):
        single.export(tmp_path / "one")
    hub = pytest.importorskip("huggingface_hub")
    card = hub.ModelCard.load(tmp_path / "one" / CARD)
    (result,) = card.data.eval_results
    folds = undisturbed[0].record.predictions
    mine = folds[(folds["arm"] == "A_1") & (folds["fold"] == 1) & (folds["seed"] == 0)]
    assert result.metric_value == table_scores(mine, len(single.classes)).macro_accuracy
    assert card.data.library_name == "harness"


def np_zeros(predictor: Predictor):  # type: ignore[no-untyped-def]
    import torch

    shape, _ = predictor.networks[0].shape()
    return torch.zeros(1, *shape)


def command(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(each) for each in arguments])


def test_the_commands_from_a_report_to_a_table(undisturbed: Undisturbed, shared: Path, tmp_path: Path) -> None:
    outcome, folder = undisturbed
    paths, _ = clips_of(outcome, shared, "A_1")
    given = ("--tracking-uri", store(folder), "--arm", "A_1", "--fold", "1")
    files = ("--csv", tmp_path / "out.csv", "--plot", tmp_path / "out.png")
    shown = command("predict", folder / "reports" / "tiny", *paths[:2], *given, *files, "--top", 2)
    assert shown.exit_code == 0, shown.output
    assert "A_1 fold 1 seed 0" in shown.output
    written = pd.read_csv(tmp_path / "out.csv")
    expected = opened(undisturbed, "A_1").predict(paths[:2])
    np.testing.assert_array_equal(written.filter(regex="^p_"), expected.filter(regex="^p_"))
    assert (tmp_path / "out.png").read_bytes()[:4] == b"\x89PNG"
    run_id = opened(undisturbed, "A_1").networks[0].run_id
    (model,) = MlflowClient(store(folder)).get_run(run_id).outputs.model_outputs
    by_model = harness.load_model(f"models:/{model.model_id}", store(folder))
    assert by_model.networks[0].run_id == run_id
    pd.testing.assert_frame_equal(by_model.predict(paths[:2]), expected, check_exact=True)
    exported = command("export", outcome.record.run_id, *given, "--output", tmp_path / "out")
    assert exported.exit_code == 0, exported.output
    printed = command("predict", tmp_path / "out", paths[0], "--json")
    (window,) = json.loads(printed.stdout)["windows"]
    assert list(window["probabilities"]) == list(outcome.record.classes)
    # Another number of items in a batch may change the last digits.
    np.testing.assert_allclose(list(window["probabilities"].values()), expected.filter(regex="^p_").iloc[0], atol=1e-6)


def test_what_cannot_be_predicted_is_refused_by_name(undisturbed: Undisturbed, tmp_path: Path) -> None:
    outcome, folder = undisturbed
    predictor = opened(undisturbed, "A_1")
    (tmp_path / "text.wav").write_text("not audio")
    for path, why in ((tmp_path / "none.wav", "does not exist"), (tmp_path / "text.wav", "cannot decode the audio")):
        with pytest.raises(FeatureError, match=why):
            predictor.predict([path])
    with pytest.raises(TrackingError, match=r"several arms: A_1, .*choose one with --arm"):
        open_predictor(outcome.record.run_id, None, store(folder))
    with pytest.raises(TrackingError, match="no finished training of the arm 'C'; available: A_1"):
        open_predictor(outcome.record.run_id, Choice("C"), store(folder))
    with pytest.raises(TrackingError, match="no network of this fold and seed; available: fold 1 seed 0, fold 3"):
        open_predictor(outcome.record.run_id, Choice("A_1", 2), store(folder))
    with pytest.raises(TrackingError, match=r"holds neither .* of a report nor"):
        open_predictor(tmp_path)


def test_a_damaged_or_hostile_folder_is_refused(undisturbed: Undisturbed, tmp_path: Path) -> None:
    place = tmp_path / "net"
    opened(undisturbed, "A_1").export(place)
    good = (place / NETWORK_FILE).read_text()

    def refused(content: str, why: str) -> None:
        (place / NETWORK_FILE).write_text(content)
        with pytest.raises(TrainingError, match=why):
            open_predictor(place)

    document = json.loads(good)
    refused("{", "not a network of this harness")
    refused(json.dumps({**document, "format": 2}), "format")
    refused(json.dumps({**document, "arm": "C"}), "'C'")
    refused(json.dumps({**document, "normaliser": {"mean": [["a"]]}}), "damaged")
    huge = {**document["study"], "train": {**document["study"]["train"], "batch_size": 10**9}}
    refused(json.dumps({**document, "study": huge}), "batch_size")
    (place / NETWORK_FILE).write_text(good)
    (place / WEIGHTS_FILE).write_bytes(b"not safetensors")
    with pytest.raises(TrainingError, match="damaged"):
        open_predictor(place)
