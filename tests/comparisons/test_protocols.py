"""What a protocol alone moves, on records whose predictions were changed by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.comparisons.between_arms import ArmComparisons, compare_arms
from harness.comparisons.missed_clips import hard_clips
from harness.comparisons.protocols import ProtocolEffect, protocol_effects
from harness.comparisons.scores import score_study
from harness.record import StudyRecord
from harness.statistics.against_published import against_published
from harness.study import ProtocolSection, recorded_document
from tests.records import build_record, restudied, with_arm

STRICT, SHUFFLED, CHOSEN = "LMC", "LMC random-clip", "LMC best-on-test"
SETS: dict[str, dict[str, Any]] = {
    STRICT: {},
    SHUFFLED: {"protocol.split": "random-clip"},
    CHOSEN: {"protocol.epoch_rule": "best-on-test"},
}


def record_of(sets: dict[str, dict[str, Any]] = SETS, **changes: Any) -> StudyRecord:
    """Return a record of one network under the protocols of ``sets``, the shuffled ones with their clips in other
    folds."""
    trained = [(name, "su4", "LMC", 1.0 + 0.2 * position) for position, name in enumerate(sets)]
    record = build_record(trained=trained, fused=None, **changes)
    for name, values in sets.items():
        record = with_arm(record, name, set=values)
    predictions = record.predictions.copy()
    for name, values in sets.items():
        if "random" in str(values.get("protocol.split")):
            own = predictions["arm"] == name
            ids = sorted(predictions.loc[own, "clip_id"].unique())
            cut = dict(zip(ids, np.random.default_rng(1).permutation(len(ids)) % 5 + 1, strict=True))
            predictions.loc[own, "fold"] = predictions.loc[own, "clip_id"].map(cut)
    return replace(record, predictions=predictions)


def effects_of(record: StudyRecord) -> tuple[tuple[ProtocolEffect, ...], ArmComparisons]:
    scores = score_study(record)
    arms = compare_arms(record, scores)
    return protocol_effects(record, scores, arms), arms


def test_every_protocol_of_a_network_is_set_against_the_strict_one() -> None:
    record = record_of(dict(reversed(SETS.items())))
    effects, _ = effects_of(record)
    assert [(each.network, each.arm) for each in effects] == [(STRICT, STRICT), (STRICT, CHOSEN), (STRICT, SHUFFLED)]
    strict, chosen, shuffled = effects
    assert strict.is_reference
    assert (strict.shift, strict.p, strict.paired) == (None, None, None)
    assert (chosen.split, chosen.epoch_rule, chosen.paired) == ("official", "best-on-test", True)
    assert (shuffled.split, shuffled.epoch_rule, shuffled.paired) == ("random-clip", "fixed", False)
    for each in (chosen, shuffled):
        assert each.shift == pytest.approx(each.mean - strict.mean)
        assert each.low < each.shift < each.high  # type: ignore[operator]


def test_one_protocol_has_no_effects() -> None:
    assert effects_of(build_record())[0] == ()


def test_networks_that_differ_in_more_than_the_protocol_are_not_set_against_each_other() -> None:
    sets = {STRICT: {}, "other rate": {"protocol.split": "random-clip", "train.lr": 0.1}}
    assert effects_of(record_of(sets))[0] == ()


def test_arms_split_differently_are_two_sets_of_folds() -> None:
    record = record_of()
    _, arms = effects_of(record)
    (each,) = (pair for pair in arms.contrasts if {pair.first, pair.second} == {STRICT, SHUFFLED})
    assert each.folds == {}
    assert each.test is each.equivalence is None
    assert each.further == {}
    scores = score_study(record).folds
    left, right = (100 * scores[scores["arm"] == arm].set_index("fold")["macro_accuracy"] for arm in (STRICT, SHUFFLED))
    expected = against_published(
        dict(left), right.mean(), right.std(ddof=1), 5, ratio=1 / 3, published_ratio=1 / 3, confidence=0.95
    )
    assert each.unpaired == expected
    assert each.p == expected.p
    assert each.p_equivalence == expected.equivalence_p(2.0)
    assert each.mean == pytest.approx(left.mean() - right.mean())
    assert each.decision.verdict.value != "not comparable"


def test_clips_are_paired_whatever_fold_they_lie_in() -> None:
    record = record_of(n_seeds=1)
    same = record.predictions[record.predictions["arm"] == STRICT]
    moved = same.assign(arm=SHUFFLED, fold=same["fold"] % 5 + 1)
    others = record.predictions[record.predictions["arm"] == CHOSEN]
    record = replace(record, predictions=type(same)(np.concatenate([same, moved, others]), columns=same.columns))
    record = replace(record, predictions=record.predictions.infer_objects())
    _, arms = effects_of(record)
    (each,) = (pair for pair in arms.contrasts if {pair.first, pair.second} == {STRICT, SHUFFLED})
    assert each.mcnemar is not None
    assert (each.mcnemar.only_first, each.mcnemar.only_second) == (0, 0)
    assert each.bootstrap is not None
    assert (each.bootstrap.low, each.bootstrap.high) == (0, 0)
    assert hard_clips(record).n_clips == same["clip_id"].nunique()


def test_a_fused_arm_has_the_protocol_of_its_streams() -> None:
    record = build_record()
    arms = [
        arm if arm.get("fuse") else {**arm, "set": {"protocol.split": "random-clip"}}
        for arm in recorded_document(record.spec)["arms"]
    ]
    record = restudied(record, arms=arms)
    assert record.protocol("TSCNN-DS") == ProtocolSection(split="random-clip")
    assert len(record.protocols) == 1
