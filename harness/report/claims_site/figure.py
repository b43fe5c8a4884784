"""The figures: accuracies of one data set by protocol, and outcomes of the audit by check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from matplotlib.figure import Figure

from harness.claims import Claim
from harness.report import style
from harness.report.claims_site.condition_groups import Protocol
from harness.report.report_section import Drawing

_ROW, _BELOW, _ABOVE, _SIZE, _SPREAD = 0.42, 0.78, 0.12, 7.5, 0.26
_MARKERS = {"claim": ("o", style.BLUE), "replication": ("D", style.VERMILLION), "reference": ("s", style.GREY)}
_OUTCOMES = {
    "consistent": style.SKY,
    "not consistent, or something else": style.ORANGE,
    "cannot be told": "#D9D9D9",
}


def protocol_drawing(groups: Mapping[Protocol, Sequence[Claim]], title: str, chance: float | None) -> Drawing:
    """Return the drawing of the accuracies of ``groups`` on the data set ``title``, with ``chance`` in percent."""
    level = "" if chance is None else f" The vertical line is chance, {chance:.1f} %."
    caption = (
        f"Published accuracies on {title} by protocol, in percent: one mark for each number and version. Accuracies in "
        f"different rows answer different questions.{level} The tables below name every mark."
    )
    return Drawing("claims", caption, partial(_figure, groups, chance))


def _figure(groups: Mapping[Protocol, Sequence[Claim]], chance: float | None) -> Figure | None:
    if not groups:
        return None
    names = [f"{protocol.title}\n{_count(claims)}" for protocol, claims in groups.items()]
    left = style.text_inches((line for name in names for line in name.split("\n")), _SIZE) + 0.16
    height = _ROW * len(groups)
    figure = Figure(figsize=(style.TEXT_WIDTH + 0.6, _BELOW + height + _ABOVE))
    axes = style.place(figure, left, _BELOW, style.TEXT_WIDTH + 0.6 - left - 0.12, height)
    for row, claims in enumerate(groups.values()):
        for role, (marker, colour) in _MARKERS.items():
            own = sorted(claim.percent for claim in claims if claim.table.role == role)
            places = [row + _SPREAD * _offset(place) for place in range(len(own))]
            axes.plot(own, places, marker, color=colour, alpha=0.75, markersize=4.2, markeredgewidth=0, clip_on=False)
    for row in range(1, len(groups)):
        axes.axhline(row - 0.5, color="#D5D5D5", linewidth=0.6)
    if chance is not None:
        axes.axvline(chance, color=style.BLACK, linewidth=0.8, linestyle=(0, (3, 2)))
    axes.set_xlim(0, 100)
    style.label_rows(axes, range(len(groups)), names, (len(groups) - 0.5, -0.5), "Accuracy in %", margin=0)
    axes.grid(axis="x")
    roles = {claim.table.role for claims in groups.values() for claim in claims}
    handles = [
        style.legend_marker(role, colour, marker) for role, (marker, colour) in _MARKERS.items() if role in roles
    ]
    figure.legend(handles=handles, loc="lower center", ncols=3, borderpad=0.1)
    return figure


def outcome_figure(counts: Mapping[str, tuple[int, int, int]]) -> Figure:
    """Return the shares of ``counts`` of each check: consistent, not consistent or something else, cannot be told."""
    names = [f"{name}\nn = {sum(own)}" for name, own in counts.items()]
    left = style.text_inches((line for name in names for line in name.split("\n")), _SIZE) + 0.16
    height = _ROW * len(counts)
    figure = Figure(figsize=(style.TEXT_WIDTH, _BELOW + height + _ABOVE))
    axes = style.place(figure, left, _BELOW, style.TEXT_WIDTH - left - 0.2, height)
    outcomes = list(_OUTCOMES.items())
    for row, own in enumerate(counts.values()):
        start = 0.0
        for count, (_, colour) in zip(own, outcomes, strict=True):
            share = 100 * count / max(1, sum(own))
            axes.barh(row, share, left=start, color=colour, height=0.6)
            if count:
                axes.text(start + share / 2, row, str(count), ha="center", va="center", fontsize=_SIZE)
            start += share
    axes.set_xlim(0, 100)
    style.label_rows(axes, range(len(counts)), names, (len(counts) - 0.5, -0.5), "Share in %", margin=0)
    handles = [style.legend_marker(name, colour, "s") for name, colour in outcomes]
    figure.legend(handles=handles, loc="lower center", ncols=3, borderpad=0.1)
    return figure


def _offset(place: int) -> float:
    """Return a height for the mark at ``place``, so that close marks do not hide each other."""
    return (0.0, 0.55, -0.55, 1.0, -1.0)[place % 5]


def _count(claims: Sequence[Claim]) -> str:
    sources = len({claim.source.key for claim in claims})
    return f"{len(claims)} number{'s' * (len(claims) != 1)}, {sources} source{'s' * (sources != 1)}"
