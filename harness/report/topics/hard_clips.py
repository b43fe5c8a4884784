"""Hard clips: those missed by every arm, and those that only a fusion gets right, as tables and by class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from operator import itemgetter

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from harness.comparisons.missed_clips import HardClips
from harness.report import style
from harness.report.cells import count
from harness.report.evidence import Evidence
from harness.report.report_section import Drawing, Section, Table, grid
from harness.report.style import BLACK, GREEN, GREY, TEXT_WIDTH, TITLE_SIZE
from harness.report.wording import percent

MOST_LISTED = 30
"""The most rows of a printed table; its CSV has all clips."""

_LONGEST_NAME = 26
# Inches: a class; space above and below the panels, between them, and at the right edge for a bar's number.
_ROW, _ABOVE, _BELOW, _GAP, _EDGE = 0.19, 0.3, 0.42, 0.3, 0.3


def sections(evidence: Evidence) -> Iterator[Section]:
    """Yield the section on hard clips; the misses of a single arm are none."""
    several = len(evidence.scores.folds["arm"].unique()) > 1
    tables = _missed(evidence) if several else None, _only_fusion(evidence)
    figures = (_drawing(evidence),) if several else ()
    yield Section("clips", "Hard clips", tables=tuple(filter(None, tables)), figures=figures)


def _missed(evidence: Evidence) -> Table | None:
    data = evidence.clips.missed_by_all
    if data.empty:
        return None
    ordered = data.sort_values(["share", "class", "fold", "clip_id"], ascending=[False, True, True, True])
    # Clips of one recording fail together: with one row per clip, a few recordings would fill the table.
    together = ordered.groupby(["recording", "fold", "class", "predicted"], sort=False, observed=True)
    rows = together.agg(clip=("clip_id", "first"), clips=("clip_id", "size"), share=("share", "mean")).reset_index()
    rows = rows.sort_values(["clips", "share"], ascending=False, kind="stable")
    printed = grid(
        rows.head(MOST_LISTED).to_dict("records"),
        {
            "Recording": itemgetter("recording"),
            "First clip": itemgetter("clip"),
            "Class": itemgetter("class"),
            "Predicted": itemgetter("predicted"),
            "Clips": lambda row: str(row["clips"]),
            "Agreement": lambda row: percent(row["share"], digits=0),
            "Fold": lambda row: str(row["fold"]),
        },
    )
    listed = "" if len(rows) <= MOST_LISTED else f" A row is a recording: {MOST_LISTED} of {len(rows):,} are listed."
    caption = (
        f"Clips that no arm classified correctly with any seed: {len(data):,} of {evidence.clips.n_clips:,} tested "
        f"clips, by recording.{listed} Predicted: the most frequent wrong class; agreement: its share of the tests "
        "(arms and seeds) in percent. If many agree on one class, the label may be wrong. The CSV lists every clip."
    )
    title = "Clips that every arm misses"
    return Table("missed-clips", title, caption, printed, ordered.reset_index(drop=True), text_columns=4)


def _only_fusion(evidence: Evidence) -> Table | None:
    data = evidence.clips.only_fusion
    if data.empty:
        return None
    several = len(data["arm"].unique()) > 1
    printed = grid(
        data.head(MOST_LISTED).to_dict("records"),
        {
            "Clip": itemgetter("clip_id"),
            "Recording": itemgetter("recording"),
            "Class": itemgetter("class"),
            "Predicted by the streams": itemgetter("predicted"),
            **({"Fusion": itemgetter("arm")} if several else {}),
            "Fold": lambda row: str(row["fold"]),
        },
    )
    listed = "" if len(data) <= MOST_LISTED else f"; {MOST_LISTED} are listed, the CSV has all"
    which = "a fusion" if several else str(data["arm"].iloc[0])
    caption = (
        f"Clips that {which} classified correctly with every seed and none of its streams with any: "
        f"{count(len(data), 'case')} among {evidence.clips.n_clips:,} tested clips{listed}."
    )
    title = "Clips that only fusion gets right"
    words = printed.shape[1] - 1
    return Table("fusion-clips", title, caption, printed, data.reset_index(drop=True), text_columns=words)


def _drawing(evidence: Evidence) -> Drawing:
    rescued = len(evidence.clips.only_fusion) > 0
    caption = (
        f"Clips by true class, of {evidence.clips.n_clips:,} tested: those that no arm classified correctly with any "
        "seed"
    )
    if rescued:
        caption += ", and those that a fused arm classified correctly with every seed and none of its streams with any"
    caption += ". Classes without such a clip are left out."
    if evidence.fused and not rescued:
        caption += " No fused arm classified a clip correctly with every seed that its streams missed with all seeds."
    draw = partial(hard_clip_figure, evidence.clips, evidence.record.classes, fusion=rescued)
    return Drawing("hard-clips", caption, draw)


def hard_clip_figure(clips: HardClips, classes: Sequence[str], *, fusion: bool) -> Figure | None:
    """Return clips counted by true class; None if there are none. Classes without such a clip are left out.

    ``fusion`` adds a second panel with the clips that only a fusion gets right. A clip that several fusions get right
    counts once.
    """
    only = clips.only_fusion.drop_duplicates(["fold", "clip_id"])
    missed = clips.missed_by_all["class"].value_counts()
    rescued = only["class"].value_counts()
    named = [name for name in classes if missed.get(name, 0) or rescued.get(name, 0)]
    if not named:
        return None
    names = [style.literal(name, _LONGEST_NAME) for name in named]
    panels = [("Every arm misses", missed, GREY, "")]
    if fusion:
        panels.append(("Only fusion gets right", rescued, GREEN, "//"))
    left = style.text_inches(names, 7.5) + 0.12
    width = (TEXT_WIDTH - left - _EDGE - (_GAP + _EDGE) * (len(panels) - 1)) / len(panels)
    height = _ROW * len(named) + 0.1
    figure = Figure(figsize=(TEXT_WIDTH, _BELOW + height + _ABOVE))
    for position, (title, counts, colour, hatch) in enumerate(panels):
        axes = style.place(figure, left + position * (width + _GAP + _EDGE), _BELOW, width, height)
        values = [int(counts.get(name, 0)) for name in named]
        axes.barh(range(len(named)), values, color=colour, edgecolor=BLACK, linewidth=0.4, height=0.62, hatch=hatch)
        for row, value in enumerate(values):
            axes.annotate(f"{value:,}", (value, row), (3, 0), textcoords="offset points", va="center", fontsize=7)
        axes.set_yticks(range(len(named)), names if position == 0 else [""] * len(named))
        axes.set_ylim(len(named) - 0.5, -0.5)
        axes.set_xlim(0, max(1, *values) * 1.02)
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        axes.set_xlabel("Clips")
        axes.set_title(title, loc="left", fontsize=TITLE_SIZE - 1)
        axes.grid(axis="x")
    return figure
