"""Comparison with claims: the main table, its complement, and what each verdict rests on."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.record import StudyRecord
from harness.report.evidence import Evidence, gather
from harness.report.report_section import Table
from harness.report.topics import claimed_accuracy, claimed_classes
from harness.report.topics.claimed_accuracy import claim_note, sample_size, sources
from harness.statistics.family import holm
from harness.statistics.power import FoldsNeeded
from harness.statistics.verdict import Decision, Verdict
from harness.text.decimals import decimals
from tests.records import MakeRecord, restated, restudied, with_fold_sd
from tests.report.sections import tables


def rows(table: Table) -> list[dict[str, Any]]:
    names = [" ".join(header).strip() for header in table.printed.columns]
    return [dict(zip(names, row, strict=True)) for row in table.printed.to_numpy().tolist()]


def macro_percents(record: StudyRecord, arm: str) -> list[float]:
    table = record.predictions[record.predictions["arm"] == arm]
    right = table.filter(regex="^p_").to_numpy().argmax(axis=1) == table["y_true"].to_numpy()
    by_class = table.assign(right=right).groupby(["fold", "seed", "y_true"])["right"].mean()
    return list(100 * by_class.groupby(["fold", "seed"]).mean().groupby("fold").mean())


def test_nothing_compared_has_no_table(evidence: Evidence) -> None:
    assert tables(claimed_accuracy.sections, evidence) == []
    assert tables(claimed_classes.sections, evidence) == []


def test_the_main_table_against_a_count_by_hand(us8k: Evidence) -> None:
    main, _ = tables(claimed_accuracy.sections, us8k)
    found = rows(main)
    assert [row["Claim"] for row in found] == [f"su2019:T2/{arm}" for arm in ("LMCNet", "MCNet", "MLMC", "TSCNN-DS")]
    errors = []
    for row, value in zip(found, (95.2, 95.3, 94.6, 97.2), strict=True):
        folds = macro_percents(us8k.record, row["Arm"])
        mean, sd = np.mean(folds), np.std(folds, ddof=1)
        half = 2.2622 * sd * np.sqrt(1 / 10 + 1 / 8)
        assert row["Claimed"] == str(value)
        assert row["Measured Mean"] == decimals(mean, 1)
        assert row["Measured SD"] == decimals(sd, 1)
        assert row["Measured Interval"] == f"{mean - half:.1f} to {mean + half:.1f}"
        assert row["Difference"] == f"{mean - value:+.1f}".replace("-", "−")
        # The claim's SD is not known: the measured one is used for both sides, and 95.2 may have been 95.15.
        beyond, spread = abs(mean - value) - 0.05, sd * np.sqrt(1 / 10 + 1 / 8 + 1 / 10 + 1 / 9)
        errors.append(2 * stats.t.sf(beyond / spread, 9))
        assert main.data.set_index("claim").loc[row["Claim"], "p"] == pytest.approx(errors[-1])
    assert [row["Verdict"] for row in found] == ["lower" if p < 0.05 else "inconclusive" for p in holm(errors)]
    assert "tested with the measured SD on both sides" in main.caption


def test_raw_and_adjusted_p_stand_side_by_side(us8k: Evidence) -> None:
    data = tables(claimed_accuracy.sections, us8k)[0].data
    raw = data["p_equivalence"].tolist()
    assert data["p_equivalence_holm"].tolist() == pytest.approx(holm(raw))
    assert data["p_holm"].tolist() == pytest.approx(holm(data["p"].tolist()))
    assert "family of 4 tested claims" in tables(claimed_accuracy.sections, us8k)[0].caption
    told = {"p": 0.011, "p_adjusted": 0.022, "p_equivalence": 0.033, "p_equivalence_adjusted": 0.044}
    one = dataclasses.replace(us8k, claims=(dataclasses.replace(us8k.claims[0], **told),))
    assert tables(claimed_accuracy.sections, one)[0].printed.iloc[0, 7:11].tolist() == [
        "0.011",
        "0.022",
        "0.033",
        "0.044",
    ]


def test_captions_say_what_every_spread_is_over(us8k: Evidence) -> None:
    main, complement = tables(claimed_accuracy.sections, us8k)
    assert "SD: over folds (ddof 1), seeds averaged first; n = 10 folds × 1 seed" in main.caption
    assert "95 %, of the measured mean over folds, corrected" in main.caption
    assert "within ±2 points" in main.caption
    assert "whole recordings resampled" in complement.caption
    assert "for contrast only" in complement.caption
    assert "±" not in main.caption.replace("±2 points", "")


def test_the_complement_holds_other_intervals_and_tests(us8k: Evidence) -> None:
    first, each = rows(tables(claimed_accuracy.sections, us8k)[1])[0], us8k.claims[0]
    assert each.bootstrap is not None
    assert first["Interval recordings"] == f"{each.bootstrap.low:.1f} to {each.bootstrap.high:.1f}"
    assert "Interval prediction" not in first, "the paper's SD is not over folds"
    assert first["Wilcoxon p least"] == "0.002"
    data = tables(claimed_accuracy.sections, us8k)[1].data
    assert (data["uncorrected_p"] < tables(claimed_accuracy.sections, us8k)[0].data["p"]).all()


def test_a_verified_sd_is_shown_and_used(make_record: MakeRecord) -> None:
    record = make_record(compare=[("piczak2015cnn:ESC-10/CNN", "LMCNet")])
    evidence = gather(restated(with_fold_sd(record), "piczak2015cnn", role="claim"))
    main, complement = tables(claimed_accuracy.sections, evidence)
    assert rows(main)[0]["Claimed"] == "80.25 ± 5.5"
    assert "its own SD over folds" in main.caption
    assert rows(complement)[0]["Interval prediction"] != "–"


def found_higher(evidence: Evidence) -> Evidence:
    (each,) = evidence.claims
    return dataclasses.replace(
        evidence, claims=(dataclasses.replace(each, decision=Decision(Verdict.HIGHER, "Higher.")),)
    )


def test_a_reference_is_called_one_wherever_it_stands(make_record: MakeRecord) -> None:
    record = make_record(compare=[("piczak2015cnn:ESC-10/CNN", "LMCNet")])
    main, complement = tables(claimed_accuracy.sections, found_higher(gather(with_fold_sd(record))))
    for table in (main, complement):
        assert rows(table)[0]["Claim"] == "piczak2015cnn:ESC-10/CNN (reference)"
        assert table.data["as"].tolist() == ["reference"]
    assert main.title == "Published and measured accuracy"
    assert rows(main)[0]["Published"] == "80.25 ± 5.5"
    assert rows(main)[0]["Verdict"] == "higher than the reference"
    assert main.data["verdict"].tolist() == ["higher"]
    assert "Reference: the accuracy of another system" in main.caption
    assert "laimed" not in main.caption.replace("tested claim", "")


def test_a_study_says_what_a_claim_is_compared_as(make_record: MakeRecord) -> None:
    compare = {"claim": "piczak2015cnn:ESC-10/CNN", "arm": "LMCNet"}
    record = make_record(compare=[tuple(compare.values())])
    record = restudied(record, compare=[{**compare, "as": "replication"}])
    main, _ = tables(claimed_accuracy.sections, found_higher(gather(with_fold_sd(record))))
    assert rows(main)[0]["Claim"] == "piczak2015cnn:ESC-10/CNN"
    assert rows(main)[0]["Verdict"] == "higher"
    assert "eference" not in main.caption


def test_what_cannot_be_compared_has_no_p(make_record: MakeRecord) -> None:
    evidence = gather(make_record(compare=[("su2019:T2/MLMC", "MLMC")]))
    (row,) = rows(tables(claimed_accuracy.sections, evidence)[0])
    assert row["Verdict"] == "not comparable"
    assert [row[name] for name in ("t-test p raw", "t-test p Holm", "TOST p raw")] == ["–"] * 3
    assert "No claim could be tested." in tables(claimed_accuracy.sections, evidence)[0].caption


def test_different_estimands_are_named(make_record: MakeRecord) -> None:
    compare = [("piczak2015cnn:ESC-10/CNN", "LMCNet"), ("su2019:T2/MLMC", "MLMC")]
    main, _ = tables(claimed_accuracy.sections, gather(make_record(compare=compare)))
    assert [row["Arm"] for row in rows(main)] == ["LMCNet (clip)", "MLMC (macro)"]


def test_sample_size_gives_ranges(us8k: Evidence) -> None:
    fewer = dataclasses.replace(us8k.claims[0], folds={1: 50.0, 2: 51.0}, n_seeds=(1, 3))
    assert sample_size([fewer, us8k.claims[1]]) == "n = 2–10 folds × 1–3 seeds"


def note(evidence: Evidence, **changes: object) -> str:
    heading, text = claim_note(evidence, dataclasses.replace(evidence.claims[0], **changes))  # type: ignore[arg-type]
    return f"{heading} {text}"


def test_a_note_says_what_the_verdict_rests_on(us8k: Evidence) -> None:
    text = note(us8k)
    assert text.startswith("LMCNet and su2019:T2/LMCNet: lower.")
    assert "macro accuracy, 10 folds × 1 seed" in text
    assert "n_test / n_train = 0.125" in text
    assert "The SD stated by the source is not used: " in text
    assert "class accuracies" in text, "the paper's SD is over classes"
    assert "split not stated in the source" in text


def test_how_large_a_claims_sd_would_have_to_be(us8k: Evidence) -> None:
    sensitivity = us8k.claims[0].sensitivity
    assert f"its 10 folds were {sensitivity:.1f} points or more" in note(us8k)
    assert "would no longer be found" not in note(us8k, sensitivity=0.0)
    assert "would no longer be found" not in note(us8k, differences=("data set",))


@pytest.mark.parametrize(
    ("needed", "seeds", "sentences"),
    [
        (
            FoldsNeeded(21, 40, ""),
            3,
            ["21 such folds to detect", "40 such folds to show equivalence within ±2 points", "3 seeds per fold"],
        ),
        (FoldsNeeded(None, None, "far too close"), None, ["Not attainable: far too close."]),
        (
            FoldsNeeded(21, None, "not smaller"),
            None,
            ["detect a difference of this size.", "Not attainable: not smaller."],
        ),
    ],
)
def test_what_an_undecided_comparison_needs(
    us8k: Evidence, needed: FoldsNeeded, seeds: int | None, sentences: list[str]
) -> None:
    undecided = Decision(Verdict.INCONCLUSIVE, "Undecided.")
    text = note(us8k, decision=undecided, needed=needed, seeds_needed=seeds)
    assert [sentence for sentence in sentences if sentence not in text] == []
    assert "such fold" not in note(us8k, needed=needed), "a decided one needs nothing"


def test_a_used_sd_is_said(make_record: MakeRecord) -> None:
    evidence = gather(with_fold_sd(make_record(compare=[("piczak2015cnn:ESC-10/CNN", "LMCNet")])))
    assert "The claim's own SD over folds, 5.50 points, is used" in note(evidence)
    assert "own SD over folds, 5.50" not in note(evidence, differences=("epoch rule",)), "nothing was tested"


def test_each_paper_is_cited_once(us8k: Evidence) -> None:
    (source,) = sources(us8k)
    assert "doi:10.3390/s19071733" in source
    assert source.endswith("T2 (table 2).")
