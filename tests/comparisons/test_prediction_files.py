"""Predictions from any code: equal to what a study reports of them, groups, and files that are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.comparisons.claim_comparison import Rules
from harness.comparisons.prediction_files import compare_systems, read_predictions
from harness.errors import ComparisonError

REPORT = Path(__file__).parents[2] / "reports" / "resnet18-esc10"


def _made(
    folder: Path, name: str, right: float, *, seed: int = 0, n: int = 300, columns: str = "fold recording"
) -> Path:
    """Write the predictions of a system that is right so often; all have the same clips, two of each recording."""
    draws = np.random.default_rng([seed, *name.encode()])
    labels = np.arange(n) // 2 % 5
    wrong = draws.random(n) >= right
    frame = pd.DataFrame(
        {
            "clip": [f"clip-{number}" for number in range(n)],
            "y_true": labels,
            "y_pred": np.where(wrong, (labels + 1) % 5, labels),
            "fold": np.arange(n) // 10 % 5 + 1,
            "recording": [f"r{number // 2}" for number in range(n)],
        }
    )
    kept = ["clip", "y_true", "y_pred", *columns.split()]
    frame[kept].to_csv(folder / f"{name}.csv", index=False)
    return folder / f"{name}.csv"


def test_it_gives_the_numbers_of_a_study_from_its_predictions(tmp_path: Path) -> None:
    predictions = pd.read_parquet(REPORT / "predictions.parquet")
    pairs = json.loads((REPORT / "results.json").read_text())["contrasts"]["pairs"]
    reported = pairs[0]
    paths = []
    for number, arm in enumerate((reported["first"], reported["second"])):
        rows = predictions[predictions["arm"] == arm].sample(frac=1, random_state=number)
        paths.append(tmp_path / f"{arm}.parquet")
        rows.to_parquet(paths[-1])
    found = compare_systems(
        paths, [(reported["first"], reported["second"])], Rules(2.0), validation_apart=True
    ).contrasts[0]
    assert {str(fold): value for fold, value in found.folds.items()} == pytest.approx(reported["folds"])
    assert found.test is not None
    assert found.mcnemar is not None
    assert found.bootstrap is not None
    assert found.p == pytest.approx(reported["p"])
    assert found.interval == pytest.approx(reported["interval"])
    assert found.mcnemar.p == pytest.approx(reported["mcnemar"]["p"])
    # The resamples are drawn over recordings in another order.
    assert found.bootstrap.low == pytest.approx(reported["bootstrap"]["low"], abs=0.6)


def test_systems_that_differ_are_in_different_groups(tmp_path: Path) -> None:
    paths = [_made(tmp_path, name, right) for name, right in (("good", 0.9), ("better", 0.93), ("bad", 0.3))]
    found = compare_systems(paths)
    assert {system.name for system in found.systems[:2]} == {"good", "better"}
    assert [set(group) for group in found.groups] == [{"good", "better"}, {"bad"}]
    assert len(found.contrasts) == 3
    for each in found.contrasts:
        assert each.p is not None
        assert each.p_adjusted is not None
        assert each.p_adjusted >= each.p


def test_declared_pairs_alone_are_the_family(tmp_path: Path) -> None:
    paths = [_made(tmp_path, name, right) for name, right in (("a", 0.9), ("b", 0.8), ("c", 0.6))]
    found = compare_systems(paths, [("a", "c")])
    assert [(each.first, each.second) for each in found.contrasts] == [("a", "c")]
    assert found.contrasts[0].p_adjusted == found.contrasts[0].p
    assert found.groups == ()


def test_without_folds_the_test_is_over_recordings(tmp_path: Path) -> None:
    paths = [_made(tmp_path, name, right, columns="recording") for name, right in (("a", 0.95), ("b", 0.5))]
    found = compare_systems(paths)
    assert found.contrasts[0].over == "recordings"
    assert found.contrasts[0].p_adjusted is not None
    assert found.contrasts[0].p_adjusted < 0.001
    assert "no folds" in found.notes[0]
    alone = compare_systems([_made(tmp_path, name, right, columns="fold") for name, right in (("a", 0.9), ("b", 0.5))])
    assert "every clip is taken as a recording of its own" in alone.notes[0]


def test_scores_of_classes_give_the_largest(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("clip;y_true;p_cat;p_dog\nx;cat;0,9;0,1\ny;dog;0,8;0,2\n".replace(",", "."))
    system = read_predictions(tmp_path / "a.csv")
    assert system.rows["correct"].tolist() == [1.0, 0.0]
    assert system.accuracy == 50.0


def test_classes_that_pandas_wrote_as_decimals_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("clip,y_true,y_pred\nx,1,1.0\ny,2.0,1\n")
    assert read_predictions(tmp_path / "a.csv").rows["correct"].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clip,y_pred\nx,1\n", "has no column 'y_true'"),
        ("clip,y_true\nx,1\n", "has neither a column y_pred nor a column p_CLASS"),
        ("clip,y_true,p_1,p_2\nx,1,0.5,much\n", "received 'much', expected a number"),
        ("clip,y_true,p_1,p_2\nx,3,0.5,0.2\n", "there is no column p_3"),
        ("clip,y_true,y_pred\nx,1,\n", "column 'y_pred' is empty for clip 'x'"),
        ("clip,y_true,y_pred\nx,1,1\nx,1,2\n", "clip 'x' has more than one prediction"),
        ("clip,y_true,y_pred,fold\nx,1,1,one\n", "received 'one', expected an integer"),
        ("clip,y_true,y_pred,clip\nx,1,1,y\n", "has more than one column 'clip'"),
        ("clip,y_true,y_pred\n", "has no predictions"),
        ("clip,y_true,y_pred\nx,1\n", "2 cells, but the header has 3"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ComparisonError, match=message):
        read_predictions(tmp_path / "a.csv")


def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ComparisonError, match=r"a\.parquet: is not a parquet file"):
        read_predictions(tmp_path / "a.parquet")


def test_systems_must_have_the_same_clips(tmp_path: Path) -> None:
    one, other = _made(tmp_path, "one", 0.9), _made(tmp_path, "other", 0.8)
    lines = other.read_text().splitlines()
    other.write_text("\n".join(lines[:-1]))
    with pytest.raises(ComparisonError, match="clip 'clip-299' of one; give predictions of the same clips"):
        compare_systems([one, other])
    other.write_text("\n".join([*lines[:-1], lines[-1].replace(",4,", ",3,", 1)]))
    with pytest.raises(ComparisonError, match="with the same true classes"):
        compare_systems([one, other])
    for paths, pairs, message in (
        ([one], [], "two systems or more"),
        ([one, one], [], "two files are called 'one'"),
        ([one, _made(tmp_path, "third", 0.8)], [("one", "thrid")], "no system 'thrid'; did you mean|no system 'thrid'"),
        ([one, _made(tmp_path, "third", 0.8)], [("one", "one")], "two different systems"),
    ):
        with pytest.raises(ComparisonError, match=message):
            compare_systems(paths, pairs)


def test_the_command(tmp_path: Path) -> None:
    paths = [str(_made(tmp_path, name, right)) for name, right in (("good", 0.95), ("bad", 0.4))]

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli, ["compare", *arguments])
        return result.exit_code, " ".join(result.output.split())

    code, said = run("--predictions", *paths, "--latex", str(tmp_path / "out.tex"))
    assert code == 0
    assert "good minus bad" in said
    assert "HIGHER good against bad" in said
    assert "good minus bad" in (tmp_path / "out.tex").read_text()
    code, said = run("--predictions", *paths, "--json")
    document = json.loads(said)
    assert [system["name"] for system in document["systems"]] == ["good", "bad"]
    assert document["groups"] == [["good"], ["bad"]]
    assert document["contrasts"][0]["smallest_difference_found"] > 0
    for arguments, message in (
        ((), "Missing option '--scores' or '--predictions'"),
        ((paths[0],), "name predictions with --predictions"),
        (("--predictions", *paths, "--claim", "x"), "leave out --scores and --claim"),
        (("--scores", paths[0], "--latex", "x.tex", "--contrast", "a", "b"), "--latex: is for --predictions only"),
        (("--predictions", str(tmp_path / "none.csv"), paths[0]), "none.csv: cannot be read"),
        (("--predictions", paths[0]), "two systems or more, received 1"),
    ):
        code, said = run(*arguments)
        assert code == 2
        assert message in said
