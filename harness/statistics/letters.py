"""Groups of systems of which no two are shown to differ: the letters of a compact letter display.

Two systems share a group exactly if they are not shown to differ, and no group is part of another one. The groups are
found by inserting the pairs that differ one after another (Piepho 2004, "An algorithm for a letter-based representation
of all-pairwise comparisons", Journal of Computational and Graphical Statistics 13).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import ascii_lowercase

from harness.errors import StatisticsError

MOST_GROUPS = 100
"""More groups cannot be read as letters; contradictory differences could need exponentially many."""


def letter_groups(names: Sequence[str], differ: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Return the groups, each in the order of ``names``, sorted by their first members; () beyond :data:`MOST_GROUPS`.

    Parameters
    ----------
    names : sequence of str
        The systems, the best first.
    differ : iterable of (str, str)
        Pairs that are shown to differ.

    Raises
    ------
    StatisticsError
        When a name is given twice, or a pair names an unknown system or the same one twice.

    Examples
    --------
    >>> letter_groups(["a", "b", "c"], [("a", "c")])
    (('a', 'b'), ('b', 'c'))
    """
    position = {name: number for number, name in enumerate(names)}
    if len(position) < len(names):
        raise StatisticsError("names must be different from each other")
    groups = [frozenset(range(len(names)))]
    for first, second in differ:
        if first not in position or second not in position or first == second:
            raise StatisticsError(f"({first!r}, {second!r}) must be two of {', '.join(names)}")
        one, other = position[first], position[second]
        apart = [group for group in groups if not {one, other} <= group]
        split = {part for group in groups if {one, other} <= group for part in (group - {one}, group - {other})}
        kept = [part for part in split if not any(part < each for each in split) and not any(map(part.__le__, apart))]
        groups = apart + kept
        if len(groups) > MOST_GROUPS:
            return ()
    found = sorted(tuple(sorted(group)) for group in groups if group)
    return tuple(tuple(names[number] for number in group) for group in found)


def letter(number: int) -> str:
    """Return the letter of the group ``number``, counted from 0: a .. z, then a1, b1, ..."""
    repeats, position = divmod(number, len(ascii_lowercase))
    return ascii_lowercase[position] + (str(repeats) if repeats else "")


def letters_of(name: str, groups: Sequence[Sequence[str]]) -> str:
    """Return the letters of the groups that ``name`` is in."""
    return "".join(letter(number) for number, group in enumerate(groups) if name in group)
