"""The effect of each protocol alone on a network's accuracy, with the published number."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from harness.choices import EpochRule
from harness.comparisons.protocols import ProtocolEffect
from harness.report.cells import accuracy
from harness.report.protocol_tables import EPOCHS
from harness.report.published import Published, of_network
from harness.report.style import BLACK, BLUE, GREY, TEXT_WIDTH, VERMILLION, literal, place, text_inches, wrapped

_LINE, _BELOW, _EDGE, _SIZE = 0.3, 0.86, 0.1, 7.5
_MARKERS: dict[str, tuple[str, str]] = {
    EpochRule.FIXED: ("o", BLUE),
    EpochRule.BEST_ON_VALIDATION: ("s", GREY),
    EpochRule.BEST_ON_TEST: ("D", "white"),
}
# Ratio of the widths of bold and plain text.
_BOLD = 1.16
_PALE = "#9EC9E2"


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
        f"{wrapped(literal(network), 32)}\n{split}" if position == 0 or lines[position - 1][0] != network else split
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
    left = max(text_inches(splits, _SIZE), _BOLD * text_inches(headings, _SIZE)) + 0.14
    right = text_inches(notes, _SIZE) + 0.18
    figure = Figure(figsize=(TEXT_WIDTH, _BELOW + height + _EDGE))
    axes = place(figure, left, _BELOW, TEXT_WIDTH - left - right, height)
    centres = [top + 0.13 * name.count("\n") + _LINE / 2 for top, name in zip(tops, names, strict=True)]
    for centre, line, note in zip(centres, lines, notes, strict=True):
        _draw(axes, centre, [each for each in effects if (each.network, each.split) == line])
        axes.text(1.015, centre, note, transform=axes.get_yaxis_transform(), va="center", fontsize=_SIZE)
    firsts = [next(top for top, line in zip(tops, lines, strict=True) if line[0] == network) for network in networks]
    edges = [*firsts, height]
    drawn = False
    for number, network in enumerate(networks):
        if number:
            axes.axhline(edges[number], color=BLACK, linewidth=0.5)
        for value, text in of_network(network, effects, published):
            axes.plot([value] * 2, [edges[number], edges[number + 1]], color=VERMILLION, linewidth=1.2, zorder=1)
            axes.text(
                value, edges[number] + 0.02, f" {text}", color=VERMILLION, fontsize=6.5, va="top", ha="left", zorder=4
            )
            drawn = True
    axes.set_yticks(centres, splits)
    for top, name in zip(tops, names, strict=True):
        if "\n" in name:
            heading = name.rpartition("\n")[0]
            axes.text(
                -0.015,
                top + 0.03,
                heading,
                transform=axes.get_yaxis_transform(),
                ha="right",
                va="top",
                fontsize=_SIZE,
                fontweight="bold",
            )
    axes.set_ylim(height, 0)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Macro accuracy in %")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 5, 10]))
    axes.grid(axis="x")
    axes.margins(x=0.06)
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
        label = f"mean over folds, epoch: {EPOCHS.get(rule, rule)}"
        entries.append(Line2D([], [], linestyle="", marker=marker, color=colour, mec=BLACK, mew=0.9, ms=5, label=label))
    first = EPOCHS.get(effects[0].epoch_rule, effects[0].epoch_rule)
    entries.append(
        Line2D([], [], linestyle="", marker="o", color=_PALE, mew=0, ms=3, label=f"one fold, epoch: {first}")
    )
    if published:
        entries.append(Line2D([], [], color=VERMILLION, linewidth=1.2, label="published"))
    return entries
