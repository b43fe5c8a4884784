"""What replications found of a paper: published ones, and studies of one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from harness.claims import NOT_STATED, AccuracyTable, Claim, Paper
from harness.report.claims_site.claim_tables import accuracy_text
from harness.report.claims_site.condition_groups import folds_text, seen
from harness.report.claims_site.site_contents import OwnResult, Shown, title_of
from harness.report.report_section import Heading, Paragraph, Section, Table, grid
from harness.report.wording import NOTHING
from harness.text.decimals import decimals


def section_of(paper: Paper, shown: Shown) -> Section:
    """Return the section on the replications of ``paper``, with a sentence where there are none."""
    key = paper.source.key
    claims = list(shown.replications_of(key))
    results = [one for one in shown.results if one.comparison.claim.address.partition(":")[0] == key]
    tables = []
    if claims:
        tables.append(_published(claims, paper))
    if results:
        tables.append(_own(results))
    none = "None of the files here is a replication of it, and no report was given that compares itself with it."
    before = () if tables else (Paragraph((none,)),)
    return Section("replications", "What replications found", before=before, tables=tuple(tables))


def differences(table: AccuracyTable, other: AccuracyTable) -> list[str]:
    """Return the conditions in which two tables on one data set differ, or in which one of them was not seen."""
    pairs = {
        "split": (table.split_text, other.split_text),
        "epoch rule": (table.epoch_rule, other.epoch_rule),
        "estimand": (table.estimand, other.estimand),
        "tested folds": (folds_text(table), folds_text(other)),
    }
    found = []
    for name, (first, second) in pairs.items():
        if first != second or NOT_STATED in (first, second):
            found.append(f"{name} {seen(first)} / {seen(second)}")
    return found


def _published(claims: Sequence[Claim], paper: Paper) -> Table:
    originals = {claim.address: _originals(claim, paper) for claim in claims}
    columns: dict[Heading, Callable[[Claim], str]] = {
        "Replication": lambda claim: claim.address,
        "Data set": lambda claim: title_of(claim.table.dataset),
        "Accuracy": accuracy_text,
        "The paper prints": lambda claim: "; ".join(_own_number(one) for one in originals[claim.address]) or NOTHING,
        "Conditions, replication / paper": lambda claim: _conditions(claim, originals[claim.address]),
        "System": lambda claim: claim.column.system or NOTHING,
    }
    caption = (
        "Accuracies in percent of sources that tried the system again, next to what the paper prints on the same data "
        "set, in columns of the same name. Where conditions differ, or were not seen, a "
        "difference between the two numbers cannot be told from the effect of the conditions."
    )
    data = pd.DataFrame(
        [
            {
                "replication": claim.address,
                "percent": claim.percent,
                "of": " ".join(
                    f"{one.source.key}:{one.table.id}/{one.column.name}" for one in originals[claim.address]
                ),
            }
            for claim in claims
        ]
    )
    return Table("replications", "Published replications", caption, grid(claims, columns), data, 2, words=(3, 4, 5))


def _originals(claim: Claim, paper: Paper) -> list[Claim]:
    own = [
        Claim(paper.source, table, column)
        for table in paper.tables
        if table.dataset == claim.table.dataset and table.role == "claim"
        for column in table.columns
    ]
    name = claim.column.name
    same = [one for one in own if one.column.name == name]
    return same or [one for one in own if one.column.name.startswith(name) or name.startswith(one.column.name)]


def _own_number(claim: Claim) -> str:
    return f"{accuracy_text(claim)} ({claim.table.id}/{claim.column.name})"


def _conditions(claim: Claim, originals: Sequence[Claim]) -> str:
    if not originals:
        return NOTHING
    found = differences(claim.table, originals[0].table)
    return "; ".join(found) or "the same, as far as they were seen"


def _own(results: Sequence[OwnResult]) -> Table:
    columns: dict[Heading, Callable[[OwnResult], str]] = {
        "Study": lambda one: one.study,
        "Arm": lambda one: one.comparison.arm,
        "Claim": lambda one: one.comparison.claim.address,
        "As": lambda one: str(one.comparison.read_as),
        "Claimed": lambda one: f"{one.comparison.claim.percent:g}",
        "Measured": lambda one: NOTHING if one.comparison.mean is None else decimals(one.comparison.mean, 1),
        "Verdict": lambda one: one.comparison.verdict or "no test",
        "Reason": lambda one: one.comparison.reason or NOTHING,
    }
    caption = (
        "Arms of the given reports compared with the paper's numbers, in percent, with the verdicts of those reports. "
        "A reference is a number of another system and is never called replicated."
    )
    data = pd.DataFrame(
        [
            {
                "study": one.study,
                "arm": one.comparison.arm,
                "claim": one.comparison.claim.address,
                "claimed": one.comparison.claim.percent,
                "measured": one.comparison.mean,
                "verdict": one.comparison.verdict,
            }
            for one in results
        ]
    )
    return Table("own-results", "Studies of the harness", caption, grid(results, columns), data, 4, words=(6, 7))
