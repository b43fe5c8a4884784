"""Compact letter displays: exactly the pairs that do not differ share a letter, and no group is part of another."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import StatisticsError
from harness.statistics.letters import MOST_GROUPS, letter, letter_groups, letters_of

NAMES = tuple("abcdefg")


@settings(deadline=None)
@given(st.integers(1, 7), st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES))))
def test_the_groups_are_the_largest_sets_without_a_pair_that_differs(n: int, drawn: set[tuple[str, str]]) -> None:
    names = NAMES[:n]
    differ = [(one, other) for one, other in drawn if one != other and {one, other} <= {*names}]
    apart = {frozenset(pair) for pair in differ}
    alike = [
        set(group)
        for size in range(1, n + 1)
        for group in combinations(names, size)
        if not any(frozenset(pair) in apart for pair in combinations(group, 2))
    ]
    largest = [group for group in alike if not any(group < other for other in alike)]
    found = letter_groups(names, differ)
    assert sorted(found) == sorted(tuple(sorted(group)) for group in largest)


def test_pairs_that_do_not_differ_share_a_letter_although_others_between_them_do() -> None:
    differ = [("1", "7"), ("1", "8"), ("2", "4"), ("2", "5"), ("3", "5")]
    groups = letter_groups("12345678", differ)
    shared = {pair for group in groups for pair in combinations(group, 2)}
    assert shared == {*combinations("12345678", 2)} - {*differ}


def test_letters() -> None:
    groups = letter_groups(["x", "y", "z"], [("x", "z")])
    assert [letters_of(name, groups) for name in "xyz"] == ["a", "ab", "b"]
    assert [letter(number) for number in (0, 25, 26, 53)] == ["a", "z", "a1", "b2"]


def test_contradictory_differences_end() -> None:
    # Pairs 0-1, 2-3, ...: as many groups as there are choices of one system of each.
    names = [str(number) for number in range(40)]
    assert letter_groups(names, zip(names[::2], names[1::2], strict=True)) == ()
    few = 2 * (MOST_GROUPS.bit_length() - 1)
    assert len(letter_groups(names[:few], zip(names[:few:2], names[1:few:2], strict=True))) == 2 ** (few // 2)


def test_faulty_input_is_refused() -> None:
    with pytest.raises(StatisticsError, match="different from each other"):
        letter_groups(["a", "a"], [])
    with pytest.raises(StatisticsError, match="must be two of a, b"):
        letter_groups(["a", "b"], [("a", "c")])
