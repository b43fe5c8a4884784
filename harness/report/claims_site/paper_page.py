"""The page of a paper: its numbers with their conditions, what replications found, and the audit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pandas as pd

from harness.claims import AccuracyTable, Claim, Paper
from harness.claims.audit.audit_summary import summary
from harness.claims.audit.dispersion import dispersion_kind
from harness.claims.audit.tables import CONVENTIONS
from harness.report.audit_tables import tables_of
from harness.report.claims_site import replications
from harness.report.claims_site.audit_page import headline_sentences
from harness.report.claims_site.claim_tables import INTERVAL_NOTE, Cell, accuracy_text, claims_frame, interval_text
from harness.report.claims_site.condition_groups import folds_text, meaning, seen, unseen
from harness.report.claims_site.site_contents import Shown, table_anchors, title_of
from harness.report.report_section import Facts, Heading, Items, Paragraph, Section, Table, grid
from harness.report.wording import NOTHING


def sections(paper: Paper, shown: Shown) -> list[Section]:
    """Return the sections of the page of ``paper``."""
    anchors = table_anchors(paper)
    return [
        Section("source", "Source", before=(Facts(tuple(_source(paper)), ""),)),
        *(_claims(paper, table, anchors[table.id]) for table in paper.tables),
        replications.section_of(paper, shown),
        _audit(paper, shown),
        _unseen(paper),
    ]


def doi_text(paper: Paper) -> str:
    """Return the DOI of ``paper`` as its page prints it; empty where it has none."""
    return f"doi:{paper.source.doi}" if paper.source.doi else ""


def _source(paper: Paper) -> Iterator[tuple[str, str]]:
    source = paper.source
    yield "Title", source.title
    yield "Authors", source.authors
    yield "Year", str(source.year)
    if source.venue:
        yield "Venue", source.venue
    yield ("DOI", doi_text(paper)) if source.doi else ("Found at", source.unpublished)
    yield "Key", source.key
    for key in dict.fromkeys(table.replicates for table in paper.tables if table.replicates):
        yield "Replication of", key


def _claims(paper: Paper, table: AccuracyTable, key: str) -> Section:
    claims = [Claim(paper.source, table, column) for column in table.columns]
    columns: dict[Heading, Cell] = {
        "Name": lambda claim: claim.column.name,
        "System": lambda claim: claim.column.system or NOTHING,
        "As printed": lambda claim: claim.column.value,
        "Percent": accuracy_text,
        "Over clips": interval_text,
        "±": lambda claim: _dispersion(claim, paper),
        "Folds, percent": lambda claim: ", ".join(f"{value:g}" for value in claim.fold_percents) or NOTHING,
        "Pretraining": lambda claim: seen(claim.column.pretraining),
        "Ensemble": lambda claim: seen(claim.column.ensemble),
        "Cited as": lambda claim: claim.column.reference or NOTHING,
    }
    printed = grid(claims, columns)
    kept = [name for name in printed if name in _ALWAYS or any(printed[name] != NOTHING)]
    words = tuple(place for place, name in enumerate(kept) if name not in ("As printed", "Percent", "Over clips"))
    stem = key.removeprefix("claims-")
    caption = f"The numbers as the source prints them ({table.unit}), and in percent. {INTERVAL_NOTE}"
    title, data = f"Numbers of {table.id}", claims_frame(claims)
    tables = [Table(f"numbers-{stem}", title, caption, printed[kept], data, words=words)]
    if table.classes and any(column.classes for column in table.columns):
        tables.append(_classes(claims, table, stem))
    note = (Paragraph((table.note.strip(),), "Note."),) if table.note.strip() else ()
    before = (Facts(tuple(_conditions(table)), ""), *note)
    return Section(key, f"{table.id}: {table.title}", before=before, tables=tuple(tables))


_ALWAYS = ("Name", "As printed", "Percent", "Pretraining", "Ensemble")


def _classes(claims: Sequence[Claim], table: AccuracyTable, stem: str) -> Table:
    percents = {claim.column.name: claim.class_percents for claim in claims if claim.class_percents}
    frame = pd.DataFrame({"Class": list(table.classes)})
    printed = frame.assign(
        **{name: [f"{own[each]:g}" for each in table.classes] for name, own in percents.items()}
    ).astype(object)
    data = frame.assign(**{name: [own[each] for each in table.classes] for name, own in percents.items()})
    caption = "Accuracy of each class in percent, as printed."
    return Table(f"classes-{stem}", f"Classes of {table.id}", caption, printed, data, further=True)


def _dispersion(claim: Claim, paper: Paper) -> str:
    if claim.column.dispersion is None:
        return NOTHING
    found = dispersion_kind(claim, paper)
    over = "it cannot be told over what" if found.kind == "unknown" else f"over {found.kind}"
    return f"{found.value_percent:.4g} points, {over}"


def _conditions(table: AccuracyTable) -> Iterator[tuple[str, str]]:
    yield "Data set", title_of(table.dataset)
    yield "Split", f"{seen(table.split_text)}: {meaning(table.split)}"
    yield "Tested folds", folds_text(table)
    yield "Epoch rule", seen(table.epoch_rule)
    yield "What validated", seen(str(table.validation))
    yield "Hyperparameters chosen on", seen(table.tuning)
    yield "Estimand", seen(table.estimand)
    yield "Role", table.role
    yield "Version of the source", table.version or "only one was seen"
    yield "Where in the source", table.where
    yield "Read in", table.seen or "the source itself"


def _audit(paper: Paper, shown: Shown) -> Section:
    audit = shown.audits[paper.source.key]
    found = (*summary(audit), *headline_sentences(audit))
    text = (
        "What follows from the printed numbers alone. A number that fails a check is no evidence of a fault of the "
        "work: it may be a mean of several trainings, of other clips, or a slip in typing."
    )
    before = (Paragraph((text, CONVENTIONS)), *((Items(found),) if found else ()))
    # The tables of an audit name columns; the page has several tables of every kind.
    tables = tuple(replace(table, further=True) for table in tables_of(audit))
    return Section("audit", "Audit", before=before, tables=tables)


def _unseen(paper: Paper) -> Section:
    missing: dict[str, list[str]] = {}
    for table in paper.tables:
        for name in unseen(table):
            missing.setdefault(name, []).append(table.id)
    items = tuple(f"{name}: {', '.join(tables)}" for name, tables in missing.items())
    text = "What the part of the source that was read does not say, by table. It may be said elsewhere."
    before = (Paragraph((text,)), Items(items)) if items else (Paragraph(("Every condition was seen.",)),)
    return Section("not-seen", "Not seen", before=before)
