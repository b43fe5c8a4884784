"""Logs and score files of X-ARES, in the form of its code (jimbozhang/xares)."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.comparisons.systems.formats import read_systems
from harness.comparisons.systems.system_comparison import compare_systems, systems_from
from harness.errors import ComparisonError

INFO = "2026-01-02 10:00:00.000 | INFO     | xares.task:run_mlp:278 - "


def log(mlp: list[float], knn: list[float] | None = None, task: str = "esc50") -> str:
    lines = []
    for kind, values in (("MLP", mlp), ("KNN", knn or [])):
        if not values:
            continue
        lines += [f"Fold {number} accuracy: {value}" for number, value in enumerate(values, 1)]
        word = "KNN " if kind == "KNN" else ""
        lines.append(f"The averaged {word}accuracy of 5 folds is: {sum(values) / len(values)}")
        lines.append(f"{kind} score of {task}: ({sum(values) / len(values)}, 400)")
    return "\n".join(INFO + line for line in lines) + "\n"


ONE, OTHER = [0.85, 0.86, 0.84, 0.87, 0.865], [0.83, 0.835, 0.82, 0.84, 0.84]


def test_logs_have_the_accuracies_of_folds(tmp_path: Path) -> None:
    (tmp_path / "one.log").write_text(log(ONE, OTHER))
    (tmp_path / "other.log").write_text(log(OTHER))
    found = compare_systems(systems_from([tmp_path / "one.log", f"new={tmp_path / 'other.log'}"]))
    assert [each.name for each in found.standings] == ["one MLP", "one KNN", "new"]
    assert found.standings[0].accuracy == pytest.approx(85.7)
    assert len(found.contrasts) == 3
    assert any("one MLP, new: X-ARES chooses the epoch" in note for note in found.notes)
    named = systems_from([f"dasheng={tmp_path / 'one.log'}"])
    assert [system.name for system in named] == ["dasheng MLP", "dasheng KNN"]


def test_one_of_several_tasks_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(log(ONE, OTHER) + log(OTHER, ONE, "urbansound8k"))
    with pytest.raises(ComparisonError, match=r"has several tasks \(esc50, urbansound8k\); choose one with --task"):
        read_systems(tmp_path / "a.log")
    mlp, knn = read_systems(tmp_path / "a.log", task="urbansound8k")
    assert mlp.accuracy == pytest.approx(83.3)
    assert knn.accuracy == pytest.approx(85.7)
    with pytest.raises(ComparisonError, match="no accuracies by fold of the task 'gtzan'"):
        read_systems(tmp_path / "a.log", task="gtzan")


def test_a_score_file_is_shown_and_not_tested(tmp_path: Path) -> None:
    for name, score in (("a", 0.857), ("b", 0.833)):
        (tmp_path / f"{name}.txt").write_text(f"{score}\n400")
    found = compare_systems(systems_from(sorted(tmp_path.glob("*.txt"))))
    assert found.contrasts[0].p is None
    assert found.contrasts[0].mean == pytest.approx(2.4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (INFO + "Fold 1 accuracy: 0.8\n", "the run did not finish"),
        (log(ONE) * 2, "more than once"),
        (log(ONE).replace("is: 0.857", "is: 0.9"), "states the mean 0.9, but that is 0.857"),
        (log(ONE).replace("Fold 2", "Fold 1"), "line 2: fold 1 is given twice"),
        (log(ONE).replace("0.85\n", "nan\n", 1), "line 1: received nan"),
        ("8.5\n400", "line 1: received 8.5"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.log").write_text(text)
    with pytest.raises(ComparisonError, match=message):
        read_systems(tmp_path / "a.log")
