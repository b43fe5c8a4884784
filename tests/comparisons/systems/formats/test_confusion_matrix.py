"""Confusion matrices alone, with a published one: SpeechBrain's ECAPA-TDNN on fold 1 of UrbanSound8K."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.comparisons.systems.formats import read_systems
from harness.comparisons.systems.system import ConfusionCounts
from harness.errors import ComparisonError

# recipes/UrbanSound8k/README.md, "Performance (single fold)": the matrix, the accuracies that it prints by class, its
# test accuracy 7.55e-01 and error 2.46e-01. It has 837 of the 873 clips of the fold.
ECAPA = """[[85  1  2  3  0  1  1  0  1  6]
 [ 2 67  5  9  0  3  5  2  6  1]
 [ 0  3 60  1  1  0 16 16  3  0]
 [ 0 10  3 80  0  1  0  0  6  0]
 [ 2  0  0  0 26  4  0  0  0  0]
 [15 14  7  0  0 46  0  0  1  0]
 [ 0  0 16  0  0  0 70  6  1  0]
 [ 0  0  0  0  2  0  3 87  4  0]
 [ 3  1  4  2  0  1  3  6 79  1]
 [ 1  0  0  0  0  0  0  0  1 31]]
"""
BY_CLASS = [0.850, 0.670, 0.600, 0.800, 0.812, 0.554, 0.753, 0.906, 0.790, 0.939]


def read(path: Path) -> ConfusionCounts:
    (found,) = read_systems(path)
    assert isinstance(found, ConfusionCounts)
    return found


def test_the_printed_accuracies_follow_from_the_printed_matrix(tmp_path: Path) -> None:
    (tmp_path / "ecapa.txt").write_text(ECAPA)
    found = read(tmp_path / "ecapa.txt")
    assert found.counts.sum() == 837
    assert found.right / found.clips == pytest.approx(BY_CLASS, abs=0.00051)
    assert found.accuracy == pytest.approx(100 * np.mean(BY_CLASS), abs=0.05)
    assert 100 - found.clip_accuracy == pytest.approx(24.6, abs=0.05)
    # Its accuracy is printed as 0.755, one unit in the last place more than the matrix, and its error, give.
    assert found.clip_accuracy == pytest.approx(75.39, abs=0.005)


def test_every_form_has_the_same_counts(tmp_path: Path) -> None:
    rows = [[8, 2, 0], [1, 9, 0], [0, 3, 7]]
    forms = {
        "text.txt": "[[8 2 0]\n [1 9 0]\n [0 3 7]]",
        "list.json": json.dumps(rows),
        "named.json": json.dumps({"classes": ["cat", "dog", "cow"], "matrix": rows}),
        "bare.csv": "8,2,0\n1,9,0\n0,3,7\n",
        "header.csv": "cat,dog,cow\n8,2,0\n1,9,0\n0,3,7\n",
        "labelled.csv": ",cat,dog,cow\ncat,8,2,0\ndog,1,9,0\ncow,0,3,7\n",
        "crosstab.csv": "y_true,0,1,2\n0,8,2,0\n1,1,9,0\n2,0,3,7\n",
        "floats.csv": "cat;dog;cow\n8.0;2.0;0.0\n1.0;9.0;0.0\n0.0;3.0;7.0\n",
    }
    for name, text in forms.items():
        (tmp_path / name).write_text(text)
        found = read(tmp_path / name)
        assert found.counts.tolist() == rows, name
        assert found.classes == (("cat", "dog", "cow") if "cat" in text else ("0", "1", "2")), name


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "[[1, 2], [3]]", "is no square matrix of two or more classes: 2 rows of 1 or 2 cells"),
        ("a.json", "[[1, 2], [3, -4]]", "row '1', column '1': received -4, expected a number of clips"),
        ("a.json", "[[0.8, 0.2], [0.3, 0.7]]", "a matrix of percentages does not say how many"),
        ("a.json", "[[true, 2], [3, 4]]", "received True"),
        ("a.json", "[[0, 0], [0, 0]]", "has no clips"),
        ("a.json", '{"classes": ["a"], "matrix": [[1, 2], [3, 4]]}', "names 1 classes"),
        ("a.json", '{"classes": ["a", "a"], "matrix": [[1, 2], [3, 4]]}', "names 2 classes, 1 of them different"),
        ("a.json", '{"matrix": 3}', "expected lists of classes and rows"),
        ("a.json", "[]", "is no square matrix"),
        ("a.csv", "y,cat,dog\ndog,1,2\ncat,3,4\n", "give both in one order"),
        ("a.json", '{"other": 3}', "is none of the formats that are read"),
        ("a.json", "{", "is not valid JSON"),
        ("a.json", '{"matrix": [], "matrix": []}', "the key 'matrix' is given twice"),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.json", "[[1" + "0" * 5000 + ", 2], [3, 4]]", "is not valid JSON"),
    ],
)
def test_what_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ComparisonError, match=message):
        read(tmp_path / name)
