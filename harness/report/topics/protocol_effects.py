"""What the protocol alone does: the same networks under several protocols, and what was published of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.choices import EpochRule
from harness.comparisons.protocols import ProtocolEffect
from harness.report import style, wording
from harness.report.cells import accuracy, claimed, cut_note, interval, p_value, points
from harness.report.evidence import Evidence
from harness.report.report_section import Drawing, Section, Table, grid
from harness.report.style import BLACK, BLUE, GREY, TEXT_WIDTH, VERMILLION
from harness.report.topics.contrasts import family_sentence
from harness.text.decimals import possible

Published = Mapping[str, Sequence[tuple[float, str]]]
"""By arm: published accuracies in percent, and their text."""

_EPOCHS: dict[str, str] = {
    EpochRule.FIXED: "last",
    EpochRule.BEST_ON_VALIDATION: "best on validation",
    EpochRule.BEST_ON_TEST: "best on test",
    EpochRule.BEST_MEAN_ON_TEST: "best mean on test",
}
_TITLE = "What the protocol alone does"

_LINE, _BELOW, _EDGE, _SIZE = 0.3, 0.86, 0.1, 7.5
_MARKERS: dict[str, tuple[str, str]] = {
    EpochRule.FIXED: ("o", BLUE),
    EpochRule.BEST_ON_VALIDATION: ("s", GREY),
    EpochRule.BEST_ON_TEST: ("D", "white"),
    EpochRule.BEST_MEAN_ON_TEST: ("^", "white"),
}
# Ratio of the widths of bold and plain text.
_BOLD = 1.16
_PALE = "#9EC9E2"

ONE_PART = (
    " An arm with one test part (n = 1) has its shift on the clips that both tested, with interval and p over "
    "recordings and seeds instead of folds."
)
"""What captions add where an arm tests one part."""


def sections(evidence: Evidence) -> Iterator[Section]:
    """Yield the section on the protocols, if the study has several."""
    if evidence.protocols:
        table = protocol_table(evidence)
        drawing = _drawing(evidence)
        yield Section("protocols", _TITLE, tables=(table,), figures=(drawing,), front=(table,))


def epoch_name(rule: str) -> str:
    """Return the name of an epoch rule in tables and figures: ``best on test``."""
    return _EPOCHS.get(rule, rule)


def protocol_table(evidence: Evidence) -> Table:
    """Return one row per network and protocol."""
    effects = evidence.protocols
    family = family_sentence(evidence).partition("; pairs below")[0].rstrip(".")
    caption = (
        "The same networks under several protocols: macro accuracy in percent, and the effect of the protocol in "
        f"points relative to the first row of the network. SD: {wording.OVER_FOLDS}. Recordings: {evidence.confidence} "
        "bootstrap interval, paired by recording, networks held fixed. Folds: from the corrected t-test, paired by "
        "fold under one split, otherwise between two sets of folds assumed independent, which is conservative; p is "
        f"of that test. {family}. Published: under any protocol. A shift is not an improvement: it is due to "
        "recordings shared by training and test parts, or to choosing the epoch on the test part."
    )
    if any(evidence.record.tests_one_part(each.arm) for each in effects):
        caption += ONE_PART
    published = published_accuracies(evidence)
    return replace(effects_table(effects, published, "protocols", _TITLE, caption + marked(published)), marked=True)


def effects_table(
    effects: Sequence[ProtocolEffect], published: Published, name: str, title: str, caption: str
) -> Table:
    """Return the table with one row per network and protocol: accuracy, shift, its intervals and p values.

    Parameters
    ----------
    effects
        One entry per network and protocol, the reference first for each network.
    published
        Published accuracies by arm, in percent; those of a network are printed in its first row.
    name
        Stem of the table's files.
    title
        Short caption.
    caption
        Full caption in plain text.
    """
    claims = {
        each.arm: ", ".join(text for _, text in of_network(each.network, effects, published))
        for each in effects
        if each.is_reference
    }
    printed = grid(
        effects,
        {
            "Network": lambda each: each.network if each.is_reference else "",
            "Split": lambda each: each.split,
            "Epoch": lambda each: epoch_name(each.epoch_rule),
            ("Macro accuracy", "Mean"): lambda each: accuracy(each.mean),
            ("Macro accuracy", "SD"): lambda each: accuracy(each.sd),
            ("Shift by the protocol", "Points"): lambda each: "reference" if each.is_reference else points(each.shift),
            ("Shift by the protocol", "Recordings"): lambda each: interval(
                each.recordings_low, each.recordings_high, signed=True
            ),
            ("Shift by the protocol", "Folds"): lambda each: interval(each.low, each.high, signed=True),
            ("Shift by the protocol", "p raw"): lambda each: p_value(each.p),
            ("Shift by the protocol", "p Holm"): lambda each: p_value(each.p_adjusted),
            ("n", "Folds"): lambda each: str(len(each.folds)),
            "Published": lambda each: claims.get(each.arm, ""),
        },
    )
    caption += cut_note([(each.low, each.high) for each in effects], signed=True)
    data = [{k: v for k, v in asdict(_possible(each)).items() if k != "folds"} for each in effects]
    return Table(
        name=name,
        title=title,
        caption=caption,
        printed=printed,
        data=pd.DataFrame(data).assign(published=[claims.get(each.arm, "") for each in effects]),
        text_columns=3,
        rules=tuple(row for row, each in enumerate(effects) if each.is_reference and row),
    )


def _possible(effect: ProtocolEffect) -> ProtocolEffect:
    """Return an effect whose interval is cut to possible differences of accuracies."""
    if effect.low is None or effect.high is None:
        return effect
    low, high = possible(effect.low, effect.high, difference=True)
    return replace(effect, low=low, high=high)


def published_accuracies(evidence: Evidence) -> Published:
    """Return the macro accuracies that a study compares its arms with."""
    found: dict[str, list[tuple[float, str]]] = {}
    for each in evidence.macro_claims:
        text = as_published(claimed(each.claim), each.read_as)
        found.setdefault(each.arm, []).append((each.claim.percent, text))
    return found


def as_published(accuracy: str, read_as: str) -> str:
    """Return a printed accuracy, marked if it is a reference instead of a claim about the network."""
    return f"{accuracy} (reference)" if read_as == "reference" else accuracy


def marked(published: Published) -> str:
    """Return the text of a caption on the references among ``published``; empty if there are none."""
    texts = [text for values in published.values() for _, text in values]
    return (
        f" (reference): {wording.REFERENCE.partition(': ')[2]}" if any("(reference)" in text for text in texts) else ""
    )


def of_network(network: str, effects: Sequence[ProtocolEffect], published: Published) -> list[tuple[float, str]]:
    """Return the published accuracies of any arm of ``network``, each number once."""
    arms = [each.arm for each in effects if each.network == network]
    return list(dict.fromkeys(value for arm in arms for value in published.get(arm, ())))


def _drawing(evidence: Evidence) -> Drawing:
    published = published_accuracies(evidence)
    caption = (
        "The same networks under several protocols: macro accuracy in percent, mean over folds with seeds averaged "
        f"first; {wording.sample_size(evidence.scores)}. The means are printed at the right of each line, in the order "
        "of the legend."
    )
    if published:
        caption += f" Vertical lines: published accuracies, under any protocol.{marked(published)}"
    return Drawing("protocols", caption, partial(protocol_figure, evidence.protocols, published))


def protocol_figure(effects: Sequence[ProtocolEffect], published: Published) -> Figure | None:
    """Return a line per network and split: each fold, and the mean under each epoch rule; None without effects.

    The network's published accuracies are lines across its band.
    """
    if not effects:
        return None
    networks = list(dict.fromkeys(each.network for each in effects))
    lines = [
        (network, split)
        for network in networks
        for split in dict.fromkeys(each.split for each in effects if each.network == network)
    ]
    names = [
        f"{style.wrapped(style.literal(network), 32)}\n{split}"
        if position == 0 or lines[position - 1][0] != network
        else split
        for position, (network, split) in enumerate(lines)
    ]
    notes = [_note([each for each in effects if (each.network, each.split) == line]) for line in lines]
    tops: list[float] = []
    height = 0.0
    for name in names:
        tops.append(height)
        height += _LINE + 0.13 * name.count("\n")
    splits = [name.split("\n")[-1] for name in names]
    headings = [line for name in names for line in name.split("\n")[:-1]]
    left = max(style.text_inches(splits, _SIZE), _BOLD * style.text_inches(headings, _SIZE)) + 0.14
    right = style.text_inches(notes, _SIZE) + 0.18
    figure = Figure(figsize=(TEXT_WIDTH, _BELOW + height + _EDGE))
    axes = style.place(figure, left, _BELOW, TEXT_WIDTH - left - right, height)
    centres = [top + 0.13 * name.count("\n") + _LINE / 2 for top, name in zip(tops, names, strict=True)]
    for centre, line, note in zip(centres, lines, notes, strict=True):
        _draw(axes, centre, [each for each in effects if (each.network, each.split) == line])
        style.note_right(axes, centre, note, _SIZE)
    firsts = [next(top for top, line in zip(tops, lines, strict=True) if line[0] == network) for network in networks]
    edges = [*firsts, height]
    drawn = False
    for number, network in enumerate(networks):
        if number:
            axes.axhline(edges[number], color=BLACK, linewidth=0.5)
        for value, text in of_network(network, effects, published):
            axes.plot([value] * 2, [edges[number], edges[number + 1]], color=VERMILLION, linewidth=1.2, zorder=1)
            axes.text(value, edges[number] + 0.02, f" {text}", color=VERMILLION, fontsize=6.5, va="top", zorder=4)
            drawn = True
    for top, name in zip(tops, names, strict=True):
        if "\n" in name:
            bold: dict[str, Any] = {"ha": "right", "va": "top", "fontsize": _SIZE, "fontweight": "bold"}
            axes.text(-0.015, top + 0.03, name.rpartition("\n")[0], transform=axes.get_yaxis_transform(), **bold)
    style.label_rows(axes, centres, splits, (height, 0), "Macro accuracy in %", margin=0.06)
    axes.grid(axis="x")
    figure.legend(handles=_entries(effects, drawn), loc="lower center", ncols=2, borderpad=0.1)
    return figure


def _draw(axes: Axes, centre: float, effects: Sequence[ProtocolEffect]) -> None:
    means = [each.mean for each in effects]
    axes.plot([min(means), max(means)], [centre] * 2, color=GREY, linewidth=1.4, zorder=2)
    for each in effects:
        marker, colour = _MARKERS.get(each.epoch_rule, ("o", BLUE))
        if each.epoch_rule == effects[0].epoch_rule:
            folds = list(each.folds.values())
            axes.plot(folds, [centre + 0.08] * len(folds), "o", color=_PALE, ms=3, mew=0, zorder=2)
        axes.plot([each.mean], [centre], marker, color=colour, mec=BLACK, mew=0.9, ms=5, zorder=3)


def _note(effects: Sequence[ProtocolEffect]) -> str:
    return " → ".join(accuracy(each.mean) for each in effects)


def _entries(effects: Sequence[ProtocolEffect], published: bool) -> list[Line2D]:
    entries = []
    for rule in dict.fromkeys(each.epoch_rule for each in effects):
        marker, colour = _MARKERS.get(rule, ("o", BLUE))
        label = f"mean over folds, epoch: {epoch_name(rule)}"
        entries.append(style.legend_marker(label, colour, marker, mec=BLACK, mew=0.9, ms=5))
    # The folds of a line are those of its first rule.
    first = {(each.network, each.split): each.epoch_rule for each in reversed(effects)}
    (rule, *others) = dict.fromkeys(first.values())
    label = "one fold, first epoch rule of the line" if others else f"one fold, epoch: {epoch_name(rule)}"
    entries.append(style.legend_marker(label, _PALE, mew=0, ms=3))
    if published:
        entries.append(Line2D([], [], color=VERMILLION, linewidth=1.2, label="published"))
    return entries
