"""Protocol and findings: each sentence says what the numbers say, and nothing is said that was not found."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import pytest

from harness.comparisons.scores import score_study
from harness.record import StudyRecord
from harness.report.evidence import Evidence, gather
from harness.report.topics import opening
from harness.report.topics.claimed_accuracy import claim_note
from harness.report.topics.opening import protocol_sentences
from harness.statistics.verdict import Decision, Verdict
from tests.records import TRAINED, MakeRecord, holdout_record, restated, restudied, with_arm


def findings(evidence: Evidence) -> list[str]:
    return [each.text for each in opening.findings(evidence)]


def test_findings_name_each_claim_then_fusion_then_count_the_rest(us8k: Evidence) -> None:
    told = findings(us8k)
    assert len(told) == 4 + 2 + 1
    assert told[0].startswith("Lower: LMCNet ")
    assert "claimed 95.2 %" in told[0]
    assert "TSCNN-DS against LMCNet" in told[4]
    assert told[6].startswith("Of 4 other pairs of arms, ")


def test_nothing_compared_is_said(evidence: Evidence, small: StudyRecord) -> None:
    assert findings(evidence)[0] == "The study declares no comparison with a published number."
    assert findings(gather(small)) == ["The study declares no comparison with a published number."]


def test_a_comparison_of_arms_that_are_not_trained_is_not_denied(us8k: Evidence) -> None:
    """The first stage of a study need not train the arms that it compares with published numbers."""
    record = us8k.record
    first = record.spec.compare[0]
    rest = record.predictions[record.predictions["arm"] != first.arm]
    spec = record.spec.model_copy(update={"compare": (first,)})
    told = findings(gather(replace(record, predictions=rest, spec=spec)))
    assert told[0] == "No arm that the study compares with a published number has a tested fold."


def test_pairs_outside_the_family_are_no_finding(make_record: MakeRecord) -> None:
    evaluate = {"seeds": 2, "folds": None, "margin": 2.0, "contrasts": [["MLMC", "LMCNet"]]}
    told = findings(gather(make_record(evaluate=evaluate)))
    assert told[1].partition(": ")[2].startswith("MLMC against LMCNet")
    assert len(told) == 2


def test_a_single_pair_is_not_counted(us8k: Evidence) -> None:
    pair = dataclasses.replace(us8k.arms.contrasts[0], first="A", second="B")
    told = {
        verdict: opening._counted([dataclasses.replace(pair, decision=Decision(verdict, ""))], "other pair")
        for verdict in (Verdict.INCONCLUSIVE, Verdict.LOWER)
    }
    assert told[Verdict.INCONCLUSIVE] == "The other pair of arms is inconclusive."
    assert told[Verdict.LOWER] == "The other pair of arms differs significantly (B above A)."


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
            f"Inconclusive: {undecided} pairs of arms, whose differences are not significant and whose equivalence "
            "within ±2 points is not shown: "
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
        "Of 4 pairs of arms, 2 differ significantly, 1 is equivalent within the margin, 1 is inconclusive "
        "(a above 0; 1 above a)."
    )


def test_a_reference_is_never_called_replicated(make_record: MakeRecord) -> None:
    record = make_record(compare=[("piczak2015cnn:ESC-10/CNN", "LMCNet")])
    evidence = gather(restated(record, "piczak2015cnn", tuning="none"))
    assert "reference (another system) 80.25 %" in findings(evidence)[0]
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
        assert claim_note(evidence, changed[0])[0] == heading


def test_the_role_of_each_fold_is_drawn(make_record: MakeRecord) -> None:
    names, rows = opening.fold_roles(make_record(dataset="urbansound8k", folds=(1, 2, 10)))
    assert names == tuple(f"fold {fold}" for fold in range(1, 11))
    unused = ("",) * 7
    assert rows == {
        "test 1": ("test", "validate", *unused, "train"),
        "test 2": ("train", "test", *unused, "validate"),
        "test 10": ("validate", "train", *unused, "test"),
    }
    names, rows = opening.fold_roles(holdout_record())
    assert dict(zip(names, rows[""], strict=True)) == {"train": "train", "validation": "validate", "test": "test"}
    figure = opening.folds_figure(names, rows)
    assert figure is not None
    assert len(figure.axes[0].patches) == 3
    assert opening.folds_figure([str(fold) for fold in range(51)], rows) is None


@pytest.mark.parametrize(
    ("declared", "said", "marked"),
    [
        ({}, "Stated hyperparameters were chosen on data that the study does not state.", False),
        ({"tuned_on": "none", "tuned_by": "the paper's"}, "were not tuned on any data: the paper's.", False),
        ({"tuned_on": "other data"}, "were tuned on other data.", False),
        ({"tuned_on": "reported folds", "tuned_by": "by hand"}, "on the reported folds: by hand.", True),
    ],
)
def test_what_values_were_tuned_on_is_printed(
    make_record: MakeRecord, declared: dict[str, Any], said: str, marked: bool
) -> None:
    record = restudied(make_record(trained=TRAINED[:1], fused=None, n_seeds=1), train=declared)
    assert said in " ".join(protocol_sentences(record, score_study(record)))
    marks = " ".join(gather(record).marks)
    assert ("Tuned on the reported folds" in marks) == marked


def test_arms_that_declare_for_themselves_are_named(make_record: MakeRecord) -> None:
    record = restudied(make_record(trained=TRAINED[:2], fused=None, n_seeds=1), train={"tuned_on": "none"})
    record = with_arm(record, "MCNet", set={"train.tuned_on": "reported folds"})
    told = " ".join(protocol_sentences(record, score_study(record)))
    assert "Stated hyperparameters of LMCNet were not tuned on any data." in told
    assert "Stated hyperparameters of MCNet were tuned on the reported folds." in told


def test_an_arm_with_its_own_number_of_seeds_is_named(record: StudyRecord) -> None:
    table = record.predictions
    kept = table[~(table["arm"].isin(["LMCNet", "TSCNN-DS"]) & (table["seed"] == 1))]
    fewer = dataclasses.replace(with_arm(record, "LMCNet", seeds=1), predictions=kept)
    sentences = protocol_sentences(fewer, score_study(fewer))
    assert any("with 1 to 2 seeds (see the table of accuracies)" in sentence for sentence in sentences)
