"""Claims and audits on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table

from harness.claims import FOLDER, AccuracyTable, Claim, Library, Paper, Printed, claims_of
from harness.claims.audit.audit_summary import summary
from harness.claims.audit.clip_accuracy import clip_accuracy
from harness.claims.audit.dispersion import dispersion_kind, fold_sd
from harness.claims.audit.finding import Audit
from harness.cli.output.screen_table import console, table
from harness.terminal.console import words

if TYPE_CHECKING:
    from harness.report.audit_files import AuditFiles
    from harness.report.claims_site.audit_page import Survey


def show_claims(library: Library, key: str | None) -> None:
    """Print every headline claim, or those of the paper called ``key``."""
    papers = [library.paper(key)] if key else list(library.papers.values())
    rows = [(claim.address, _conditions(claim), claim.percent_text) for paper in papers for claim in claims_of(paper)]
    title = f"{len(rows)} claims of {len(papers)} source{'' if len(papers) == 1 else 's'}"
    console().print(table(title, ("address", "conditions", "accuracy %"), rows, left=2))


def show_paper(paper: Paper) -> None:
    """Print a paper's source, and each of its tables with the conditions it states."""
    terminal = console()
    terminal.print(words(paper.source.citation))
    for accuracy in paper.tables:
        claims = [Claim(paper.source, accuracy, column) for column in accuracy.columns]
        rows = [(claim.column.name, claim.column.system, _printed(claim, paper)) for claim in claims]
        terminal.print(table(f"{accuracy.id}  {accuracy.title}", ("column", "system", "accuracy %"), rows, left=2))
        facts = (
            f"{_place(accuracy)}; {accuracy.role}; {_conditions(claims[0])}; epoch rule {accuracy.epoch_rule}; tuning "
            f"{accuracy.tuning}. {accuracy.note}"
        )
        terminal.print(Padding(words(facts.strip()), (0, 2)))
    for layers in paper.layer_tables:
        terminal.print(words(f"{layers.id}  {layers.title} ({', '.join(network.name for network in layers.networks)})"))


