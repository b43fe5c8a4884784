"""The audit of every paper in one table: what its printed numbers agree with, and what cannot be told from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from harness.claims import NOT_STATED, Paper, claims_of
from harness.claims.audit.finding import Audit, Check, Finding
from harness.report.claims_site.figure import outcome_figure
from harness.report.report_section import Drawing, Items, Paragraph, Section, Table, grid
from harness.report.wording import NOTHING

OUTCOMES = {
    "holds": "consistent",
    "shows": "shows",
    "contradicts": "not consistent as printed",
    "cannot be checked": "cannot be told",
}
"""The outcome of a finding in words that say nothing of its cause."""

CAUTION = (
    "Every check uses printed numbers alone, and a printed number represents every number that rounds to it. "
    "Consistent does not mean right, and not consistent does not mean wrong: a number may be a mean of several "
    "trainings, or of other clips, or be mistyped, in the source or here. Most numbers cannot be checked."
)
CHECKS: dict[str, tuple[Check, ...]] = {
    "mean of folds": ("fold mean",),
    "mean of classes": ("average",),
    "fraction of clips": ("headline fraction",),
    "dispersion": ("dispersion",),
    "text and layers": ("text", "layers"),
}
"""What is counted by finding; class fractions are counted by class accuracy."""


@dataclass(frozen=True)
class Survey:
    """A paper with its audit."""

    paper: Paper
    audit: Audit

    @property
    def key(self) -> str:
        """Key of the claims file."""
        return self.paper.source.key

    def count(self, *checks: Check) -> tuple[int, int, int]:
        """Return how many findings of ``checks`` are consistent, are not, and in how many cases that cannot be told."""
        found = self.audit.of(*checks)
        holds = sum(one.outcome == "holds" for one in found)
        unknown = sum(one.outcome == "cannot be checked" for one in found)
        return holds, len(found) - holds - unknown, unknown

    def seen(self, field: str) -> tuple[int, int]:
        """Return in how many of the claims a condition of their table was seen, and the number of claims."""
        claims = list(claims_of(self.paper))
        return sum(getattr(claim.table, field) != NOT_STATED for claim in claims), len(claims)


def headline_sentences(audit: Audit) -> Iterator[str]:
    """Yield what the checks of headlines alone found, but what holds only as a count."""
    fractions = audit.of("headline fraction")
    for one in fractions:
        if one.outcome == "shows":
            yield f"{one.place}: {one.sentence}"
    holds = [one for one in fractions if one.outcome == "holds"]
    if holds:
        chance = max(one.numbers["chance"] for one in holds)
        verb = "is" if len(holds) == 1 else "are"
        yield (
            f"{_count(len(holds), 'headline')} {verb} consistent with a fraction of the tested clips; up to "
            f"{100 * chance:.0f} % of numbers with as many digits are."
        )
    unknown = sum(one.outcome == "cannot be checked" for one in fractions)
    if unknown:
        yield (
            f"Whether {_count(unknown, 'headline')} {'is a fraction' if unknown == 1 else 'are fractions'} of the "
            "tested clips cannot be told: every number of so few digits is."
        )
    yield from (one.sentence for one in audit.of("versions"))


def sections(surveys: Sequence[Survey]) -> list[Section]:
    """Return the sections of the page on all audits."""
    before = (Paragraph((CAUTION,)), Items(tuple(field_sentences(surveys))))
    return [
        Section("all", "Papers", before=before, tables=(table(surveys),), figures=(drawing(surveys),)),
        Section("findings", "Findings", tables=(findings_table(surveys),)),
    ]


def field_sentences(surveys: Sequence[Survey]) -> Iterator[str]:
    """Yield what the audits show of all papers together, with its numbers."""
    claims = [claim for one in surveys for claim in claims_of(one.paper)]
    n, sources = len(claims), len(surveys)
    split = sum(claim.table.split != NOT_STATED for claim in claims)
    epoch = sum(claim.table.epoch_rule != NOT_STATED for claim in claims)
    chosen = sum("on-test" in claim.table.epoch_rule for claim in claims)
    spread = sum(bool(claim.column.dispersion or len(claim.column.folds) > 1) for claim in claims)
    yield (
        f"{n} numbers of {sources} sources: the split was seen for {split}, what chose the tested epoch for {epoch}; "
        f"for {chosen} of these the test part chose it."
    )
    yield f"{spread} of {n} are printed with a dispersion or with their folds."
    folds = [one for each in surveys for one in each.audit.of("fold mean")]
    if folds:
        holds = sum(one.outcome == "holds" for one in folds)
        yield f"{holds} of {len(folds)} headlines printed with folds are the mean of their folds, within rounding."
    fractions = [one for each in surveys for one in each.audit.of("headline fraction")]
    tested = [one for one in fractions if one.outcome != "cannot be checked"]
    if tested:
        holds = sum(one.outcome == "holds" for one in tested)
        expected = sum(one.numbers["chance"] for one in tested)
        yield (
            f"{holds} of {len(tested)} headlines that can be checked are fractions of the tested clips, where "
            f"{expected:.0f} would be if their digits were arbitrary; the others may be means of several trainings. "
            f"For {len(fractions) - len(tested)} more this cannot be told from their few digits."
        )
    changed = [one for each in surveys for one in each.audit.of("versions")]
    if changed:
        low, high = (pick(one.numbers["difference"] for one in changed) for pick in (min, max))
        keys = [one.key for one in surveys if one.audit.of("versions")]
        yield (
            f"{_count(len(changed), 'number')} of {', '.join(keys)} differ between versions of a preprint, a "
            f"repository or its weights, by {low:.2g} to {high:.1f} points; the reasons were not seen."
        )


def table(surveys: Sequence[Survey]) -> Table:
    """Return the table with one row for each paper."""
    printed = grid(
        surveys,
        {
            "Paper": lambda one: one.key,
            ("Conditions seen", "Split"): lambda one: _of(one.seen("split")),
            ("Conditions seen", "Epoch rule"): lambda one: _of(one.seen("epoch_rule")),
            ("Headline", "Mean of folds"): lambda one: _counted(one.count("fold mean")),
            ("Headline", "Mean of classes"): lambda one: _counted(one.count("average")),
            ("Headline", "Fraction of clips"): lambda one: _counted(one.count("headline fraction")),
            ("Others", "Class fractions"): lambda one: _counted(_classes(one)),
            ("Others", "Dispersion"): lambda one: _counted(one.count("dispersion")),
            ("Others", "Text, layers"): lambda one: _counted(one.count("text", "layers")),
            ("Others", "Versions differ"): lambda one: str(len(one.audit.of("versions")) or NOTHING),
        },
    )
    data = pd.DataFrame([_row(one) for one in surveys])
    caption = (
        "Conditions seen: numbers whose split, or what chose their epoch, was seen, of all numbers of the paper. "
        "Checks: consistent / not consistent, or something else is shown / cannot be told. Mean of folds and mean of "
        "classes: the headline against the printed folds and classes, within rounding. Fraction of clips: headlines "
        "that k of n tested clips round to, where folds are of one size (GRIM test). Class fractions: the same for "
        "class accuracies. Versions differ: numbers that versions of the source print differently."
    )
    return Table("claims-audit", "Audit of all claims files", caption, printed, data)


def drawing(surveys: Sequence[Survey]) -> Drawing:
    """Return the drawing of how many findings of each check are consistent, are not, and cannot be told."""
    counts = {name: _total(one.count(*checks) for one in surveys) for name, checks in CHECKS.items()}
    counts["class fractions"] = _total(_classes(one) for one in surveys)
    caption = (
        f"Outcomes of each check over {len(surveys)} sources: the share that is consistent, is not consistent or shows "
        "something else, and cannot be told; the numbers are counts."
    )
    return Drawing("claims-audit", caption, lambda: outcome_figure(counts))


def _total(counts: Iterable[tuple[int, int, int]]) -> tuple[int, int, int]:
    holds, other, unknown = map(sum, zip(*counts, strict=True))
    return holds, other, unknown


def findings_table(surveys: Sequence[Survey]) -> Table:
    """Return the table of every finding that is neither consistent nor undecided, and of class accuracies by table."""
    found = [(one.key, finding) for one in surveys for finding in _told(one.audit)]
    printed = grid(
        found,
        {
            "Paper": lambda row: row[0],
            "Place": lambda row: row[1].place,
            "Check": lambda row: row[1].check,
            "Outcome": lambda row: OUTCOMES[row[1].outcome],
            "Finding": lambda row: row[1].sentence,
        },
    )
    data = pd.DataFrame(
        [(key, one.place, one.check, one.outcome, one.sentence) for key, one in found],
        columns=["paper", "place", "check", "outcome", "finding"],
    )
    caption = (
        "Every check whose outcome is not plainly consistent, of those that could be made; accuracies in percent, "
        "intervals from rounding."
    )
    return Table("claims-findings", "What the checks show", caption, printed, data, text_columns=5)


def _told(audit: Audit) -> list[Finding]:
    cells = [one for one in audit.of("class fractions") if one.place.count("/") == 2]
    found = [one for one in audit.findings if one.outcome in ("shows", "contradicts") and one not in cells]
    # The clip accuracy that a headline amounts to is a conversion, no check.
    return [one for one in found if one.check != "clip accuracy"]


def _classes(survey: Survey) -> tuple[int, int, int]:
    """Return the same for printed class accuracies, each counted."""
    found = {one.place: one for one in survey.audit.of("class fractions") if one.place.count("/") < 2}
    holds = other = unknown = 0
    for table in survey.paper.tables:
        numbers = found[table.id].numbers
        cells = sum(len(column.classes) for column in table.columns)
        if "cells" in numbers:
            holds, other = holds + numbers["cells"] - numbers["impossible"], other + numbers["impossible"]
        else:
            unknown += cells
    return holds, other, unknown


def _row(survey: Survey) -> dict[str, object]:
    row: dict[str, object] = {"paper": survey.key, "claims": survey.seen("split")[1]}
    row |= {"split_seen": survey.seen("split")[0], "epoch_rule_seen": survey.seen("epoch_rule")[0]}
    counts = {
        "fold_mean": survey.count("fold mean"),
        "class_mean": survey.count("average"),
        "headline_fraction": survey.count("headline fraction"),
        "class_fractions": _classes(survey),
        "dispersion": survey.count("dispersion"),
        "text_layers": survey.count("text", "layers"),
    }
    for name, (holds, other, unknown) in counts.items():
        row |= {f"{name}_consistent": holds, f"{name}_other": other, f"{name}_cannot_be_told": unknown}
    return row | {"versions_differ": len(survey.audit.of("versions"))}


def _of(counts: tuple[int, int]) -> str:
    return f"{counts[0]} of {counts[1]}"


def _counted(counts: tuple[int, int, int]) -> str:
    return NOTHING if not any(counts) else " / ".join(map(str, counts))


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
