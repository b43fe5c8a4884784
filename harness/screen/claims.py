"""Claims and audits on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from harness.claims import Claim, Library, Paper, claims_of
from harness.claims.audit import Audit, clip_accuracy, dispersion_kind, summary
from harness.screen.table import console, table

if TYPE_CHECKING:
    from harness.report.audit import AuditFiles


def show_claims(library: Library, key: str | None) -> None:
    """Print every headline claim, or those of the paper called ``key``."""
    papers = [library.paper(key)] if key else list(library.papers.values())
    rows = [
        (
            claim.address,
            claim.table.dataset,
            claim.estimand,
            claim.table.split,
            str(claim.table.folds),
            _printed(claim),
        )
        for paper in papers
        for claim in claims_of(paper)
    ]
    columns = ("address", "data set", "estimand", "split", "folds", "percent")
    console().print(table(f"{len(rows)} claims of {len(papers)} sources", columns, rows, left=4))


def show_paper(paper: Paper) -> None:
    """Print a paper's source, and each of its tables with the conditions it states."""
    terminal = console()
    terminal.print(Text(paper.source.citation))
    for accuracy in paper.tables:
        facts = (
            f"{accuracy.where}; {accuracy.role}; {accuracy.dataset}, estimand {accuracy.estimand}, split "
            f"{accuracy.split}, {accuracy.folds} folds, epoch rule {accuracy.epoch_rule}, tuning {accuracy.tuning}"
        )
        rows = [
            (column.name, column.system, _printed(Claim(paper.source, accuracy, column))) for column in accuracy.columns
        ]
        terminal.print(table(f"{accuracy.id}  {accuracy.title}", ("column", "system", "percent"), rows, left=2))
        terminal.print(Padding(Text(f"{facts}. {accuracy.note}".strip()), (0, 2)))
    for layers in paper.layer_tables:
        terminal.print(Text(f"{layers.id}  {layers.title} ({', '.join(network.name for network in layers.networks)})"))


def show_claim(library: Library, address: str) -> None:
    """Print everything known of the claim at ``address``."""
    claim = library.claim(address)
    paper, stated = library.paper(claim.source.key), claim.table
    rows = [
        ("claim", claim.address),
        ("accuracy", f"{claim.percent_text} % (printed {claim.printed.text})"),
        ("system", claim.column.system or "–"),
        ("estimand", claim.estimand),
        ("data set", stated.dataset),
        ("split", stated.split),
        ("folds", str(stated.folds)),
        ("epoch rule", stated.epoch_rule),
        ("tuning", stated.tuning),
        ("where", f"{stated.where}: {stated.title}"),
        ("source", claim.source.citation),
    ]
    kind = dispersion_kind(claim, paper)
    if kind.value_percent is not None:
        rows.append(("dispersion", f"{kind.value_percent:.4g} points, over {kind.kind}: {kind.reason}"))
    as_clips = clip_accuracy(claim)
    if as_clips is not None:
        rows.append(
            ("as clip accuracy", f"{as_clips.value:.2f} % ({as_clips.low:.2f} to {as_clips.high:.2f} with rounding)")
        )
    if stated.note:
        rows.append(("note", stated.note))
    if claim.class_name is None and claim.class_percents:
        rows.append(("classes", ", ".join(f"{name} {value:g}" for name, value in claim.class_percents.items())))
    if claim.fold_percents:
        rows.append(("by fold", ", ".join(f"{value:g}" for value in claim.fold_percents)))
    _facts(rows)


def show_audit(audit: Audit, files: AuditFiles) -> None:
    """Print what an audit found, most important first, and where all of it was written."""
    terminal = console()
    terminal.print(Text(f"audit of {audit.source.citation}", style="bold"))
    for number, sentence in enumerate(summary(audit), 1):
        terminal.print(Padding(Text(f"{number}. {sentence}"), (0, 0, 0, 2)))
    _contradictions(audit)
    _facts([("written", f"{files.folder} (LaTeX, CSV, JSON)"), ("pdf", str(files.pdf or files.pdf_hint))])


def show_check(file: Path, audit: Audit) -> None:
    """Print that a claims file can be read, and what its own numbers contradict."""
    console().print(Text(f"{file}: can be read; {len(audit.findings)} findings from its numbers alone"))
    _contradictions(audit)


def _contradictions(audit: Audit) -> None:
    found = audit.of(outcome="contradicts")
    rows = [(finding.check, finding.place, finding.sentence) for finding in found]
    if rows:
        console().print(table(f"{len(rows)} contradictions", ("check", "place", "finding"), rows, left=3))
    else:
        console().print("no contradiction found")


def _facts(rows: list[tuple[str, str]]) -> None:
    terminal = console()
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        terminal.print(Text(f"{name:>{width}}  {value}"), soft_wrap=True)


def _printed(claim: Claim) -> str:
    dispersion = claim.column.dispersion
    spread = f" ± {float(dispersion.value) * claim.factor:.4g}" if dispersion else ""
    return f"{claim.percent_text}{spread}"
