"""Generated sentences: each says what the numbers say, and nothing is said that was not found."""

from __future__ import annotations

import dataclasses

import pytest

from harness.record import StudyRecord
from harness.report.conclusions import claim_note, cochran_sentence, findings, sources
from harness.report.evidence import Evidence, gather
from harness.statistics.clip_tests import CochranQ
from harness.statistics.power import FoldsNeeded
from harness.statistics.verdict import Decision, Verdict
from tests.records import MakeRecord, restated, with_fold_sd


def note(evidence: Evidence, **changes: object) -> str:
    heading, text = claim_note(evidence, dataclasses.replace(evidence.claims[0], **changes))  # type: ignore[arg-type]
    return f"{heading} {text}"


def test_findings_name_each_claim_then_fusion_then_count_the_rest(us8k: Evidence) -> None:
    told = findings(us8k)
    assert len(told) == 4 + 2 + 1
    assert told[0].startswith("Lower: LMCNet, ")
    assert "against the published 95.2 %" in told[0]
    assert "TSCNN-DS against LMCNet" in told[4]
    assert told[6].startswith("Of 4 other pairs of arms, ")


def test_nothing_compared_is_said(evidence: Evidence, small: StudyRecord) -> None:
    assert findings(evidence)[0] == "The study names no published number to compare with."
    assert findings(gather(small)) == ["The study names no published number to compare with."]


def test_pairs_outside_the_family_are_counted_without_a_verdict(make_record: MakeRecord) -> None:
    evaluate = {"seeds": 2, "folds": None, "margin": 2.0, "contrasts": [["MLMC", "LMCNet"]]}
    told = findings(gather(make_record(evaluate=evaluate)))
    assert told[1].partition(": ")[2].startswith("MLMC against LMCNet")
    assert told[2] == "5 more pairs of arms stand without a verdict: the study did not declare them."
    assert len(told) == 3


def test_many_undecided_pairs_stand_in_one_sentence_after_those_that_were_decided(make_record: MakeRecord) -> None:
    pairs = [["MLMC", "LMCNet"], ["MCNet", "LMCNet"], ["TSCNN-DS", "LMCNet"], ["TSCNN-DS", "MCNet"], ["MCNet", "MLMC"]]
    evidence = gather(make_record(evaluate={"seeds": 2, "folds": None, "margin": 2.0, "contrasts": pairs}))
    family = [each for each in evidence.arms.contrasts if each.in_family]
    assert len(family) == 5
    for undecided in (3, 4, 5):
        changed = [
            dataclasses.replace(
                each,
                p_adjusted=0.5 if place < undecided else 0.01,
                p_equivalence_adjusted=0.25,
                decision=Decision(Verdict.INCONCLUSIVE if place < undecided else Verdict.HIGHER, f"pair {place}"),
            )
            for place, each in enumerate(family)
        ]
        arms = dataclasses.replace(evidence.arms, contrasts=tuple(changed))
        told = findings(dataclasses.replace(evidence, arms=arms))[len(evidence.claims) or 1 :]
        decided = [f"Higher: pair {place}" for place in range(undecided, 5)]
        if undecided == 3:
            assert told == [f"Inconclusive: pair {place}" for place in range(3)] + decided
            continue
        assert told[:-1] == decided
        assert told[-1].startswith(
            f"Inconclusive: {undecided} pairs of arms, neither told apart from chance nor shown to lie "
            "within ±2 points: "
        )
        for each in changed[:undecided]:
            sign = "−" if each.mean < 0 else "+"
            assert f"{each.first} against {each.second} {sign}{abs(each.mean):.2f} (p 0.500)" in told[-1]


def test_the_rest_is_counted_by_verdict(evidence: Evidence) -> None:
    verdicts = [Verdict.HIGHER, Verdict.LOWER, Verdict.CONSISTENT, Verdict.INCONCLUSIVE]
    contrasts = tuple(
        dataclasses.replace(each, decision=Decision(verdict, "r"), first="a", second=str(place))
        for place, (each, verdict) in enumerate(zip(evidence.arms.contrasts, verdicts, strict=False))
    )
    arms = dataclasses.replace(evidence.arms, contrasts=contrasts)
    assert findings(dataclasses.replace(evidence, arms=arms))[-1] == (
        "Of 4 pairs of arms, 2 differ beyond chance, 1 is shown to be equivalent, 1 stays undecided "
        "(a above 0; 1 above a)."
    )


def test_a_note_says_what_the_verdict_rests_on(us8k: Evidence) -> None:
    text = note(us8k)
    assert text.startswith("LMCNet and su2019:T2/LMCNet: lower.")
    assert "macro accuracy, 10 folds × 1 seed" in text
    assert "n_test / n_train = 0.125" in text
    assert "The SD that the source gives is not used: " in text
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
        (FoldsNeeded(21, 40, ""), 3, ["21 such folds", "±2 points, 40 such folds", "3 seeds a fold"]),
        (FoldsNeeded(None, None, "far too close"), None, ["Out of reach: far too close."]),
        (FoldsNeeded(21, None, "not smaller"), None, ["21 such folds.", "Out of reach: not smaller."]),
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


def test_a_reference_is_never_called_replicated(make_record: MakeRecord) -> None:
    record = make_record(compare=[("piczak2015cnn:ESC-10/CNN", "LMCNet")])
    evidence = gather(restated(record, "piczak2015cnn", tuning="none"))
    assert "against the reference (another system) of 80.25 %" in findings(evidence)[0]
    for verdict, words in (
        (Verdict.HIGHER, "higher than the reference"),
        (Verdict.LOWER, "lower than the reference"),
        (Verdict.CONSISTENT, "consistent with the reference"),
        (Verdict.INCONCLUSIVE, "inconclusive"),
    ):
        decision = Decision(verdict, "r")
        changed = (dataclasses.replace(evidence.claims[0], decision=decision),)
        assert findings(dataclasses.replace(evidence, claims=changed))[0] == f"{words.capitalize()}: r"
        heading = f"LMCNet and piczak2015cnn:ESC-10/CNN (reference): {words}."
        assert note(evidence, decision=decision).startswith(heading)


def test_each_paper_is_cited_once(us8k: Evidence) -> None:
    (source,) = sources(us8k)
    assert "doi:10.3390/s19071733" in source
    assert source.endswith("T2 (table 2).")


def test_cochrans_q_in_a_sentence(evidence: Evidence, small: StudyRecord) -> None:
    assert cochran_sentence(gather(small)) == ""
    text = cochran_sentence(evidence)
    assert "for the 3 trained arms (LMCNet, MCNet, MLMC; first seed)" in text
    assert "with 2 degrees of freedom, p <0.001;" in text
    other = dataclasses.replace(evidence.arms, cochran=CochranQ(1.0, 1, 0.3173))
    assert "with 1 degree of freedom, p = 0.317;" in cochran_sentence(dataclasses.replace(evidence, arms=other))
