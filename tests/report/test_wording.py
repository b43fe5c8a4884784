"""Sentences that keep a reader from taking numbers for more than they are."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from harness.comparisons.scores import score_study
from harness.record import StudyRecord
from harness.report import wording
from tests.records import TRAINED, MakeRecord


def marks_of(record: StudyRecord) -> str:
    return " ".join(wording.marks(record, score_study(record)))


@pytest.fixture(scope="module")
def searched(make_record: MakeRecord) -> StudyRecord:
    return make_record(trained=TRAINED[:1], fused=None, n_seeds=1, trials=4)


def test_trials_that_were_dropped_between_folds_are_told(searched: StudyRecord) -> None:
    assert "Pruned across folds" not in marks_of(searched)
    # As earlier versions recorded it: the later folds are missing, and no training was stopped.
    search = searched.searches["LMCNet"]
    trials = [{name: value for name, value in trial.items() if name != "stopped"} for trial in search["trials"]]
    old = dataclasses.replace(searched, searches={"LMCNet": {**search, "trials": trials}})
    assert "Pruned across folds" in marks_of(old)
    assert "influenced what that other fold could choose" in marks_of(old)


def test_random_segment_says_how_much_of_a_clip_a_fold_tests(make_record: MakeRecord) -> None:
    record = make_record(
        trained=TRAINED[:1], fused=None, n_seeds=1, protocol={"split": "random-segment"}, folds=(1, 2, 3)
    )
    # Every clip is tested in each fold, on 2 of its 6 segments.
    fold = record.predictions[record.predictions["fold"] == 1].assign(n_segments=2, n_segments_correct=1)
    predictions = [fold.assign(fold=number) for number in (1, 2, 3)]
    told = marks_of(dataclasses.replace(record, predictions=pd.concat(predictions)))
    assert "(on average 2.0 of 6.0)" in told
    assert "Random-segment" not in marks_of(make_record(trained=TRAINED[:1], fused=None, n_seeds=1))
