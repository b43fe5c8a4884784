"""A whole study on real clips: a search, two streams, their fusion, a claim, and the report from the record."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from harness.data.datasets.esc import METADATA
from harness.data.inventory import dataset_folder
from harness.registry import DATASETS
from tests.running.study import run, spec_of

FOLDS = (1, 2, 3)
STUDY = {
    "data": {"dataset": "esc10", "folds": FOLDS},
    # A frame of 93 ms and 32 rows: what is small here is the input, not the path.
    "features": {
        "planes": {"LM": {"n_mels": 32, "n_fft": 2048}, "MFCC": {"n_mfcc": 10, "n_fft": 2048}},
        "hop_length": 2048, "segment_frames": 20, "segment_hop": 20,
    },
    "arms": [
        {"name": "log-mel", "model": "su4", "features": "LM"},
        {"name": "MFCC", "model": "su4", "features": "MFCC", "search": False},
        {"name": "both", "fuse": ["log-mel", "MFCC"], "rule": "dempster-shafer"},
    ],
    "search": {"trials": 1, "space": {"train.lr": {"low": 0.0003, "high": 0.003, "log": True}}},
    "evaluate": {"folds": [3]},
    "compare": [{"claim": "piczak2015cnn:ESC-10/CNN", "arm": "both"}],
}  # fmt: skip


@pytest.fixture
def few(esc_root: Path, tmp_path: Path) -> Path:
    """Return a folder whose ``data/`` holds one ESC-10 clip of each class in folds 1 to 3."""
    source, target = dataset_folder(DATASETS.get("esc10"), esc_root), tmp_path / "few" / "data" / "ESC-50"
    table = pd.read_csv(source / METADATA, dtype=str)
    kept = table[(table["esc10"] == "True") & table["fold"].isin(list(map(str, FOLDS)))]
    kept = kept.groupby(["fold", "target"]).head(1)
    (target / METADATA).parent.mkdir(parents=True)
    (target / "audio").mkdir()
    kept.to_csv(target / METADATA, index=False)
    for name in kept["filename"]:
        shutil.copy(source / "audio" / name, target / "audio" / name)
    return target.parents[1]


def test_real_clips_go_from_audio_to_the_report(few: Path, tmp_path: Path) -> None:
    outcome, _ = run(spec_of(**STUDY), tmp_path, few)
    assert outcome.failures == ()
    assert set(outcome.record.folds["status"]) == {"FINISHED"}
    predictions = outcome.record.predictions
    assert predictions.groupby("arm").size().to_dict() == {"log-mel": 10, "MFCC": 10, "both": 10}
    # Real files: named as their authors named them, of as many recordings.
    assert set(predictions["clip_id"].str.split("-").str[0]) == {"3"}
    assert predictions["recording"].nunique() == 10
    assert outcome.report is not None
    results = json.loads(outcome.report.results.read_text("utf-8"))
    assert [arm["name"] for arm in results["arms"]] == ["log-mel", "MFCC", "both"]
    (compared,) = results["comparisons"]
    assert (compared["claim"]["address"], compared["verdict"]) == (STUDY["compare"][0]["claim"], "not comparable")  # type: ignore[index]
