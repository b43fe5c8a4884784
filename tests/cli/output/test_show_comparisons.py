"""Comparisons on terminals that people have."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.cli.output.conftest import Shown

LONG = "TSCNN-DS with a very long name, dropout = 0.5, second try"


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """Return three arms, one with a long name, on ten folds with two seeds each."""
    draw = random.Random(1)
    rows = [
        f"{arm};{fold};{seed};{draw.gauss(base, 0.03):.4f}"
        for arm, base in (("LMCNet", 0.78), (LONG, 0.83), ("MCNet", 0.92))
        for fold in range(1, 11)
        for seed in (0, 1)
    ]
    file = tmp_path / "scores.csv"
    file.write_text("\n".join(["arm;fold;seed;accuracy", *rows]), encoding="utf-8")
    return file


@pytest.mark.parametrize("width", [80, 120])
def test_numbers_stand_whole_in_one_line_per_arm(shown: Shown, scores: Path, width: int) -> None:
    claims = ("--claim", "su2019:T2/TSCNN-DS", "--claim", "bristol2019:replication/TSCNN")
    lines = shown(width, "compare", "--scores", str(scores), *claims, "--estimand", "macro")
    assert max(map(len, lines)) <= width
    header = next(line for line in lines if line.split()[:1] == ["arm"])
    assert header.split() == ["arm", "measured", "%", "SD", "95", "%", "interval", "difference", "p", "p", "Holm"]
    for address in ("su2019:T2/TSCNN-DS: 97.2 % claimed", "bristol2019:replication/TSCNN: 84.9 % claimed"):
        assert address in lines
    rows = [line.split() for line in lines if line.split()[:1] == ["MCNet"]]
    assert len(rows) == 2
    mean, sd, low, to, high, difference = rows[0][1:7]
    assert to == "to"
    assert float(low) < float(mean) < float(high)
    assert float(sd) > 0
    assert float(difference.replace("−", "-")) == pytest.approx(float(mean) - 97.2, abs=0.11)
    assert rows[1][-2:] == ["–", "–"]


def test_what_holds_for_every_arm_is_said_once_per_claim(shown: Shown, scores: Path) -> None:
    said = " ".join(" ".join(shown(120, "compare", "--scores", str(scores), "--claim", "su2019:T2/TSCNN-DS")).split())
    assert said.count("Caveats") == 1
    assert said.count("The SD stated by the source is not used") == 1
    assert said.count("Wilcoxon") == 3
    for arm in ("LMCNet", LONG, "MCNet"):
        assert f"{arm} " in said


def test_what_holds_for_one_arm_is_said_with_it(shown: Shown, tmp_path: Path) -> None:
    rows = [
        *(f"whole,{fold},{70 + fold}" for fold in range(1, 11)),
        *(f"half,{fold},{70 + fold}" for fold in range(1, 6)),
    ]
    (tmp_path / "s.csv").write_text("\n".join(["arm,fold,accuracy", *rows]), encoding="utf-8")
    said = " ".join(
        " ".join(shown(120, "compare", "--scores", str(tmp_path / "s.csv"), "--claim", "su2019:T2/MLMC")).split()
    )
    assert said.count("5 folds are tested here, 10 there") == 1
    assert said.index("half 73.0 %") < said.index("5 folds are tested here")
