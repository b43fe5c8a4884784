"""Arms against each other: fusion first, the family marked, numbers against a count by hand, and the figure."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from harness.record import StudyRecord
from harness.report.evidence import Evidence, gather
from harness.report.topics import contrasts
from harness.report.topics.contrasts import cochran_sentence, contrast_figure, drawn_pairs, of_own_stream
from harness.statistics.clip_tests import CochranQ
from tests.records import MakeRecord
from tests.report.sections import figures, tables
from tests.report.tidy import assert_tidy, texts


def test_one_arm_has_no_pair(small: StudyRecord) -> None:
    assert tables(contrasts.sections, gather(small)) == []


def test_fusion_against_its_streams_comes_first(evidence: Evidence) -> None:
    main, complement = tables(contrasts.sections, evidence)
    pairs = list(zip(main.data["first"], main.data["second"], strict=True))
    assert pairs[:2] == [("TSCNN-DS", "LMCNet"), ("TSCNN-DS", "MCNet")]
    assert len(pairs) == 6
    assert main.rules == complement.rules == (2,)
    assert [of_own_stream(evidence, each) for each in evidence.arms.contrasts] == [True, True] + [False] * 4
    assert "every pair of arms (6 tested pairs)" in main.caption


def test_differences_and_clips_against_a_count_by_hand(evidence: Evidence) -> None:
    main, _ = tables(contrasts.sections, evidence)
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
    main, _ = tables(contrasts.sections, gather(make_record(evaluate=evaluate)))
    assert main.data["in_family"].tolist() == [True] + [False] * 5
    assert main.data["p_holm"].notna().tolist() == [True] + [False] * 5
    assert main.printed.iloc[1:, -1].tolist() == ["–"] * 5
    assert main.rules == (1,)
    assert "the study declared (1 tested pair); pairs below the rule have no verdict" in main.caption


@pytest.mark.slow
def test_of_too_many_pairs_the_declared_ones_are_printed_and_drawn(
    make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = gather(make_record(evaluate={"contrasts": [["TSCNN-DS", "MCNet"]]}))
    monkeypatch.setattr("harness.report.topics.contrasts._MANY", 5)
    for table in tables(contrasts.sections, evidence):
        assert len(table.printed) == 1
        assert len(table.data) == 6
        assert table.rules == ()
    main = tables(contrasts.sections, evidence)[0]
    assert "5 undeclared pairs: see contrasts.csv" in main.caption
    (figure,) = figures(contrasts.sections, evidence)
    assert "pairs are drawn" not in figure.caption
    everything = gather(make_record())
    assert [len(table.printed) for table in tables(contrasts.sections, everything)] == [6, 6]


def test_a_pair_on_different_folds_is_refused_and_names_the_fold(record: StudyRecord) -> None:
    table = record.predictions
    lacking = dataclasses.replace(record, predictions=table[(table["arm"] != "MCNet") | (table["fold"] != 3)])
    evidence = gather(lacking)
    main, _ = tables(contrasts.sections, evidence)
    row = main.printed.iloc[1].tolist()
    assert row[:5] == ["TSCNN-DS", "MCNet", "–", "–", "–"]
    assert main.data.loc[1, "n_folds"] == 0
    assert "fold 3 by TSCNN-DS only" in main.data.loc[1, "reason"]


def test_captions_say_what_is_over_what(evidence: Evidence) -> None:
    main, complement = tables(contrasts.sections, evidence)
    assert "SD and interval: over folds, seeds averaged first" in main.caption
    assert "McNemar's p, which assumes independent clips" in main.caption
    assert "whole recordings resampled" in complement.caption


def test_cochrans_q_in_a_sentence(evidence: Evidence, small: StudyRecord) -> None:
    assert cochran_sentence(gather(small)) == ""
    text = cochran_sentence(evidence)
    assert "for the 3 trained arms (LMCNet, MCNet, MLMC; first seed)" in text
    assert "with 2 degrees of freedom, p <0.001;" in text
    other = dataclasses.replace(evidence.arms, cochran=CochranQ(1.0, 1, 0.3173))
    assert "with 1 degree of freedom, p = 0.317;" in cochran_sentence(dataclasses.replace(evidence, arms=other))


@pytest.mark.usefixtures("styled")
def test_folds_mean_and_interval_lie_at_their_values(evidence: Evidence) -> None:
    contrasts = evidence.arms.contrasts
    figure = contrast_figure(contrasts, 2.0)
    assert figure is not None
    assert_tidy(figure)
    values = np.concatenate([np.asarray(line.get_xdata(), float) for line in figure.axes[0].lines])
    for each in contrasts:
        assert each.test is not None
        for value in (*each.folds.values(), each.mean, each.test.low, each.test.high):
            assert np.isclose(values, value).any()
    (band,) = figure.axes[0].patches
    assert (band.get_x(), band.get_x() + band.get_width()) == (-2.0, 2.0)
    assert any("±2 points" in text for text, _ in texts(figure))


@pytest.mark.usefixtures("styled")
def test_pairs_on_different_folds_are_left_out(evidence: Evidence) -> None:
    refused = dataclasses.replace(evidence.arms.contrasts[0], folds={}, mean=float("nan"), test=None)
    assert contrast_figure([refused], 2.0) is None
    assert drawn_pairs([refused, evidence.arms.contrasts[1]]) == [evidence.arms.contrasts[1]]


@pytest.mark.usefixtures("styled")
def test_one_fold_is_drawn_without_interval(evidence: Evidence) -> None:
    one = dataclasses.replace(evidence.arms.contrasts[0], folds={2: 1.5}, mean=1.5, test=None)
    figure = contrast_figure([one], 2.0)
    assert figure is not None
    assert not any(len(line.get_xdata()) == 2 and line.get_marker() == "|" for line in figure.axes[0].lines)


@pytest.mark.usefixtures("styled")
def test_many_pairs_with_long_names_fit_a_page(evidence: Evidence) -> None:
    long = [
        dataclasses.replace(evidence.arms.contrasts[0], first=f"A_b & $x$ image:mel+mfcc+spectrogram {number}")
        for number in range(66)
    ]
    figure = contrast_figure(long, 2.0)
    assert figure is not None
    assert_tidy(figure)
    assert figure.get_figheight() < 8.5
    assert 10 < len(drawn_pairs(long)) < 66
    assert drawn_pairs(long) == long[: len(drawn_pairs(long))]
