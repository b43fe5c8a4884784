"""A study is found again by what decides its trainings, and by nothing else."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from harness.study import DECLARATIONS, Arm, load_study, read_recorded
from harness.study.study_file import parse_study
from harness.tracking.digests import (
    EXTENT,
    arms_agree,
    changed_declarations,
    core_digest,
    document_digest,
    search_digest,
    spec_digest,
)

STUDIES = Path(__file__).parents[2] / "studies"
INPUTS = {"data": "0" * 64, "features.LMC": "1" * 64}


@pytest.fixture
def resolved() -> dict[str, Any]:
    spec = load_study(STUDIES / "su2019-urbansound8k.toml")
    found: dict[str, Any] = spec.model_dump(mode="json")
    assert document_digest(found, INPUTS) == spec_digest(spec, INPUTS)
    return found


def put(resolved: dict[str, Any], dotted: str, value: object) -> dict[str, Any]:
    other = copy.deepcopy(resolved)
    section, _, field = dotted.partition(".")
    if field:
        assert field in other[section]
        other[section][field] = value
    else:
        assert section in other
        other[section] = value
    return other


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return changed_declarations(*(read_recorded(each, "study.json", {}) for each in (before, after)))


def agree(resolved: dict[str, Any], arms: list[dict[str, Any]]) -> bool:
    before = read_recorded(resolved, "study.json", {})
    others = tuple(Arm.model_validate_json(json.dumps(arm)) for arm in arms)
    return arms_agree(before, before.model_copy(update={"arms": others}))


@pytest.mark.parametrize(
    ("dotted", "value"),
    [
        ("study.question", "another"), ("compare", []), ("evaluate.margin", 3.0), ("evaluate.contrasts", []),
        ("evaluate.confidence", 0.9), ("evaluate.claim_exact", True),
        ("train.tuned_on", "other data"), ("train.tuned_by", "hand"),
        ("tracking.uri", "sqlite:///elsewhere.db"), ("search.storage", "sqlite:///x.db"),
    ],
)  # fmt: skip
def test_what_changes_no_training_does_not_count(resolved: dict[str, Any], dotted: str, value: object) -> None:
    other = put(resolved, dotted, value)
    assert other != resolved
    assert document_digest(other, INPUTS) == document_digest(resolved, INPUTS)
    assert changed(resolved, other) == ([dotted] if dotted in DECLARATIONS else [])


@pytest.mark.parametrize(
    ("dotted", "value"),
    [
        ("study.seed", 1), ("study.name", "other"), ("train.epochs", 9), ("evaluate.seeds", 9), ("search.trials", 9),
        ("data.folds", [1, 2]), ("protocol.split", "random-clip"),
    ],
)  # fmt: skip
def test_what_changes_trainings_counts(resolved: dict[str, Any], dotted: str, value: object) -> None:
    assert document_digest(put(resolved, dotted, value), INPUTS) != document_digest(resolved, INPUTS)
    assert document_digest(resolved, INPUTS | {"data": "2" * 64}) != document_digest(resolved, INPUTS)


def test_one_trial_at_a_time_is_what_earlier_versions_did(resolved: dict[str, Any]) -> None:
    earlier = copy.deepcopy(resolved)
    assert earlier["search"].pop("parallel_trials") == 1
    assert document_digest(earlier, INPUTS) == document_digest(resolved, INPUTS)
    assert core_digest(earlier, "d") == core_digest(resolved, "d")
    for other in (put(resolved, "search.parallel_trials", 2), put(resolved, "search.parallel_trials", 3)):
        assert document_digest(other, INPUTS) != document_digest(resolved, INPUTS)
        assert core_digest(other, "d") != core_digest(resolved, "d")


def test_records_of_earlier_versions_are_told_by_their_own_digest(resolved: dict[str, Any]) -> None:
    other = put(resolved, "evaluate.margin", 3.0)
    assert document_digest(other, INPUTS, comparisons=True) != document_digest(resolved, INPUTS, comparisons=True)


@pytest.mark.parametrize(
    ("before", "after", "differs"),
    [
        # Studies of earlier versions do not say what a claim is compared as.
        ({}, {"as": "replication"}, False),
        ({"as": None}, {"as": "reference"}, False),
        ({"as": "reference"}, {}, False),
        ({"as": "reference"}, {"as": "reference"}, False),
        ({"as": "replication"}, {"as": "reference"}, True),
        ({}, {"as": "reference", "arm": "MCNet"}, True),
    ],
)
def test_what_a_claim_is_compared_as(
    resolved: dict[str, Any], before: dict[str, Any], after: dict[str, Any], differs: bool
) -> None:
    entry = {"claim": "a:b/c", "arm": "LMCNet"}
    first, second = (put(resolved, "compare", [{**entry, **more}]) for more in (before, after))
    assert changed(first, second) == (["compare"] if differs else [])
    assert changed(first, put(resolved, "compare", [])) == ["compare"]


def test_a_study_recorded_before_a_declaration_existed_goes_on(resolved: dict[str, Any]) -> None:
    earlier = copy.deepcopy(resolved)
    for dotted in ("evaluate.claim_exact", "train.tuned_on", "train.tuned_by"):
        section, _, field = dotted.partition(".")
        del earlier[section][field]
    assert document_digest(earlier, INPUTS) == document_digest(resolved, INPUTS)
    undeclared = put(put(resolved, "train.tuned_on", "not stated"), "train.tuned_by", "")
    assert changed(earlier, undeclared) == []
    assert changed(earlier, resolved) == ["train.tuned_by", "train.tuned_on"]


@pytest.mark.parametrize("dotted", ["arms", "evaluate.seeds"])
def test_arms_and_seeds_are_no_part_of_the_core(resolved: dict[str, Any], dotted: str) -> None:
    first, *others = resolved["arms"]
    other = put(resolved, dotted, {"arms": [{**first, "seeds": 7}, *others], "evaluate.seeds": 9}[dotted])
    assert core_digest(other, "d") == core_digest(resolved, "d")
    assert dotted in EXTENT
    assert changed(resolved, other) == [dotted]


@pytest.mark.parametrize(
    ("dotted", "value"), [("train.epochs", 9), ("search.trials", 9), ("evaluate.folds", [1]), ("study.seed", 1)]
)
def test_all_else_is(resolved: dict[str, Any], dotted: str, value: object) -> None:
    assert core_digest(put(resolved, dotted, value), "d") != core_digest(resolved, "d")
    assert core_digest(resolved, "other audio") != core_digest(resolved, "d")


def test_arms_agree_where_those_of_one_name_are_the_same(resolved: dict[str, Any]) -> None:
    first, *others = resolved["arms"]
    assert agree(resolved, others)
    assert agree(resolved, [{**first, "seeds": 7}])
    assert not agree(resolved, [{**first, "model": "su8"}])
    assert agree(resolved, [{**first, "name": "another", "model": "su8"}])


def test_a_search_is_known_by_its_arm_and_what_that_learns_from() -> None:
    def digest(arm: str = "LMCNet", inputs: dict[str, str] | None = None, **changes: Any) -> str:
        given = {**load_study(STUDIES / "su2019-urbansound8k.toml").model_dump(mode="json"), **changes}
        spec = parse_study(given, "changed.toml")
        return search_digest(spec, spec.arm(arm), inputs or {**INPUTS, "features.MC": "2" * 64})

    given = load_study(STUDIES / "su2019-urbansound8k.toml").model_dump(mode="json")
    first, *others = given["arms"]
    same = [
        digest(arms=[{**first, "seeds": 2}, *others]), digest(arms=[first], evaluate={"contrasts": []}, compare=[]),
        digest(arms=[*others[::-1], first]), digest(evaluate={**given["evaluate"], "seeds": 7, "margin": 1.0}),
        digest(inputs={**INPUTS, "features.MC": "3" * 64}),
    ]  # fmt: skip
    assert set(same) == {digest()}
    apart = [
        digest("MCNet"), digest(arms=[{**first, "set": {"train.batch_size": 4}}, *others]),
        digest(search={**given["search"], "trials": 5}), digest(train={**given["train"], "epochs": 4}),
        digest(inputs={**INPUTS, "features.LMC": "4" * 64}), digest(inputs={**INPUTS, "data": "4" * 64}),
    ]  # fmt: skip
    assert len({digest(), *apart}) == 1 + len(apart)
