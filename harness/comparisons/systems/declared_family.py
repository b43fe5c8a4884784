"""The declared family of a comparison: which pairs of systems are tested, and hence adjusted together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from harness.errors import ComparisonError
from harness.text.messages import near

MOST_PAIRS = 2_000
"""More pairs than 60 systems have take minutes, and Holm's correction leaves nothing significant."""


def family_of(names: Sequence[str], pairs: Sequence[tuple[str, str]], reference: str) -> list[tuple[str, str]]:
    """Return the pairs to test: those declared, every system against ``reference``, or every pair.

    Parameters
    ----------
    names : sequence of str
        The systems, the most accurate first.
    pairs : sequence of (str, str)
        Declared pairs; empty for none.
    reference : str
        The system that all others are compared with; empty for none.

    Raises
    ------
    ComparisonError
        When a name is unknown, a pair names one system twice, both are given, or there are too many pairs.
    """
    if pairs and reference:
        raise ComparisonError("--contrast and --reference each declare the family of tests; give one of them")
    if reference and reference not in names:
        raise ComparisonError(f"--reference {reference}: {_unknown(reference, names)}")
    for first, second in pairs:
        for name in (first, second):
            if name not in names:
                raise ComparisonError(f"--contrast {first} {second}: {_unknown(name, names)}")
        if first == second:
            raise ComparisonError(f"--contrast {first} {second}: name two different systems")
    if reference:
        return [(name, reference) for name in names if name != reference]
    found = [*dict.fromkeys(pairs)] or [*combinations(names, 2)]
    if len(found) > MOST_PAIRS:
        raise ComparisonError(
            f"{len(names)} systems make {len(found):,} pairs, {MOST_PAIRS:,} at most; declare the pairs to test with "
            "--contrast, or a system that all others are compared with by --reference"
        )
    return found


def _unknown(name: str, names: Sequence[str]) -> str:
    return f"there is no system {name!r}{near(name, names)}; there are: {', '.join(names)}"
