"""Systems from any code: equal to what a study reports of them, groups, ranks, families, levels of detail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.comparisons.claim_comparison import Rules
from harness.comparisons.systems import system_comparison
from harness.comparisons.systems.declared_family import family_of
from harness.comparisons.systems.system import FoldAccuracies, Level
from harness.comparisons.systems.system_comparison import SystemComparisons, systems_from
from harness.errors import ComparisonError
from harness.statistics.power import power_of_difference

REPORT = Path(__file__).parents[3] / "reports" / "resnet18-esc10"


def compare_systems(paths: list[Path], *arguments: Any, **named: Any) -> SystemComparisons:
    return system_comparison.compare_systems(systems_from(paths), *arguments, **named)


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
    assert {each.name for each in found.standings[:2]} == {"good", "better"}
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
    assert any("no folds" in note for note in found.notes)
    alone = compare_systems([_made(tmp_path, name, right, columns="fold") for name, right in (("a", 0.9), ("b", 0.5))])
    assert any("every clip is taken as a recording of its own" in note for note in alone.notes)


def test_columns_that_one_file_lacks_are_taken_from_the_others_or_left_out(tmp_path: Path) -> None:
    full = _made(tmp_path, "full", 0.95)
    whole = compare_systems([_made(tmp_path, "one", 0.5, columns="recording"), _made(tmp_path, "full", 0.95)])
    both = compare_systems([_made(tmp_path, "one", 0.5), full])
    assert whole.contrasts[0].over == "recordings"
    assert whole.contrasts[0].mean == pytest.approx(both.contrasts[0].mean, abs=1.0)
    assert any("one have no column fold" in note for note in whole.notes)
    assert any("one test part" in note for note in whole.notes)
    lacking = compare_systems([_made(tmp_path, "one", 0.5, columns="fold"), full])
    assert [*lacking.contrasts[0].folds.values()] == [*both.contrasts[0].folds.values()]
    assert lacking.contrasts[0].bootstrap == both.contrasts[0].bootstrap
    assert any("recordings are those of full" in note for note in lacking.notes)


def test_a_clip_in_several_folds_needs_folds_of_all() -> None:
    frame = pd.DataFrame({"clip": list("abab"), "y_true": 0, "y_pred": 0, "fold": [1, 1, 2, 2]})
    repeated = frame.assign(y_true=[0, 1, 0, 1])
    plain = repeated[:2].drop(columns="fold")
    with pytest.raises(ComparisonError, match="plain has no column fold, and repeated tested clip 'a' in several"):
        system_comparison.compare_systems(systems_from({"plain": plain, "repeated": repeated}))


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
        ([one, one], [], "two systems are called 'one'"),
        ([one, _made(tmp_path, "third", 0.8)], [("one", "thrid")], "no system 'thrid'; did you mean|no system 'thrid'"),
        ([one, _made(tmp_path, "third", 0.8)], [("one", "one")], "two different systems"),
    ):
        with pytest.raises(ComparisonError, match=message):
            compare_systems(paths, pairs)


def test_ranks_have_intervals_over_recordings_folds_and_tests(tmp_path: Path) -> None:
    paths = [_made(tmp_path, name, right) for name, right in (("good", 0.9), ("better", 0.93), ("bad", 0.3))]
    found = compare_systems(paths)
    assert [each.rank for each in found.standings] == [1, 2, 3]
    worst = found.standings[2]
    assert worst.name == "bad"
    assert worst.rank_over_recordings == worst.rank_over_folds == worst.rank_by_tests == (3, 3)
    assert worst.best == 0
    for each in found.standings[:2]:
        assert each.rank_by_tests == (1, 2)
        assert each.rank_over_recordings is not None
        assert each.rank_over_recordings[0] <= each.rank <= each.rank_over_recordings[1]
        assert each.over_recordings is not None
        assert each.over_recordings[0] < each.accuracy < each.over_recordings[1]
    assert found.table["group"].tolist() == ["a", "a", "b"]
    assert found.pairs["verdict"].tolist() == ["inconclusive", "higher", "higher"]


def test_one_reference_is_a_family_of_its_own(tmp_path: Path) -> None:
    paths = [_made(tmp_path, name, right) for name, right in (("a", 0.9), ("b", 0.8), ("c", 0.6))]
    found = compare_systems(paths, reference="b")
    assert {(each.first, each.second) for each in found.contrasts} == {("a", "b"), ("c", "b")}
    assert found.groups == ()
    assert all(each.rank_by_tests is None for each in found.standings)
    everything = compare_systems(paths)
    p_of_all = {frozenset((each.first, each.second)): each for each in everything.contrasts}
    for each in found.contrasts:
        same = p_of_all[frozenset((each.first, each.second))]
        assert each.p == pytest.approx(same.p)
        assert each.p_adjusted is not None
        assert same.p_adjusted is not None
        assert each.p_adjusted <= same.p_adjusted + 1e-12
    for arguments, message in (
        ({"reference": "d"}, "--reference d: there is no system 'd'"),
        ({"reference": "b", "pairs": [("a", "c")]}, "each declare the family"),
    ):
        with pytest.raises(ComparisonError, match=message):
            compare_systems(paths, **arguments)


def test_more_systems_have_a_wider_detectable_difference(tmp_path: Path) -> None:
    paths = [_made(tmp_path, name, 0.8) for name in "abcdef"]
    few, many = compare_systems(paths[:2]), compare_systems(paths)
    assert [each.over for each in many.detectable] == ["folds", "clips"]
    assert all(each.one == each.family for each in few.detectable)
    assert all(each.one < each.family for each in many.detectable)
    test = few.contrasts[0].test
    assert test is not None
    ratio = (test.standard_error / test.sd) ** 2 - 1 / test.k
    assert power_of_difference(few.detectable[0].one, test.sd, test.k, ratio=ratio) == pytest.approx(0.8, abs=1e-3)


def test_without_folds_the_detectable_difference_is_over_recordings(tmp_path: Path) -> None:
    found = compare_systems([_made(tmp_path, name, 0.8, columns="recording") for name in "ab"])
    assert [each.over for each in found.detectable] == ["recordings", "clips"]
    test = found.contrasts[0].holdout
    assert test is not None
    # With many recordings that is 2.8 standard errors.
    assert found.detectable[0].one == pytest.approx(2.8 * test.standard_error, rel=0.05)


def test_the_lowest_level_of_detail_decides(tmp_path: Path) -> None:
    first, second = _made(tmp_path, "first", 0.9), _made(tmp_path, "second", 0.4)
    clips = pd.read_csv(first)
    counts = pd.crosstab(clips["y_true"], clips["y_pred"])
    counts.to_csv(tmp_path / "matrix.csv")
    hear = {
        **{f"fold{k:02d}": {"test_top1_acc": 0.6 + 0.01 * k} for k in range(5)},
        "score_mode": "max",
        "embedding_path": "embeddings/net/task-v1",
    }
    (tmp_path / "hear.json").write_text(json.dumps(hear))
    found = compare_systems([first, second, tmp_path / "matrix.csv"])
    assert found.level is Level.COUNTS
    by_name = {each.name: each for each in found.standings}
    assert by_name["first"].accuracy == pytest.approx(by_name["matrix"].accuracy)
    same = next(each for each in found.counts if {each.first, each.second} == {"first", "matrix"})
    assert same.bounds is not None
    assert same.bounds.p_high == 1
    assert next(each for each in found.counts if {each.first, each.second} == {"first", "second"}).differs
    found = compare_systems([first, second, tmp_path / "hear.json"])
    assert found.level is Level.FOLDS
    own = clips.assign(right=clips["y_true"] == clips["y_pred"]).groupby("fold")["right"].mean().mean()
    assert {each.name: each.accuracy for each in found.standings}["first"] == pytest.approx(100 * own)
    assert all(each.mcnemar is None for each in found.contrasts)
    with pytest.raises(ComparisonError, match="nothing compares them"):
        compare_systems([tmp_path / "matrix.csv", tmp_path / "hear.json"])


def test_tables_and_names_from_python(tmp_path: Path) -> None:
    path = _made(tmp_path, "first", 0.9)
    systems = systems_from({"mine": pd.read_csv(path), "theirs": path})
    assert [system.name for system in systems] == ["mine", "theirs"]
    assert systems_from([f"theirs={path}"])[0].name == "theirs"
    strange = tmp_path / "a=b.csv"
    path.rename(strange)
    assert systems_from([strange])[0].name == "a=b"
    with pytest.raises(ComparisonError, match="a table of predictions needs a name"):
        systems_from([pd.read_csv(strange)])


def test_fifty_systems_are_compared_at_once() -> None:
    rng = np.random.default_rng(0)
    n = 500
    labels = np.arange(n) % 10
    clips = {"clip": np.arange(n), "y_true": labels, "fold": np.arange(n) // 50 + 1, "recording": np.arange(n) // 2}
    tables = {
        f"s{number}": pd.DataFrame(
            {**clips, "y_pred": np.where(rng.random(n) < 0.5 + 0.009 * number, labels, (labels + 1) % 10)}
        )
        for number in range(50)
    }
    found = system_comparison.compare_systems(systems_from(tables))
    assert len(found.contrasts) == 1225
    assert len(found.table) == 50
    adjusted = [each.p_adjusted for each in found.contrasts if each.p_adjusted is not None]
    raw = [each.p for each in found.contrasts if each.p is not None]
    assert min(adjusted) == pytest.approx(min(1, 1225 * min(raw)))
    best, worst = found.standings[0], found.standings[-1]
    assert best.rank_over_recordings is not None
    assert worst.rank_over_recordings is not None
    assert best.rank_over_recordings[1] < worst.rank_over_recordings[0]


def test_too_many_pairs_are_refused() -> None:
    names = [f"s{number}" for number in range(70)]
    with pytest.raises(ComparisonError, match="70 systems make 2,415 pairs, 2,000 at most"):
        family_of(names, [], "")
    assert len(family_of(names, [], "s3")) == 69


def test_the_order_of_files_and_of_rows_changes_nothing(tmp_path: Path) -> None:
    paths = [_made(tmp_path, name, right) for name, right in (("a", 0.9), ("b", 0.8), ("c", 0.6))]
    found = compare_systems(paths)
    for number, path in enumerate(paths):
        pd.read_csv(path).sample(frac=1, random_state=number).to_csv(path, index=False)
    again = compare_systems(paths[::-1])
    pd.testing.assert_frame_equal(found.table, again.table)
    pd.testing.assert_frame_equal(found.pairs, again.pairs)
    assert found.groups == again.groups


@pytest.mark.slow
def test_ranks_that_the_tests_leave_open_hold_for_all_systems_together() -> None:
    # Five systems, folds correlated as the correction assumes; all of their ranks must be covered in 95 % of studies.
    rng, k, truth = np.random.default_rng(4), 10, np.array([84.0, 83.0, 82.0, 80.0, 76.0])
    rho = (1 / (k - 1)) / (1 + 1 / (k - 1))
    covered = []
    for _ in range(150):
        errors = rng.normal(0, 2 * np.sqrt(rho), size=(1, 5)) + rng.normal(0, 2 * np.sqrt(1 - rho), size=(k, 5))
        systems = [
            FoldAccuracies(name=str(number), by_fold=dict(enumerate(truth[number] + errors[:, number], 1)))
            for number in range(5)
        ]
        found = system_comparison.compare_systems(systems)
        ranks = {each.name: each.rank_by_tests or (0, 0) for each in found.standings}
        covered.append(all(low <= int(name) + 1 <= high for name, (low, high) in ranks.items()))
    assert np.mean(covered) >= 0.95
