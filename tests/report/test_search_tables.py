"""The search: space, importance, trials by state, and the best of them."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from harness.record import StudyRecord
from harness.report.search_tables import describe_space, search_tables, trials_of
from harness.study import Space
from tests.records import MakeRecord


@pytest.fixture(scope="module")
def searched(make_record: MakeRecord) -> StudyRecord:
    return make_record(trials=6, folds=(1, 2, 3), n_seeds=1)


def test_no_search_no_table(record: StudyRecord) -> None:
    assert search_tables(record, []) == []


def test_space_with_importances(searched: StudyRecord) -> None:
    space, _ = search_tables(searched, ["A mark."])
    assert space.printed.to_numpy().tolist() == [
        ["train.lr", "0.0001 to 0.01", "80", "80", "80"],
        ["model.dropout", "0.1 to 0.5", "20", "20", "20"],
    ]
    assert space.caption.endswith("A mark.")


def test_trials_are_counted_by_state_and_the_best_is_complete(searched: StudyRecord) -> None:
    searches = {arm: dict(search) for arm, search in searched.searches.items()}
    trials = [dict(trial) for trial in searches["MCNet"]["trials"]]
    trials[2]["validation_macro_accuracy"] = {"1": 0.99}
    searches["MCNet"]["trials"] = trials
    _, table = search_tables(dataclasses.replace(searched, searches=searches), [])
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
    space, table = search_tables(dataclasses.replace(searched, searches=searches), [])
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
    names = [table.name for table in search_tables(record, [])]
    assert names == ["search-space", "search-space-2", "searches"]
    assert isinstance(search_tables(record, [])[0].data, pd.DataFrame)
