"""The search: space, importance, trials by state, and the best of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.record import StudyRecord
from harness.report.evidence import gather
from harness.report.topics import search
from harness.report.topics.search import chosen_hyperparameters, describe_space, search_figure, trials_of
from harness.study import Space
from tests.records import MakeRecord
from tests.report.sections import tables
from tests.report.tidy import assert_tidy, texts


@pytest.fixture(scope="module")
def searched(make_record: MakeRecord) -> StudyRecord:
    return make_record(trials=6, folds=(1, 2, 3), n_seeds=1)


def test_space_with_importances(searched: StudyRecord) -> None:
    space, *_ = tables(search.sections, gather(searched))
    assert space.printed.to_numpy().tolist() == [
        ["train.lr", "0.0001 to 0.01", "80", "80", "80"],
        ["model.dropout", "0.1 to 0.5", "20", "20", "20"],
    ]


def test_trials_are_counted_by_state_and_the_best_is_complete(searched: StudyRecord) -> None:
    searches = {arm: dict(search) for arm, search in searched.searches.items()}
    trials = [dict(trial) for trial in searches["MCNet"]["trials"]]
    trials[2]["validation_macro_accuracy"] = {"1": 0.99}
    searches["MCNet"]["trials"] = trials
    _, table, *_ = tables(search.sections, gather(dataclasses.replace(searched, searches=searches)))
    row = table.data.set_index("arm").loc["MCNet"]
    assert row[["trials", "complete", "pruned", "failed"]].tolist() == [6, 4, 1, 1]
    means = {
        trial["trial"]: sum(trial["validation_macro_accuracy"].values()) / 3
        for trial in trials
        if trial["state"] == "complete"
    }
    assert row["best_trial"] == max(means, key=lambda number: means[number]), "a pruned trial is not the best"
    assert row["best_mean"] == pytest.approx(max(means.values()))
    assert table.printed.iloc[1, 1] == "1: folds 1, 2, 3"


def test_a_search_without_a_complete_trial_has_no_best(searched: StudyRecord) -> None:
    lost = {"trial": 0, "state": "failed", "values": {}, "validation_macro_accuracy": {"1": None}, "error": "boom"}
    searches = {"MLMC": {"arm": "MLMC", "trials": [lost], "chosen": {}, "importance": {}}}
    space, table, *_ = tables(search.sections, gather(dataclasses.replace(searched, searches=searches)))
    assert table.printed.to_numpy().tolist() == [["MLMC", "–", "1", "0", "0", "1", "–", "–"]]
    assert space.printed.iloc[0].tolist() == ["train.lr", "0.0001 to 0.01", "–"]


def test_trials_come_in_order_with_their_mean() -> None:
    scored = {
        "state": "pruned",
        "values": {},
        "error": "",
        "validation_macro_accuracy": {"1": 0.5, "2": 0.7, "3": None},
    }
    table = trials_of({"trials": [{**scored, "trial": 4}, {**scored, "trial": 1}]})
    assert table["trial"].tolist() == [1, 4]
    assert table["mean"].tolist() == pytest.approx([0.6, 0.6])
    assert table["folds"].tolist() == [2, 2]


@pytest.mark.parametrize(
    ("space", "text"),
    [
        (Space(low=1e-4, high=0.01, log=True), "0.0001 to 0.01, logarithmic"),
        (Space(low=10.0, high=50.0, step=10.0), "10 to 50 in steps of 10"),
        (Space(choices=(True, 3, 0.5, "sgd")), "True, 3, 0.5, sgd"),
    ],
)
def test_ranges_in_words(space: Space, text: str) -> None:
    assert describe_space(space) == text


def test_many_arms_continue_in_a_second_table(make_record: MakeRecord) -> None:
    trained = [(f"arm {number}", "su4", "LMC", 1.0) for number in range(10)]
    record = make_record(trials=1, trained=trained, fused=None, folds=(1, 2, 3), n_seeds=1, clips_per_class=1)
    names = [table.name for table in tables(search.sections, gather(record))]
    assert names == ["search-space", "search-space-2", "searches", "hyperparameters"]
    assert isinstance(tables(search.sections, gather(record))[0].data, pd.DataFrame)


def recorded(states: list[tuple[str, float | None]], importance: dict[str, float] | None = None) -> dict[str, Any]:
    trials = [
        {"trial": number, "state": state, "validation_macro_accuracy": {} if mean is None else {"1": mean}}
        for number, (state, mean) in enumerate(states)
    ]
    return {"trials": trials, "importance": importance or {}}


MIXED = [("complete", 0.6), ("pruned", 0.9), ("failed", None), ("complete", 0.5), ("complete", 0.7)]


@pytest.mark.usefixtures("styled")
def test_states_are_apart_and_the_best_runs_over_complete_trials() -> None:
    figure = search_figure(recorded(MIXED, {"train.lr": 0.7, "model.dropout": 0.3}), "$A_b$ & Co")
    assert figure is not None
    assert_tidy(figure)
    history, shares = figure.axes
    by_label = {line.get_label(): line for line in history.lines}
    np.testing.assert_allclose(by_label["best so far"].get_ydata(), [60, 60, 70, 70])
    np.testing.assert_array_equal(by_label["complete"].get_xdata(), [0, 3, 4])
    np.testing.assert_array_equal(by_label["pruned"].get_xdata(), [1])
    np.testing.assert_array_equal(by_label["failed"].get_xdata(), [2])
    assert len({line.get_marker() for line in history.lines if line.get_marker() != "None"}) == 3
    assert [bar.get_width() for bar in shares.patches] == pytest.approx([70, 30])


@pytest.mark.usefixtures("styled")
def test_importances_come_largest_first_and_not_too_many() -> None:
    importance = {f"train.some_long_hyperparameter_{number}": number / 120 for number in range(16)}
    figure = search_figure(recorded(MIXED, importance), "arm")
    assert figure is not None
    assert_tidy(figure)
    widths = [bar.get_width() for bar in figure.axes[1].patches]
    assert len(widths) == 12
    assert widths == sorted(widths, reverse=True)


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize("states", [[("complete", 0.5)], [("failed", None)], [("pruned", 0.5)], MIXED * 40])
@pytest.mark.usefixtures("styled")
def test_few_and_many_trials_are_tidy(states: list[tuple[str, float | None]]) -> None:
    figure = search_figure(recorded(states), "arm")
    assert figure is not None
    assert_tidy(figure)
    assert len(figure.axes) == 1


@pytest.mark.usefixtures("styled")
def test_no_trial_no_figure() -> None:
    assert search_figure(recorded([]), "arm") is None


@pytest.mark.usefixtures("styled")
def test_only_states_that_occur_are_named() -> None:
    figure = search_figure(recorded([("complete", 0.5), ("complete", 0.6)]), "arm")
    assert figure is not None
    assert not {"pruned", "failed"} & {text for text, _ in texts(figure)}


def test_nothing_searched_gives_no_table(record: StudyRecord) -> None:
    assert tables(search.sections, gather(record)) == []
    assert chosen_hyperparameters(record).empty


def test_chosen_values_stand_beside_the_validation_accuracy_of_their_trial(make_record: MakeRecord) -> None:
    record = make_record(trials=3)
    chosen = chosen_hyperparameters(record)
    assert list(chosen["arm"].unique()) == ["LMCNet", "MCNet", "MLMC"]
    assert len(chosen) == 15
    row = chosen.query("arm == 'MCNet' and fold == 4").iloc[0]
    searched = record.folds.query("arm == 'MCNet' and phase == 'search' and trial == 1 and fold == 4").iloc[0]
    final = record.folds.query("arm == 'MCNet' and phase == 'final' and fold == 4").iloc[0]
    assert row["validation_macro_accuracy"] == searched["validation_macro_accuracy"]
    assert row["validation_macro_accuracy"] != final["validation_macro_accuracy"]
    assert row["train.lr"] == pytest.approx(0.002)
    (table,) = [table for table in tables(search.sections, gather(record)) if table.name == "hyperparameters"]
    assert list(table.printed.columns) == ["Arm", "Fold", "Trial", "train.lr", "model.dropout", "Validation macro"]
    assert table.printed["Arm"].tolist()[:6] == ["LMCNet", "", "", "", "", "MCNet"]
    assert table.rules == (5, 10)
