"""Finding: one result of the audit of a paper, in words and in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.claims.paper import Source

Outcome = Literal["holds", "contradicts", "shows", "cannot be checked"]
"""holds: a statement agrees with the paper's other numbers. contradicts: it does not. shows: the numbers reveal what
the paper does not say. cannot be checked: the paper prints too little."""

Check = Literal[
    "average",
    "fold mean",
    "dispersion",
    "clip accuracy",
    "class fractions",
    "layers",
    "text",
    "headline fraction",
    "versions",
]


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes
    ----------
    check
        The check that found it.
    place
        Where in the paper: ``table/column``, with ``/class`` or ``/layer`` where it is about one cell.
    outcome
        What it says of the paper.
    sentence
        The finding in words; the reader sees its place as well.
    numbers
        Inputs and results of the computation; accuracies and standard deviations in percent. JSON data.
    """

    check: Check
    place: str
    outcome: Outcome
    sentence: str
    numbers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """The part of the place before the first slash: the table."""
        return self.place.partition("/")[0]


@dataclass(frozen=True)
class Audit:
    """All findings about one paper, check by check, in the order of its tables."""

    source: Source
    findings: tuple[Finding, ...]

    def of(self, *checks: Check, outcome: Outcome | None = None) -> list[Finding]:
        """Return the findings of ``checks`` (all when none is named), of one outcome where it is given."""
        return [
            finding
            for finding in self.findings
            if (not checks or finding.check in checks) and outcome in (None, finding.outcome)
        ]
