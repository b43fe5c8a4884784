"""Results of MTEB, with the figures of two published ones (embeddings-benchmark/results, mteb 1.38.33)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.comparisons.systems.formats import read_systems
from harness.comparisons.systems.system import FoldAccuracies
from harness.comparisons.systems.system_comparison import compare_systems, systems_from
from harness.errors import ComparisonError

# results/MODEL/REVISION/ESC50.json: accuracies of the five experiments.
CLAP = ("laion__clap-htsat-fused", [0.97, 0.9775, 0.95, 0.9625, 0.965])
WAV2VEC2 = ("facebook__wav2vec2-base", [0.44, 0.48, 0.5325, 0.455, 0.44])
REVISION = "0b5b8e868dd84f03fd87d01f9c4ff0f080fecfe8"


def document(accuracies: list[float], split: str = "train", **others: Any) -> dict[str, Any]:
    return {
        "dataset_revision": "0877d3708afd4deba0b89a2b54eb528e7f24ec6c",
        "task_name": "ESC50",
        "mteb_version": "1.38.33",
        "scores": {
            split: [
                {
                    "accuracy": round(sum(accuracies) / len(accuracies), 6),
                    "scores_per_experiment": [{"accuracy": each, "f1": 0.5} for each in accuracies],
                    "hf_subset": "default",
                }
            ]
        },
        "evaluation_time": 1.0,
    } | others


def written(folder: Path, model: str, content: dict[str, Any]) -> Path:
    path = folder / model / REVISION / "ESC50.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def read(path: Path, task: str = "") -> FoldAccuracies:
    (found,) = read_systems(path, task=task)
    assert isinstance(found, FoldAccuracies)
    return found


def test_published_results_are_paired_by_fold(tmp_path: Path) -> None:
    paths = [written(tmp_path, model, document(values)) for model, values in (CLAP, WAV2VEC2)]
    found = compare_systems(systems_from(paths))
    assert [each.name for each in found.standings] == ["laion/clap-htsat-fused", "facebook/wav2vec2-base"]
    assert [each.accuracy for each in found.standings] == pytest.approx([96.5, 46.95])
    assert [*found.contrasts[0].folds.values()] == pytest.approx([53.0, 49.75, 41.75, 50.75, 52.5])
    assert found.contrasts[0].decision.verdict == "higher"
    assert any("recordings cross them" in note for note in found.notes)


def test_experiments_on_a_part_of_its_own_are_no_folds(tmp_path: Path) -> None:
    paths = [written(tmp_path, model, document(values, "test")) for model, values in (CLAP, WAV2VEC2)]
    system = read(paths[0])
    assert system.by_fold == {0: pytest.approx(96.5)}
    assert "not folds" in system.remarks[0]
    found = compare_systems(systems_from(paths))
    assert found.contrasts[0].p is None
    assert found.contrasts[0].mean == pytest.approx(49.55)
    assert found.standings[0].interval is None


def test_other_folds_and_tasks_are_not_paired(tmp_path: Path) -> None:
    hear = {f"fold{k}": {"test_top1_acc": 0.5} for k in range(5)} | {"score_mode": "max", "embedding_path": "a/b"}
    (tmp_path / "hear.json").write_text(json.dumps(hear))
    ours = written(tmp_path, *[CLAP[0], document(CLAP[1])])
    with pytest.raises(ComparisonError, match=r"MTEB's shuffled k-fold of ESC50 0877d370.*the data set's own folds"):
        compare_systems(systems_from([ours, tmp_path / "hear.json"]))
    other = written(tmp_path, "other", document(CLAP[1], task_name="UrbanSound8k"))
    with pytest.raises(ComparisonError, match="on the same folds"):
        compare_systems(systems_from([ours, other]))
    with pytest.raises(ComparisonError, match="has the task 'ESC50', not 'GTZANGenre'"):
        read(ours, "GTZANGenre")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"mteb_model_meta": {}, "default": {"train": [[1, 2]]}}, "name neither clips nor true classes"),
        ({"mteb_version": "1.0", "test": {"accuracy": 0.5}}, "before 1.12 are not read"),
        (document([0.5], scores={"train": [], "test": []}), "leave one of them"),
        (document([0.5], scores={"train": []}), "expected one subset"),
        (document([0.5], scores={"test": [{"ndcg_at_10": 0.5}]}), "only classification tasks"),
        (document([0.5, 1.2]), r"scores_per_experiment\[1\].accuracy: received 1.2"),
        (document([0.5, True]), r"received True, expected an accuracy"),
        (
            document([0.5], scores={"train": [{"accuracy": 0.9, "scores_per_experiment": [{"accuracy": 0.5}]}]}),
            "mean of",
        ),
        (document([0.5], scores={"train": [{"accuracy": 0.9, "scores_per_experiment": [7]}]}), "expected an object"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    with pytest.raises(ComparisonError, match=message):
        read(written(tmp_path, "model", content))
