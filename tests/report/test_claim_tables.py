"""The main table, its complement, and classes claimed beside measured."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.record import StudyRecord
from harness.report.claim_tables import claim_tables, claimed_class_tables, sample_size
from harness.report.evidence import Evidence, gather
from harness.report.table import Table
from harness.statistics.family import holm
from harness.statistics.verdict import Decision, Verdict
from harness.text.decimals import decimals
from tests.records import MakeRecord, restated, restudied, us8k_record, with_fold_sd


def rows(table: Table) -> list[dict[str, Any]]:
    names = [" ".join(header).strip() for header in table.printed.columns]
    return [dict(zip(names, row, strict=True)) for row in table.printed.to_numpy().tolist()]


def macro_percents(record: StudyRecord, arm: str) -> list[float]:
    table = record.predictions[record.predictions["arm"] == arm]
    right = table.filter(regex="^p_").to_numpy().argmax(axis=1) == table["y_true"].to_numpy()
    by_class = table.assign(right=right).groupby(["fold", "seed", "y_true"])["right"].mean()
    return list(100 * by_class.groupby(["fold", "seed"]).mean().groupby("fold").mean())


def test_nothing_compared_has_no_table(evidence: Evidence) -> None:
    assert claim_tables(evidence) == []
    assert claimed_class_tables(evidence) == []


def test_the_main_table_against_a_count_by_hand(us8k: Evidence) -> None:
    main, _ = claim_tables(us8k)
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
    data = claim_tables(us8k)[0].data
    raw = data["p_equivalence"].tolist()
    assert data["p_equivalence_holm"].tolist() == pytest.approx(holm(raw))
    assert data["p_holm"].tolist() == pytest.approx(holm(data["p"].tolist()))
    assert "family of 4 tested claims" in claim_tables(us8k)[0].caption
    told = {"p": 0.011, "p_adjusted": 0.022, "p_equivalence": 0.033, "p_equivalence_adjusted": 0.044}
    one = dataclasses.replace(us8k, claims=(dataclasses.replace(us8k.claims[0], **told),))
    assert claim_tables(one)[0].printed.iloc[0, 7:11].tolist() == ["0.011", "0.022", "0.033", "0.044"]


def test_captions_say_what_every_spread_is_over(us8k: Evidence) -> None:
    main, complement = claim_tables(us8k)
    assert "SD: over folds (ddof 1), seeds averaged first; n = 10 folds × 1 seed" in main.caption
    assert "95 %, of the measured mean over folds, corrected" in main.caption
    assert "within ±2 points" in main.caption
    assert "whole recordings resampled" in complement.caption
    assert "for contrast only" in complement.caption
    assert "±" not in main.caption.replace("±2 points", "")


def test_the_complement_holds_other_intervals_and_tests(us8k: Evidence) -> None:
    first, each = rows(claim_tables(us8k)[1])[0], us8k.claims[0]
    assert each.bootstrap is not None
    assert first["Interval recordings"] == f"{each.bootstrap.low:.1f} to {each.bootstrap.high:.1f}"
    assert "Interval prediction" not in first, "the paper's SD is not over folds"
    assert first["Wilcoxon p least"] == "0.002"
    data = claim_tables(us8k)[1].data
    assert (data["uncorrected_p"] < claim_tables(us8k)[0].data["p"]).all()


def test_a_verified_sd_is_shown_and_used(make_record: MakeRecord) -> None:
    record = make_record(compare=[("piczak2015cnn:ESC-10/CNN", "LMCNet")])
    evidence = gather(restated(with_fold_sd(record), "piczak2015cnn", role="claim"))
    main, complement = claim_tables(evidence)
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
    main, complement = claim_tables(found_higher(gather(with_fold_sd(record))))
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
    main, _ = claim_tables(found_higher(gather(with_fold_sd(record))))
    assert rows(main)[0]["Claim"] == "piczak2015cnn:ESC-10/CNN"
    assert rows(main)[0]["Verdict"] == "higher"
    assert "eference" not in main.caption


def test_class_accuracies_of_a_reference_are_headed_so(us8k: Evidence) -> None:
    first = dataclasses.replace(us8k.claims[0], read_as="reference")
    (table,) = claimed_class_tables(dataclasses.replace(us8k, claims=(first, us8k.claims[1])))
    assert [header for _, header in table.printed.columns] == ["Class", "Reference", "Measured", "Claimed", "Measured"]
    assert "LMCNet su2019:T2/LMCNet (reference)" in table.caption


def test_what_cannot_be_compared_has_no_p(make_record: MakeRecord) -> None:
    evidence = gather(make_record(compare=[("su2019:T2/MLMC", "MLMC")]))
    (row,) = rows(claim_tables(evidence)[0])
    assert row["Verdict"] == "not comparable"
    assert [row[name] for name in ("t-test p raw", "t-test p Holm", "TOST p raw")] == ["–"] * 3
    assert "No claim could be tested." in claim_tables(evidence)[0].caption


def test_different_estimands_are_named(make_record: MakeRecord) -> None:
    compare = [("piczak2015cnn:ESC-10/CNN", "LMCNet"), ("su2019:T2/MLMC", "MLMC")]
    main, _ = claim_tables(gather(make_record(compare=compare)))
    assert [row["Arm"] for row in rows(main)] == ["LMCNet (clip)", "MLMC (macro)"]


def test_classes_in_the_shape_of_table_2(us8k: Evidence) -> None:
    (table,) = claimed_class_tables(us8k)
    assert list(table.printed.columns[:3]) == [("", "Class"), ("LMCNet", "Claimed"), ("LMCNet", "Measured")]
    assert len(table.printed.columns) == 9
    assert table.printed.iloc[:, 0].tolist() == [*us8k.record.classes, "Average"]
    # Table 2 of the paper, last column.
    printed = ["99.9", "94.2", "97.5", "95.3", "97.2", "99.6", "95.4", "97.1", "98.9", "96.9", "97.2"]
    assert table.printed["TSCNN-DS", "Claimed"].tolist() == printed
    measured = table.data["su2019:T2/TSCNN-DS TSCNN-DS: measured"]
    assert measured.iloc[-1] == pytest.approx(np.mean(macro_percents(us8k.record, "TSCNN-DS")))


def test_more_claims_than_fit_continue_and_an_arm_compared_twice_is_told_apart() -> None:
    compare = [("su2019:T2/LMCNet", "LMCNet"), ("su2019:T4/LMCNet", "LMCNet"), ("su2019:T5/LMCNet", "LMCNet")]
    compare += [("su2019:T2/MLMC", "MLMC"), ("su2019:T2/TSCNN-DS", "TSCNN-DS")]
    evidence = gather(us8k_record(compare=compare, clips_per_class=2))
    pages = claimed_class_tables(evidence)
    assert [page.name for page in pages] == ["claimed-classes", "claimed-classes-2"]
    groups = list(dict.fromkeys(group for group, _ in pages[0].printed.columns))
    assert groups == ["", *(f"LMCNet, su2019:T{table}/LMCNet" for table in (2, 4, 5)), "MLMC"]


def test_sample_size_gives_ranges(us8k: Evidence) -> None:
    fewer = dataclasses.replace(us8k.claims[0], folds={1: 50.0, 2: 51.0}, n_seeds=(1, 3))
    assert sample_size([fewer, us8k.claims[1]]) == "n = 2–10 folds × 1–3 seeds"
