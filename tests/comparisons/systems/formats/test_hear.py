"""Results of HEAR, in the form that hear-eval-kit 2021.1.3 writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.comparisons.systems.formats import read_systems
from harness.comparisons.systems.system import FoldAccuracies
from harness.comparisons.systems.system_comparison import compare_systems, systems_from
from harness.errors import ComparisonError
from harness.statistics.t_tests import paired

FIRST, SECOND = [0.71, 0.75, 0.73, 0.78, 0.74], [0.69, 0.74, 0.70, 0.75, 0.73]


def document(accuracies: list[float], model: str = "net", **others: Any) -> dict[str, Any]:
    parts = {
        f"fold{number:02d}" if len(accuracies) > 1 else "test": {
            "test_score": each,
            "test_loss": 1.0,
            "test_top1_acc": each,
            "test_mAP": 0.8,
            "validation_score": 0.9,
            "epoch": 12,
            "time_in_min": 0.4,
        }
        for number, each in enumerate(accuracies)
    }
    return {
        **parts,
        "aggregated_scores": {"test_score_mean": 0.742, "test_score_std": 0.03},
        "hparams": {"batch_size": 1024},
        "postprocessing": [],
        "score_mode": "max",
        "embedding_path": f"embeddings/{model}/esc50-v2.0.0-full",
    } | others


def test_folds_are_paired_with_one_fold_for_validation(tmp_path: Path) -> None:
    for name, values in (("first", FIRST), ("second", SECOND)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "test.predicted-scores.json").write_text(json.dumps(document(values, name)))
    found = compare_systems(systems_from(sorted(tmp_path.glob("*/*.json"))))
    assert [each.name for each in found.standings] == ["first", "second"]
    # Of five folds one is tested, one validates and three train.
    expected = paired([100 * each for each in FIRST], [100 * each for each in SECOND], ratio=1 / 3)
    assert found.contrasts[0].p == pytest.approx(expected.p)
    assert found.contrasts[0].interval == pytest.approx((expected.low, expected.high))


def test_one_part_is_shown_and_not_tested(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(document([0.8])))
    (found,) = read_systems(tmp_path / "a.json", task="esc50")
    assert isinstance(found, FoldAccuracies)
    assert found.by_fold == {0: 80.0}
    assert not found.validation_apart


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"score_mode": "max", "embedding_path": "a/b"}, "has no tested part"),
        (document([0.8], test={"test_event_onset_200ms_fms": 0.8}), "only accuracies are compared"),
        (document([0.8], test=3), "expected an object of scores"),
        (document([0.8], test={"test_top1_acc": float("nan")}), "received nan"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(ComparisonError, match=message):
        read_systems(tmp_path / "a.json")
    (tmp_path / "a.json").write_text(json.dumps(document([0.8])))
    with pytest.raises(ComparisonError, match=r"has the task 'esc50-v2\.0\.0-full', not 'gtzan'"):
        read_systems(tmp_path / "a.json", task="gtzan")


def test_pickled_predictions_are_never_loaded(tmp_path: Path) -> None:
    file = tmp_path / "fold00.predictions.pkl"
    file.write_bytes(b"cos\nsystem\n(S'touch executed'\ntR.")
    with pytest.raises(ComparisonError, match="is a pickle, which is never loaded"):
        read_systems(file)
    assert not Path("executed").exists()
