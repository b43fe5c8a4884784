"""Which conditions differ, and in which order they are told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.record import NO_CHECKOUT
from harness.replay.training_conditions import (
    Difference,
    differences,
    is_numeric_package,
    leaves,
    run_conditions,
    short,
)

FACTS: dict[str, Any] = {
    "harness": "0.1.0",
    "python": {"version": "3.11.9", "implementation": "CPython"},
    "packages": {"numpy": "2.1.0", "torch": "2.11.0", "rich": "13.9"},
    "hardware": {"cpu": "a processor", "gpus": [{"name": "a GPU", "memory_bytes": 1}], "memory_bytes": 2},
    "platform": "Linux-6",
    "git": {"commit": "c" * 40, "dirty": True, "untracked": ["new.py"], "diff_digest": "d" * 64},
    "command": "harness run-study tiny.toml --workers 3",
}
NAMES = st.sampled_from(["device", "package a", "package b", "setting x", "setting y", "python"])
SIDES = st.dictionaries(NAMES, st.sampled_from(["1", "2"]))


def test_what_an_environment_says() -> None:
    assert run_conditions(FACTS) == {
        "code commit": "c" * 40,
        "uncommitted changes": f"diff {'d' * 64}; new files new.py",
        "harness": "0.1.0",
        "python": "CPython 3.11.9",
        "processor": "a processor",
        "GPUs": "a GPU",
        "operating system": "Linux-6",
        "workers": "3",
        "package numpy": "2.1.0",
        "package torch": "2.11.0",
        "package rich": "13.9",
    }


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({"git": {"commit": "c", "dirty": False}}, "uncommitted changes", "none"),
        ({"git": {"commit": "c", "dirty": True}}, "uncommitted changes", "some"),
        ({"git": {"commit": "", "dirty": True}}, "uncommitted changes", None),
        # An older record: nothing was known, or there was nothing.
        ({"git": {"commit": "", "dirty": False}}, "code commit", None),
        ({"git": {"commit": "", "dirty": False, "unknown": ""}}, "code commit", NO_CHECKOUT),
        ({"git": {"commit": "", "dirty": False, "unknown": ""}}, "uncommitted changes", None),
        ({"git": {"commit": None, "dirty": None, "unknown": "no git"}}, "code commit", "unknown (no git)"),
        ({"git": {"commit": None, "dirty": None, "unknown": "no git"}}, "uncommitted changes", "unknown (no git)"),
        ({"git": {"commit": "c", "dirty": None, "unknown": "slow"}}, "code commit", "c"),
        ({"git": {"commit": "c", "dirty": None, "unknown": "slow"}}, "uncommitted changes", "unknown (slow)"),
        ({"hardware": {"cpu": "p", "gpus": []}}, "GPUs", "none"),
        ({"hardware": {}}, "GPUs", None),
        ({"command": "harness run-study --workers=12 a.toml"}, "workers", "12"),
        ({"command": "harness run-study a.toml"}, "workers", None),
        ({"python": {}}, "python", None),
    ],
)
def test_what_is_not_told_is_left_out(changes: dict[str, Any], name: str, value: str | None) -> None:
    assert run_conditions({**FACTS, **changes}).get(name) == value


def test_code_that_nobody_knows_is_a_difference_to_a_known_commit() -> None:
    unknown = {**FACTS, "git": {"commit": None, "dirty": None, "unknown": "git is not installed"}}
    found = differences(run_conditions(unknown), run_conditions(FACTS))
    assert [(each.name, each.before) for each in found] == [
        ("code commit", "unknown (git is not installed)"),
        ("uncommitted changes", "unknown (git is not installed)"),
    ]


def test_nothing_is_known_of_an_empty_environment() -> None:
    assert run_conditions({}) == {}


def test_what_computes_is_told_before_other_packages() -> None:
    before = {"package rich": "1", "package numpy": "1", "package torch": "1", "device": "p", "package zlib": "1"}
    after = dict.fromkeys(before, "2")
    names = [each.name for each in differences(before, after)]
    assert names == ["device", "package torch", "package numpy", "package rich", "package zlib"]
    assert [is_numeric_package(name) for name in names] == [False, True, True, False, False]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"package a": "1", "package b": "1"}, {"package a": "1"}, [("package b", "1", "not installed")]),
        ({"package a": "1"}, {"package a": "1", "package b": "1"}, [("package b", "not installed", "1")]),
        ({"setting x": "1"}, {"setting x": "1", "setting y": "0"}, [("setting y", "not known", "0")]),
        ({"package a": "1"}, {}, []),
        ({}, {"setting x": "1"}, []),
        ({"device": "p"}, {}, []),
        ({"device": "p"}, {"device": "q"}, [("device", "p", "q")]),
    ],
)
def test_what_only_one_side_knows(
    before: dict[str, str], after: dict[str, str], found: list[tuple[str, str, str]]
) -> None:
    assert differences(before, after) == tuple(Difference(*each) for each in found)


@given(SIDES)
def test_nothing_differs_from_itself(side: dict[str, str]) -> None:
    assert differences(side, dict(reversed(side.items()))) == ()


@given(SIDES, SIDES)
def test_the_two_sides_may_change_places(before: dict[str, str], after: dict[str, str]) -> None:
    forth = {(each.name, each.before, each.after) for each in differences(before, after)}
    back = {(each.name, each.after, each.before) for each in differences(after, before)}
    assert forth == back
    assert {name for name in before if name in after and before[name] != after[name]} <= {each[0] for each in forth}


def test_the_fields_of_a_study_by_dotted_name() -> None:
    tree = {"train": {"lr": 0.1, "milestones": [1, 2]}, "arms": [{"name": "A", "set": {"train.lr": 1}}], "compare": []}
    assert leaves(tree) == {
        "train.lr": "0.1",
        "train.milestones": "[1, 2]",
        "arms.A.name": "A",
        "arms.A.set.train.lr": "1",
        "compare": "[]",
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("c" * 40, "c" * 12),
        (f"diff {'d' * 64}; new files a.py, b.py", f"diff {'d' * 12}; new files a.py, b.py"),
        ("new files a, b, c, d, e, f", "new files a, b, c, d, 2 more"),
        ("2.11.0+cu130", "2.11.0+cu130"),
        ("deadbeef", "deadbeef"),
    ],
)
def test_long_values_are_shown_by_their_beginning(value: str, shown: str) -> None:
    assert short(value) == shown
