"""One small network under every rule of public code: trainings are shared, one epoch serves all folds where the rule
says so, and an arm with one test part is compared over recordings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.comparisons.between_arms import compare_arms
from harness.comparisons.scores import score_study
from harness.errors import DataError, StudyError
from harness.report.folder.check import check_report
from harness.report.overview import write_overview
from harness.running.reports import Outcome
from harness.running.study import run_study
from harness.study import StudySpec, load_study
from harness.study.study_file import parse_study
from harness.terminal.progress import Silent
from tests.running.study import options_of, run, same, spec_of

_ARMS: dict[str, dict[str, Any]] = {
    "strict": {},
    "no validation": {"split": "official-no-validation"},
    "best on test": {"split": "official-no-validation", "epoch_rule": "best-on-test"},
    "same as test": {"validation": "same-as-test", "epoch_rule": "best-on-validation"},
    "best mean": {"split": "official-no-validation", "epoch_rule": "best-mean-on-test"},
    "share": {"validation": 0.4, "epoch_rule": "best-on-validation"},
    "shuffled": {"split": "shuffled-kfold", "k": 3},
    "random-clip": {"split": "random-clip"},
    "fourth row": {"split": "every-nth-row", "n": 4, "validation": "same-as-test", "epoch_rule": "best-on-validation"},
    "random part": {"split": "train-test-split", "fraction": 0.25, "stratified": True},
    "fold 2": {"split": "single-fold", "fold": 2},
    "file order": {"split": "file-order", "counts": [3, 1, 2], "epoch_rule": "best-on-validation"},
}
_EPOCHS = 4


def _spec(**arms: dict[str, Any]) -> StudySpec:
    net = {"model": "linear", "features": "image:mel"}
    listed = [
        {"name": name, **net, "set": {f"protocol.{key}": value for key, value in own.items()}}
        | ({} if name == "strict" else {"seed_of": "strict"})
        for name, own in (arms or _ARMS).items()
    ]
    return spec_of(
        data={"dataset": "synthetic", "folds": [1, 2, 3], "synthetic": {"clips_per_class_and_fold": 2}},
        train={"epochs": _EPOCHS, "batch_size": 8, "optimizer": "adamw", "lr": 0.02, "tuned_on": "none"},
        arms=listed,
        search={},
        evaluate={},
    )


@pytest.fixture(scope="module")
def every_rule(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path, list[str]]:
    folder = tmp_path_factory.mktemp("rules")
    outcome, lines = run(_spec(), folder, shared)
    return outcome, folder, lines


def _of(table: pd.DataFrame, arm: str) -> pd.DataFrame:
    return table[table["arm"] == arm].drop(columns="arm").reset_index(drop=True)


def test_each_rule_tests_what_it_names(every_rule: tuple[Outcome, Path, list[str]]) -> None:
    record = every_rule[0].record
    assert not every_rule[0].failures
    folds = {arm: tuple(sorted(set(_of(record.predictions, arm)["fold"]))) for arm in _ARMS}
    single = {"fourth row", "random part", "fold 2", "file order"}
    assert folds == {arm: (1,) if arm in single else (1, 2, 3) for arm in _ARMS}
    sizes = {arm: len(_of(record.predictions, arm)) for arm in _ARMS}
    assert sizes == dict.fromkeys(_ARMS, 60) | {"fourth row": 15, "random part": 15, "fold 2": 20, "file order": 20}
    labels = {record.protocol(arm).label for arm in _ARMS}
    assert set(record.leakage["protocol"]) == labels


def test_one_epoch_serves_all_folds(every_rule: tuple[Outcome, Path, list[str]]) -> None:
    """It is the one with the best mean of the curves that best-on-test recorded of the same trainings."""
    record = every_rule[0].record
    curves = _of(record.history, "best on test").pivot_table(
        index="epoch", columns="fold", values="test_macro_accuracy"
    )
    best = int(curves.mean(axis=1).idxmax())
    chosen = record.folds[(record.folds["arm"] == "best mean") & (record.folds["phase"] == "final")]
    assert set(chosen["best_epoch"]) == {best}
    scores = score_study(record)
    mean = scores.arms.set_index("arm")["macro_accuracy_mean"]["best mean"]
    assert mean == pytest.approx(curves.mean(axis=1).max(), abs=1e-12)
    surveys = record.folds[record.folds["phase"] == "survey"]
    assert set(surveys["arm"]) == {"best mean"}
    assert len(surveys) == 3
    # The survey is no training of its own, and the final one ends with the chosen epoch.
    assert _of(record.history, "best mean")["epoch"].max() == best


def test_trainings_are_shared_where_the_training_parts_are_equal(every_rule: tuple[Outcome, Path, list[str]]) -> None:
    predictions = every_rule[0].record.predictions
    same(_of(predictions, "best on test"), _of(predictions, "same as test"))
    own = _of(predictions, "no validation")
    alone = _of(predictions, "fold 2")
    paired = own[own["fold"] == 2].drop(columns="fold").reset_index(drop=True)
    # The same training part, but other random numbers: the tested fold is part of the seed.
    assert paired["clip_id"].tolist() == alone["clip_id"].tolist()


def test_nothing_is_trained_again_nor_depends_on_workers(
    every_rule: tuple[Outcome, Path, list[str]], shared: Path, tmp_path: Path
) -> None:
    outcome, folder, _ = every_rule
    again, lines = run(_spec(), folder, shared)
    assert not any("macro accuracy test" in line for line in lines)
    same(again.record.predictions, outcome.record.predictions)
    few = {name: _ARMS[name] for name in ("strict", "best mean", "fourth row")}
    other, _ = run(_spec(**few), tmp_path, shared, workers=2)
    for name in few:
        same(_of(other.record.predictions, name), _of(outcome.record.predictions, name))


def test_no_test_over_folds_is_claimed_for_one_part(every_rule: tuple[Outcome, Path, list[str]]) -> None:
    record = every_rule[0].record
    contrasts = {(each.first, each.second): each for each in compare_arms(record, score_study(record)).contrasts}
    mixed = contrasts["strict", "random part"]
    assert (mixed.over, mixed.test, mixed.unpaired, len(mixed.folds)) == ("recordings", None, None, 0)
    assert mixed.holdout is not None
    shared = set(_of(record.predictions, "random part")["clip_id"])
    assert (
        mixed.holdout.n_recordings
        == record.predictions.loc[record.predictions["clip_id"].isin(shared), "recording"].nunique()
    )
    # Protocols that differ in what validates test the same clips, and are paired by fold.
    assert sorted(contrasts["strict", "no validation"].folds) == [1, 2, 3]
    assert contrasts["strict", "shuffled"].unpaired is not None


def test_the_report_says_so_and_can_be_checked(every_rule: tuple[Outcome, Path, list[str]]) -> None:
    outcome, folder, _ = every_rule
    assert outcome.report is not None
    marks = json.loads((folder / "reports" / "tiny" / "results.json").read_text())["marks"]
    assert any(mark.startswith("One test part (n = 1): fourth row, random part, fold 2, file order.") for mark in marks)
    assert any("chose the epoch" in mark for mark in marks)
    from harness.report.folder.read import open_report

    assert check_report(open_report(folder / "reports" / "tiny")).equal


def test_an_own_file_is_read_with_the_study_and_must_not_change(shared: Path, tmp_path: Path) -> None:
    first = run(_spec(strict={}), tmp_path / "first", shared)[0].record.predictions
    clips = sorted(set(first["clip_id"]))
    rows = [f"{clip},{'test' if number % 3 == 0 else 'train'}" for number, clip in enumerate(clips)]
    (tmp_path / "mine.csv").write_text("\n".join(["clip,part", *rows]) + "\n")
    study = tmp_path / "own.toml"
    study.write_text(
        'study = { name = "own" }\nprotocol = { split = "csv", file = "mine.csv" }\n'
        "tracking = { system_metrics = false }\ntrain = { epochs = 1 }\n"
        'data = { dataset = "synthetic", folds = [1, 2, 3], synthetic = { clips_per_class_and_fold = 2 } }\n'
        'arms = [{ name = "net", model = "linear", features = "image:mel" }]\n'
    )
    spec = load_study(study)
    assert len(spec.protocol.options.found.digest) == 64  # type: ignore[attr-defined]
    outcome = run_study(spec, replace(options_of(tmp_path / "run", shared), folder=tmp_path), Silent())
    assert set(outcome.record.predictions["clip_id"]) == set(clips[::3])
    (tmp_path / "mine.csv").write_text("\n".join(["clip,part", *rows[::-1]]) + "\n")
    with pytest.raises(DataError, match="was changed since the study was read"):
        run_study(spec, replace(options_of(tmp_path / "other", shared), folder=tmp_path), Silent())


_STUDY = {"study": {"name": "x"}, "data": {"dataset": "esc10"}}
_NET = {"name": "net", "model": "su4", "features": "LMC"}
_SEARCH = {"trials": 2, "space": {"train.lr": {"low": 0.001, "high": 0.01}}}


@pytest.mark.parametrize(
    ("protocol", "search", "message"),
    [
        ({"validation": "none", "epoch_rule": "best-on-validation"}, {}, "needs a validation part"),
        ({"validation": "none"}, _SEARCH, "there is no validation part, so a search has nothing to choose on"),
        ({"validation": "same-as-test"}, _SEARCH, "the test part validates, so a search has nothing to choose on"),
        ({"split": "every-nth-row"}, _SEARCH, "there is no validation part"),
        ({"split": "every-nth-row", "validation": "next-fold"}, {}, "there is no next fold"),
        ({"split": "official-no-validation", "validation": "next-fold"}, {}, "has validation = 'none' by its name"),
        ({"validation": "same-as-test", "final_train": "train+validation"}, {}, "would train on the test part"),
        ({"split": "official", "n": 5}, {}, "protocol.n: unknown key"),
        ({"split": "every-nth-row", "remainder": 10}, {}, "must be below n = 10"),
        ({"split": "csv"}, {}, "name the CSV file as protocol.file"),
        ({"validation": 1.5}, {}, "a share of the training part above 0 and below 1, received 1.5"),
    ],
)
def test_impossible_combinations_are_refused(protocol: dict[str, Any], search: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        parse_study({**_STUDY, "protocol": protocol, "search": search, "arms": [_NET]}, "x.toml")


def test_values_chosen_for_other_folds_are_refused() -> None:
    arms = [_NET, {**_NET, "name": "part", "tuned_as": "net", "set": {"protocol.split": "file-order"}}]
    with pytest.raises(
        StudyError, match=r"values were chosen for the folds \[1, 2, 3, 4, 5\], but this arm tests \[1\]"
    ):
        parse_study({**_STUDY, "search": _SEARCH, "arms": arms}, "x.toml")


def test_the_first_of_equal_epochs_is_taken() -> None:
    from harness.running.arm_chains import best_mean

    assert best_mean([[0.5, 0.7, 0.6], [0.5, 0.5, 0.6, 0.9]]) == (2, pytest.approx(0.6))
    assert best_mean([np.array([0.2, 0.2]).tolist()]) == (1, pytest.approx(0.2))


def test_the_overview_draws_every_rule(every_rule: tuple[Outcome, Path, list[str]], tmp_path: Path) -> None:
    outcome, folder, _ = every_rule
    write_overview([folder / "reports" / "tiny"], tmp_path / "overview")
    drawn = pd.read_csv(tmp_path / "overview" / "protocols.csv")
    protocols = [outcome.record.protocol(arm) for arm in _ARMS]
    rules = {(each.label, str(each.epoch_rule_in_effect)) for each in protocols}
    assert set(zip(drawn["split"], drawn["epoch_rule"], strict=True)) == rules
    markdown = (tmp_path / "overview" / "protocols.md").read_text()
    assert all(split in markdown for split, _ in rules)
    # Splits with other epoch rules than the first one's say which.
    means = drawn.set_index("split")["mean"]
    assert f"| {means['every-nth-row (n = 4, validation = same-as-test)']:.1f} (best on test) |" in markdown
    assert "epoch: in brackets" in markdown
    assert (tmp_path / "overview" / "protocols.png").stat().st_size > 0
