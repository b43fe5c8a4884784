"""The pairwise table: fusion first, the family marked, and numbers against a count by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from harness.record import StudyRecord
from harness.report.contrast_tables import contrast_tables, of_own_stream
from harness.report.evidence import Evidence, gather
from harness.report.gallery import draw_all
from tests.records import MakeRecord


def test_one_arm_has_no_pair(small: StudyRecord) -> None:
    assert contrast_tables(gather(small)) == []


def test_fusion_against_its_streams_comes_first(evidence: Evidence) -> None:
    main, complement = contrast_tables(evidence)
    pairs = list(zip(main.data["first"], main.data["second"], strict=True))
    assert pairs[:2] == [("TSCNN-DS", "LMCNet"), ("TSCNN-DS", "MCNet")]
    assert len(pairs) == 6
    assert main.rules == complement.rules == (2,)
    assert [of_own_stream(evidence, each) for each in evidence.arms.contrasts] == [True, True] + [False] * 4
    assert "every pair of arms (6 tested pairs)" in main.caption


def test_differences_and_clips_against_a_count_by_hand(evidence: Evidence) -> None:
    main, _ = contrast_tables(evidence)
    table = evidence.record.predictions
    right = table.filter(regex="^p_").to_numpy().argmax(axis=1) == table["y_true"].to_numpy()
    wide = table.assign(right=right).pivot_table(
        index=["fold", "seed", "clip_id", "y_true"], columns="arm", values="right", aggfunc="first"
    )
    by_class = wide.astype(float).groupby(["fold", "seed", "y_true"]).mean()
    folds = by_class.groupby(["fold", "seed"]).mean().groupby("fold").mean()
    difference = 100 * (folds["TSCNN-DS"] - folds["MCNet"])
    row = main.data.iloc[1]
    assert row["difference"] == pytest.approx(difference.mean())
    half = 2.7764 * difference.std(ddof=1) * np.sqrt(1 / 5 + 1 / 3)
    assert row["low"] == pytest.approx(difference.mean() - half, rel=1e-4)
    first_seed = wide.xs(0, level="seed").astype(bool)
    only = (first_seed["TSCNN-DS"] & ~first_seed["MCNet"]).sum()
    assert row["clips_only_first"] == only
    assert main.printed.iloc[1, 9] == str(only)


def test_the_declared_family_and_the_pairs_outside_of_it(make_record: MakeRecord) -> None:
    evaluate = {"seeds": 2, "folds": None, "margin": 2.0, "contrasts": [["TSCNN-DS", "MLMC"]]}
    main, _ = contrast_tables(gather(make_record(evaluate=evaluate)))
    assert main.data["in_family"].tolist() == [True] + [False] * 5
    assert main.data["p_holm"].notna().tolist() == [True] + [False] * 5
    assert main.printed.iloc[1:, -1].tolist() == ["–"] * 5
    assert main.rules == (1,)
    assert "the study declared (1 tested pair); below the rule, pairs without a verdict" in main.caption


@pytest.mark.slow
def test_of_too_many_pairs_the_declared_ones_are_printed_and_drawn(
    make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = gather(make_record(evaluate={"contrasts": [["TSCNN-DS", "MCNet"]]}))
    monkeypatch.setattr("harness.report.contrast_tables._MANY", 5)
    for table in contrast_tables(evidence):
        assert len(table.printed) == 1
        assert len(table.data) == 6
        assert table.rules == ()
    main = contrast_tables(evidence)[0]
    assert "5 pairs that the study did not declare: in contrasts.csv" in main.caption
    entries, _ = draw_all(evidence)
    (figure,) = entries["contrasts"]
    assert "pairs are drawn" not in figure.caption
    everything = gather(make_record())
    assert [len(table.printed) for table in contrast_tables(everything)] == [6, 6]


def test_a_pair_on_different_folds_is_refused_and_names_the_fold(record: StudyRecord) -> None:
    table = record.predictions
    lacking = dataclasses.replace(record, predictions=table[(table["arm"] != "MCNet") | (table["fold"] != 3)])
    evidence = gather(lacking)
    main, _ = contrast_tables(evidence)
    row = main.printed.iloc[1].tolist()
    assert row[:5] == ["TSCNN-DS", "MCNet", "–", "–", "–"]
    assert main.data.loc[1, "n_folds"] == 0
    assert "fold 3 by TSCNN-DS only" in main.data.loc[1, "reason"]


def test_captions_say_what_is_over_what(evidence: Evidence) -> None:
    main, complement = contrast_tables(evidence)
    assert "SD and interval: over folds, seeds averaged first" in main.caption
    assert "McNemar's p, which takes clips as independent" in main.caption
    assert "whole recordings resampled" in complement.caption
