"""Comparison of several studies: the effect of the protocol alone on every data set, in one figure and one table.

Everything is read from the studies' results.json, so that a folder of reports is sufficient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from harness.comparisons.protocols import ProtocolEffect
from harness.errors import ReportError
from harness.registry import DATASETS
from harness.report import wording
from harness.report.cells import accuracy
from harness.report.evidence import reads_as_macro
from harness.report.folder.place import put_in_place
from harness.report.folder.results_file import RESULTS, Effect, Results, read_results
from harness.report.page.page import Page, html_of
from harness.report.page.plot import svg_of
from harness.report.report_section import Drawing, Section, Table
from harness.report.results import SCHEMA
from harness.report.style import figure_style, pdf_bytes, png_bytes
from harness.report.topics.protocol_effects import (
    ONE_PART,
    Published,
    as_published,
    effects_table,
    epoch_name,
    marked,
    of_network,
    protocol_figure,
)
from harness.report.topics.terms import glossary_section
from harness.report.typeset import markdown
from harness.report.typeset.latex_table import table_tex
from harness.study import read_recorded
from harness.text.spreadsheet import csv_text

STEM = "protocols"


@dataclass(frozen=True)
class Reported:
    """The results of a study's report on protocols.

    Attributes
    ----------
    study, title
        The study's name, and its data set with the tested folds if these are not all.
    effects
        By arm, in the study's order; networks include the title, to distinguish those of several studies.
    published
        Accuracies in percent that the study compared an arm with, and how they were printed.
    confidence
        Confidence of its intervals, between 0 and 1.
    """

    study: str
    title: str
    effects: tuple[ProtocolEffect, ...]
    published: Published
    confidence: float


@dataclass(frozen=True)
class OverviewFiles:
    """Paths of the parts of an overview."""

    folder: Path
    figures: tuple[Path, ...]
    tables: tuple[Path, ...]


def read_report(folder: Path) -> Reported:
    """Return the results on protocols of the report in ``folder``.

    Raises
    ------
    ReportError
        When there is no results.json of this version, or its study has only one protocol.
    """
    path = folder / RESULTS
    data, found = read_results(folder)
    if found.version != SCHEMA:
        raise ReportError(
            f"{path}: schema is {found.version}, expected {SCHEMA}; write the report again: harness report {folder}"
        )
    study, title = found.study.name, _title(found)
    own = tuple(_effect(each, title) for each in found.protocol_effects)
    published = _published(found, title)
    confidence = read_recorded(data["spec"], f"{path}: $.spec", data["environment"]).evaluate.confidence
    if not own:
        raise ReportError(
            f"{path}: every arm of {study} has the same protocol, so there is nothing to compare; "
            'arms differ by set = { "protocol.split" = ... }'
        )
    return Reported(study, title, own, published, confidence)


def overview(
    reports: Sequence[Reported], networks: Sequence[str] = ()
) -> tuple[Table, str, list[ProtocolEffect], Published]:
    """Return the table of ``reports``, the same in Markdown, and the data of its figure.

    With ``networks``, only those networks are included, by their names in their study.

    Raises
    ------
    ReportError
        When no study has such a network, or when the confidences of the studies' intervals differ.
    """
    confidences = {one.study: f"{100 * one.confidence:g} %" for one in reports}
    if len(set(confidences.values())) > 1:
        text = ", ".join(f"{study} {confidence}" for study, confidence in confidences.items())
        raise ReportError(
            f"the studies have intervals of several confidences ({text}); set evaluate.confidence alike in their study "
            "files, and run harness run-study again: nothing is trained again"
        )
    (confidence,) = set(confidences.values())
    known = dict.fromkeys(each.network for one in reports for each in one.effects)
    wanted = {name: {f"{name}, {one.title}" for one in reports} for name in networks}
    for name, titled in wanted.items():
        if not titled & known.keys():
            raise ReportError(f"--network {name}: no study has it; there are {'; '.join(known)}")
    shown = set().union(*wanted.values()) if networks else set(known)
    effects = [each for one in reports for each in one.effects if each.network in shown]
    published = {arm: values for one in reports for arm, values in one.published.items()}
    caption = (
        "What the protocol alone moves, on every data set: macro accuracy in percent, and shifts in points against "
        f"the first row of the network. SD: {wording.OVER_FOLDS}. Recordings: {confidence} bootstrap interval, "
        "paired by recording, networks held fixed. Folds: the same from the corrected t-test, under one split paired "
        "by fold, else of two sets of folds taken as independent; p is of that test, adjusted by Holm within each "
        "study. Published: whatever its protocol. A shift is no gain: it is what a number owes to recordings that "
        "training shares with the test part, or to an epoch that the test part chose."
    )
    if any(len(each.folds) == 1 for each in effects):
        caption += ONE_PART
    table = effects_table(effects, published, STEM, "What the protocol alone does", caption + marked(published))
    return table, _markdown(effects, published), effects, published


def write_overview(folders: Sequence[Path], target: Path, networks: Sequence[str] = ()) -> OverviewFiles:
    """Write the overview of the reports in ``folders`` into ``target``: a page, a figure as PDF and PNG, a table as
    LaTeX, CSV and Markdown.

    Raises
    ------
    ReportError
        As :func:`read_report` and :func:`overview`.
    """
    if (target / RESULTS).exists():
        raise ReportError(f"--output {target}: it contains the report of a study; name another folder")
    table, page, effects, published = overview([read_report(folder) for folder in folders], networks)
    with figure_style():
        figure = protocol_figure(effects, published)
        assert figure is not None
        drawn = {f"{STEM}.pdf": pdf_bytes(figure), f"{STEM}.png": png_bytes(figure)}
        plot = svg_of(figure, STEM, table.caption)
    written = {
        f"{STEM}.html": _page(table, plot),
        f"{STEM}.tex": table_tex(table, f"tab:overview-{STEM}").encode(),
        f"{STEM}.csv": csv_text(table.data).encode(),
        f"{STEM}.md": page.encode(),
    }
    put_in_place(drawn | written, target)
    return OverviewFiles(target, tuple(target / name for name in drawn), tuple(target / name for name in written))


def _page(table: Table, plot: Markup) -> bytes:
    drawing = Drawing(STEM, f"{table.title}: the means of the table.", lambda: None)
    shown = Section(STEM, table.title, tables=(table,), figures=(drawing,))
    return html_of(
        Page(
            title="Protocols compared",
            question="What the protocol alone does to the accuracy of the same networks.",
            sections=(shown, glossary_section()),
            plots={STEM: plot},
            elsewhere={},
            data={},
            notes=(f"{STEM}.tex, {STEM}.csv and {STEM}.md have the same table.",),
        )
    )


def _title(found: Results) -> str:
    dataset, protocol = found.data.dataset, found.protocol
    name = DATASETS.get(dataset).title if dataset in DATASETS else dataset
    if not protocol.partial:
        return name
    return f"{name} ({len(protocol.tested_folds)} of {len(protocol.official_folds)} folds)"


def _effect(each: Effect, title: str) -> ProtocolEffect:
    folds = {int(fold): value for fold, value in each.folds.items()}
    own = {"network": f"{each.network}, {title}", "arm": f"{each.arm}, {title}", "folds": folds}
    sd = math.nan if each.sd is None else each.sd
    return ProtocolEffect(**(dict(each) | own | {"sd": sd}))


def _published(found: Results, title: str) -> Published:
    folds = {arm.name: pd.DataFrame([dict(fold) for fold in arm.folds], dtype=float) for arm in found.arms}
    values: dict[str, dict[float, str]] = {}
    for each in found.comparisons:
        percent = each.claim.percent
        if each.claim.class_ is None and len(folds[each.arm]) and reads_as_macro(each.estimand, folds[each.arm]):
            text = as_published(f"{percent:.10g}", each.read_as)
            values.setdefault(f"{each.arm}, {title}", {})[percent] = text
    return {arm: tuple(own.items()) for arm, own in values.items()}


def _markdown(effects: Sequence[ProtocolEffect], published: Published) -> str:
    """Return a row for each network, and a column for each split with the means under its epoch rules in turn.

    The rules are named once if every cell has them in one order, and otherwise in each cell.
    """
    splits = list(dict.fromkeys(each.split for each in effects))
    rules = list(dict.fromkeys(each.epoch_rule for each in effects))
    found: dict[tuple[str, str], list[ProtocolEffect]] = {}
    for each in effects:
        found.setdefault((each.network, each.split), []).append(each)
    alike = all([each.epoch_rule for each in own] == rules[: len(own)] for own in found.values())
    rules_text = " → ".join(epoch_name(rule) for rule in rules) if alike else "in brackets"

    def cell(network: str, split: str) -> str:
        own = found.get((network, split), [])
        if alike:
            return " → ".join(accuracy(each.mean) for each in own)
        return ", ".join(f"{accuracy(each.mean)} ({epoch_name(each.epoch_rule)})" for each in own)

    rows = []
    for network in dict.fromkeys(each.network for each in effects):
        cells = [cell(network, split) or "-" for split in splits]
        claims = ", ".join(text for _, text in of_network(network, effects, published))
        rows.append((network, *cells, claims or "-"))
    table = markdown.table(("network, data set", *splits, "published"), rows)
    return f"{table}\nMacro accuracy in percent, mean over folds; epoch: {rules_text}.{marked(published)}\n"
