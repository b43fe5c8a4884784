"""The page studies/practical.md: its stages make up its study, its split leaks what it says, its numbers are right."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.data.load_clips import load_clips
from harness.data.splits import make_splits
from harness.study import Arm, StudySpec, load_study, stage_of
from tests.running.test_bring_your_own import blocks

STUDIES = Path(__file__).parents[2] / "studies"
PAGE = STUDIES / "practical.md"
TEXT = " ".join(PAGE.read_text(encoding="utf-8").split())
BOTH = {name: load_study(STUDIES / f"{name}.toml") for name in ("resnet18-esc50", "resnet18-esc50-categories")}


def images(spec: StudySpec, arm: Arm) -> int:
    """Return how many images the trainings of ``arm`` pass over: three folds of 400, or three quarters of 2,000."""
    items = 1_500 if spec.tests_one_part(arm) else 1_200
    return (spec.searched_trainings(arm) + spec.final_trainings(arm)) * items * spec.settings(arm).train.epochs


@pytest.mark.parametrize("spec", BOTH.values(), ids=BOTH)
def test_every_input_is_trained_under_both_splits_and_the_recipe_of_the_practical_too(spec: StudySpec) -> None:
    names = [arm.name for arm in spec.arms]
    official = [name for name in names if not name.endswith(" file-order")]
    assert names == [*official, *(f"{name} file-order" for name in official)]
    assert len(official) == 12
    for arm in spec.arms:
        plain = arm.name.removesuffix(" file-order")
        assert arm.features == f"image:{plain.removesuffix(' (practical)')}"
        settings = spec.settings(arm)
        assert settings.protocol.split == ("official" if arm.name == plain else "file-order")
        train = settings.train
        if "practical" in arm.name:
            recipe = (train.optimizer, train.momentum, train.lr, train.batch_size, train.epochs, train.milestones)
            assert recipe == ("sgd", 0.0, 0.0002, 32, 50, (40, 60))
        else:
            assert (train.optimizer, train.epochs) == ("adamw", 12)
    assert set(spec.evaluate.contrasts) >= {(f"{name} file-order", name) for name in official}


def test_the_stages_of_the_page_make_up_the_study_and_fit_into_their_time() -> None:
    spec = BOTH["resnet18-esc50-categories"]
    total = sum(images(spec, arm) for arm in spec.arms)
    assert (
        f"passes over {total / 1e6:.1f} million images: {total / 100 / 3600:.1f} hours on two cores that train" in TEXT
    )
    stages = [
        [word for before, word in pairwise(words) if before == "--arms"]
        for block in blocks(PAGE)
        for line in block.splitlines()
        if (words := shlex.split(line, comments=True))[:3] == ["harness", "run-study", spec.study.name]
        and "--set" not in words
    ]
    assert [bool(stage) for stage in stages] == [False, True, True, True, False]
    done: set[str] = set()
    for stage in stages[1:]:
        arms = [arm for arm in stage_of(spec, stage) if arm.name not in done]
        done |= {arm.name for arm in arms}
        assert sum(images(spec, arm) for arm in arms) * 1.1 / 100 <= 100 * 60
    assert done == {arm.name for arm in spec.arms}


def test_the_split_of_the_page_leaks_what_it_says(esc50_root: Path) -> None:
    spec = BOTH["resnet18-esc50-categories"]
    clips = load_clips(spec.data, esc50_root)
    protocol = spec.arm_protocol(spec.arm("mel file-order"))
    (split,) = make_splits(clips, protocol.cut, spec.tested_under(protocol), spec.study.seed)
    frame = clips.frame
    parts = {name: frame.iloc[getattr(split, name).clips] for name in ("train", "validation", "test")}
    for name, size in (("train", 300), ("validation", 80), ("test", 20)):
        assert list(np.bincount(parts[name]["label"])) == [size] * 5
    shared = [
        int(parts[one]["recording"].isin(set(parts[other]["recording"])).sum())
        for one, other in (("test", "train"), ("test", "validation"), ("validation", "train"))
    ]
    assert shared == [0, 3, 2]
    assert (
        "none of the 100 test clips shares a recording with training, 3 share one with validation, and 2 of the 400"
        in TEXT
    )


def test_the_best_arms_are_chosen_on_validation_folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = (block for block in blocks(PAGE) if block.startswith("# best.py"))
    place = re.search(r'"(reports/[\w-]+)/curves.parquet"', code)
    assert place is not None
    (tmp_path / place[1]).mkdir(parents=True)
    ends = {"a": 0.5, "b": 0.9, "c": 0.7, "d": 0.6, "e": 0.8, "a file-order": 1.0, "a (practical)": 1.0}
    rows = [
        # The first epoch and the test accuracy say the opposite.
        {"arm": arm, "fold": fold, "seed": 0, "epoch": epoch, "validation_macro_accuracy": value, "test": 1 - end}
        for arm, end in ends.items()
        for fold in (1, 2)
        for epoch, value in ((1, 1 - end), (50 if "practical" in arm else 12, end + fold / 100))
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / place[1] / "curves.parquet")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "best.py", "exec"), {})
    printed = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:5]]
    assert printed == ["b", "e", "c", "d"]
