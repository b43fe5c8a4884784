"""Replay of real ESC-10 trainings: an arm of Su et al. and a ResNet-18, on one clip of every class and fold."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch

from harness.data.datasets.esc import METADATA
from harness.data.inventory import dataset_folder
from harness.registry import DATASETS
from harness.study import StudySpec
from harness.study.study_file import load_study
from harness.training.precision import has_bfloat16
from tests.replay.conftest import run

STUDIES = Path(__file__).parents[2] / "studies"
SHORT = ("data.folds=[1, 2, 3]", "search.trials=0", "evaluate.folds=[3]", "evaluate.seeds=1", "train.epochs=1")


@pytest.fixture(scope="module")
def few(esc_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose data root holds one ESC-10 clip of each class in folds 1 to 3."""
    source, folder = dataset_folder(DATASETS.get("esc10"), esc_root), tmp_path_factory.mktemp("few")
    table = pd.read_csv(source / METADATA, dtype=str)
    kept = table[(table["esc10"] == "True") & table["fold"].isin(["1", "2", "3"])].groupby(["fold", "target"]).head(1)
    target = folder / "data" / "ESC-50"
    (target / METADATA).parent.mkdir(parents=True)
    (target / "audio").mkdir()
    kept.to_csv(target / METADATA, index=False)
    for name in kept["filename"]:
        shutil.copy(source / "audio" / name, target / "audio" / name)
    return folder


def only(study: str, arm: str) -> StudySpec:
    """Return a shipped study, shortened, with one of its arms; in float32 where the processor has nothing shorter."""
    own = () if has_bfloat16(torch.device("cpu")) else ("train.precision=float32",)
    spec = load_study(STUDIES / study, (*SHORT, *own))
    # Contrasts and claims name arms that are left out here.
    evaluate = spec.evaluate.model_copy(update={"contrasts": ()})
    return spec.model_copy(update={"arms": (spec.arm(arm),), "compare": (), "evaluate": evaluate})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("study", "arm"), [("su2019-esc10.toml", "LMCNet"), ("resnet18-esc10.toml", "mel")], ids=["su4", "resnet18"]
)
def test_real_clips_replay_to_the_bit(few: Path, tmp_path: Path, study: str, arm: str) -> None:
    found = run(only(study, arm), tmp_path, few).replay()
    assert found.equal
    assert not found.differences
    (fold,) = found.folds
    assert fold.segments is not None
    assert fold.segments.rows >= 20
    assert fold.weights is not None
    assert fold.weights.arrays > 20
