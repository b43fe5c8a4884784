"""The first page of the site: data sets, papers, and every claim in one table."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from harness.claims import Paper, claims_of
from harness.report.claims_site.claim_tables import all_claims
from harness.report.claims_site.condition_groups import NOT_SEEN, by_protocol
from harness.report.claims_site.dataset_page import chance_of
from harness.report.claims_site.site_contents import CLAIMS_CSV, Shown, title_of
from harness.report.report_section import Heading, Items, Paragraph, Section, Table, grid
from harness.report.wording import NOTHING

_Row = tuple[str, int, int, int, float | None]


def sections(shown: Shown) -> list[Section]:
    """Return the sections of the index."""
    claims = list(shown.library.claims())
    how = (
        "An accuracy without its protocol says little: the same network on the same data set gains many points where "
        "recordings or clips are in both training and test, or where the test part chooses the epoch. Every number "
        "here is shown with its split and epoch rule, and the pages of data sets group numbers by them.",
    )
    rules = Items(
        (
            "Every number was read in the place that the page of its paper names.",
            f'"{NOT_SEEN}": the part of the source that was read does not say it. Nothing is guessed.',
            "A claim is a source's own result, a replication is of another's system, a reference is a number to "
            "measure others by.",
            f"{CLAIMS_CSV} has every number with all its conditions.",
        ),
        "How to read it.",
    )
    return [
        Section("datasets", "Data sets", before=(Paragraph(how), rules), tables=(_datasets(shown),)),
        Section("papers", "Papers", tables=(_papers(shown),)),
        Section("claims", "All claims", tables=(all_claims(claims),)),
    ]


def _datasets(shown: Shown) -> Table:
    rows = []
    for name, claims in shown.datasets.items():
        groups, chance = by_protocol(claims), chance_of(name, claims)
        sources = len({claim.source.key for claim in claims})
        rows.append((title_of(name), len(claims), sources, len(groups), None if chance is None else chance.macro))
    columns: dict[Heading, Callable[[_Row], str]] = {
        "Data set": lambda row: row[0],
        "Numbers": lambda row: str(row[1]),
        "Sources": lambda row: str(row[2]),
        "Protocols": lambda row: str(row[3]),
        "Chance": lambda row: NOTHING if row[4] is None else f"{row[4]:.1f}",
    }
    data = pd.DataFrame(rows, columns=["dataset", "numbers", "sources", "protocols", "chance"])
    caption = (
        "Protocols: combinations of a split and an epoch rule, counting what was not seen as one. Chance: macro "
        "accuracy of guessing, in percent."
    )
    return Table("datasets", "Data sets", caption, grid(rows, columns), data)


def _papers(shown: Shown) -> Table:
    columns: dict[Heading, Callable[[Paper], str]] = {
        "Paper": lambda paper: paper.source.key,
        "Title": lambda paper: paper.source.title,
        "Authors": lambda paper: paper.source.authors,
        "Data sets": _datasets_of,
        "Year": lambda paper: str(paper.source.year),
        "Numbers": lambda paper: str(len(list(claims_of(paper)))),
        "Replications": lambda paper: str(len(list(shown.replications_of(paper.source.key))) or NOTHING),
    }
    data = pd.DataFrame(
        [(one.source.key, one.source.title, one.source.year, len(list(claims_of(one)))) for one in shown.papers],
        columns=["paper", "title", "year", "numbers"],
    )
    caption = "Replications: numbers of other sources that tried the paper's system again."
    return Table("papers", "Papers, repositories and benchmarks", caption, grid(shown.papers, columns), data, 4)


def _datasets_of(paper: Paper) -> str:
    return ", ".join(dict.fromkeys(title_of(table.dataset) for table in paper.tables)) or NOTHING
