"""The page studies/practical.md: its split is the practical's, its study loads, and its numbers are those of ESC-50."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd

from harness.study import load_study
from tests.running.test_bring_your_own import blocks

PAGE = Path(__file__).parents[2] / "studies" / "practical.md"


def test_the_split_and_the_study_of_the_page(esc50_root: Path, tmp_path: Path) -> None:
    for block in blocks(PAGE):
        if name := re.match(r"# (\w+\.(?:py|toml))\n", block):
            (tmp_path / name[1]).write_text(f"{block}\n", encoding="utf-8")
    environment = {"HARNESS_DATA": str(esc50_root)}
    subprocess.run([sys.executable, "split.py"], cwd=tmp_path, env=environment, check=True, timeout=120)
    clips = pd.read_csv(tmp_path / "practical.csv")
    counts = clips.value_counts(["label", "part"])
    assert set(zip(counts.index.get_level_values("part"), counts, strict=True)) == {
        ("train", 300),
        ("validation", 80),
        ("test", 20),
    }
    assert len(counts) == 15
    recordings = {part: rows["src_file"] for part, rows in clips.groupby("part")}
    shared = {
        (one, other): int(recordings[one].isin(set(recordings[other])).sum())
        for one, other in (("test", "train"), ("test", "validation"), ("validation", "train"))
    }
    assert list(shared.values()) == [0, 3, 2]
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert (
        "none of the 100 test clips shares a recording with training, 3 share one with validation, and 2 of the" in text
    )
    study = load_study(tmp_path / "practical.toml")
    assert (study.train.lr, study.train.epochs, study.data.description.holdout) == (0.0002, 50, True)