def show_claim(library: Library, address: str) -> None:
    """Print all information on the claim at ``address``."""
    claim = library.claim(address)
    paper, stated = library.paper(claim.source.key), claim.table
    rows = [
        ("claim", claim.address),
        ("accuracy", f"{claim.percent_text} % (printed {claim.printed.text})"),
        ("system", claim.column.system or "–"),
        ("estimand", claim.estimand),
        ("data set", stated.dataset),
        ("split", stated.split_text),
        ("folds", _folds(stated)),
        ("epoch rule", stated.epoch_rule),
        ("validation", str(stated.validation)),
        ("tuning", stated.tuning),
        ("pretraining", claim.column.pretraining),
        ("ensemble", claim.column.ensemble),
        ("where", f"{_place(stated)}: {stated.title}"),
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
    if stated.replicates:
        rows.append(("replicates", stated.replicates))
    if stated.note:
        rows.append(("note", stated.note))
    if claim.class_name is None and claim.class_percents:
        classes = [replace(claim, class_name=name) for name in claim.class_percents]
        rows.append(("by class, %", ", ".join(f"{each.class_name} {each.percent_text}" for each in classes)))
    if claim.fold_percents:
        rows.append(("by fold, %", ", ".join(f"{value:g}" for value in claim.fold_percents)))
    facts = Table.grid(padding=(0, 2))
    facts.add_column(justify="right", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in rows:
        facts.add_row(name, words(value))
    console().print(facts)


def show_audit(audit: Audit, files: AuditFiles) -> None:
    """Print the findings of an audit, most important first, and where all of them were written."""
    terminal = console()
    terminal.print(words(f"audit of {audit.source.citation}", style="bold"))
    for number, sentence in enumerate(summary(audit), 1):
        terminal.print(Padding(words(f"{number}. {sentence}"), (0, 0, 0, 2)))
    for name, place in (("written", f"{files.folder} (LaTeX, CSV, JSON)"), ("pdf", files.pdf or files.pdf_hint)):
        terminal.print(words(f"{name:>7}  {place}"), soft_wrap=True)


def show_survey(surveys: Sequence[Survey], folder: Path) -> None:
    """Print what the audits of all papers show together, and where they were written."""
    from harness.report.claims_site.audit_page import CAUTION, field_sentences

    terminal = console()
    for sentence in field_sentences(surveys):
        terminal.print(Padding(words(f"- {sentence}"), (0, 0, 0, 2)))
    terminal.print(words(CAUTION))
    terminal.print(words(f"written  {folder / 'README.md'}"), soft_wrap=True)


def show_site(library: Library, folder: Path, files: Sequence[Path]) -> None:
    """Print what the site has and where it begins."""
    terminal = console()
    number, papers = sum(1 for _ in library.claims()), len(library.papers)
    told = f"{number} claims of {papers} source{'' if papers == 1 else 's'}, {len(files)} files"
    terminal.print(words(f"{told}: {folder / 'index.html'}"), soft_wrap=True)


def show_check(file: Path, paper: Paper, audit: Audit) -> None:
    """Print the claims of a valid file, the contradictions among its own numbers, what that means and what to do."""
    terminal = console()
    claims = list(claims_of(paper))
    number = "1 claim" if len(claims) == 1 else f"{len(claims)} claims"
    terminal.print(words(f"{file}: valid; key {paper.source.key}, {number}"), soft_wrap=True)
    rows = [(claim.address, _conditions(claim), claim.percent_text) for claim in claims]
    if rows:
        terminal.print(table("", ("address", "conditions", "accuracy %"), rows, left=2))
    found = audit.of(outcome="contradicts")
    for finding in found:
        terminal.print(Padding(words(f"- {finding.place}: {finding.sentence}"), (0, 0, 0, 2)))
    number = {0: "no contradictions", 1: "1 contradiction"}.get(len(found), f"{len(found)} contradictions")
    terminal.print(f"{number} among its own numbers")
    told = (
        "The file has the right form, but some of its numbers cannot all be right (see above): compare them with the "
        "source, correct what was copied wrongly, and leave what the source itself prints."
        if found
        else "The file has the right form, and its numbers do not contradict each other. Whether they are the numbers "
        "of the source, only reading the source again can show."
    )
    if claims:
        told += (
            f" Next: put the file into the folder {FOLDER}/ beside a study file, and add [[compare]] with claim = "
            f'"{claims[0].address}" and arm = the name of an arm; run-study then tests the arm against the claim.'
        )
    terminal.print(words(told))


def _conditions(claim: Claim) -> str:
    stated = claim.table
    split = stated.split if stated.split == "one split" else f"split {stated.split_text}"
    return f"{stated.dataset}, {_folds(stated)}, {split}, estimand {claim.estimand}"


def _place(table: AccuracyTable) -> str:
    """Return where the table is, in which version of the source, and where it was read."""
    version = f" of {table.version}" if table.version else ""
    return f"{table.where}{version}" + (f", seen in {table.seen}" if table.seen else "")


def _folds(table: AccuracyTable) -> str:
    """Return ``10 folds``, or ``fold 10``, and the number of folds that a training learned from if that is stated."""
    if table.tested_folds:
        tested = f"fold{'s' if table.folds > 1 else ''} {', '.join(map(str, table.tested_folds))}"
    else:
        tested = f"{table.folds} fold{'' if table.folds == 1 else 's'}"
    return tested if table.training_folds is None else f"{tested} (trained on {table.training_folds})"


def _printed(claim: Claim, paper: Paper) -> str:
    """Return the accuracy and the number printed after its +-, labelled by what it is over."""
    dispersion = claim.column.dispersion
    if dispersion is None:
        if len(claim.column.folds) < 2:
            return claim.percent_text
        return f"{claim.percent_text}, SD over folds {fold_sd(claim, paper):.2f}"
    value = Printed.parse(dispersion.value)
    digits = max(0, value.decimals - (0 if claim.factor == 1 else 2))
    kind = dispersion_kind(claim, paper).kind
    over = "of unknown kind" if kind == "unknown" else f"over {kind}"
    return f"{claim.percent_text} ± {value.value * claim.factor:.{digits}f} {over}"
