"""Every figure of a report with its caption, which states what is drawn, what each spread is over, and n."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from harness.report import wording
from harness.report.cells import count
from harness.report.claim_figures import DUMBBELLS_ABREAST, dumbbell_figure
from harness.report.claim_tables import addressed, sample_size
from harness.report.clip_figures import hard_clip_figure
from harness.report.confusion import confusion_figure
from harness.report.contrast_figures import contrast_figure, drawn_pairs
from harness.report.contrast_tables import printed_pairs
from harness.report.curves import curves_figure
from harness.report.evidence import Evidence
from harness.report.fold_figures import fold_figure
from harness.report.protocol_figures import protocol_figure
from harness.report.published import is_macro, marked, published_accuracies
from harness.report.search_figures import search_figure
from harness.report.search_tables import searches_of
from harness.report.style import figure_style, pdf_bytes, png_bytes

TOPICS = ("protocols", "claims", "contrasts", "folds", "confusion", "clips", "search", "curves")
"""Topics of figures, not in the order of the document."""


@dataclass(frozen=True)
class FigureEntry:
    """A figure of the report: stem of its files below figures/, and its caption in plain text."""

    name: str
    caption: str


def draw_all(
    evidence: Evidence, kept: Mapping[str, bytes] | None = None
) -> tuple[dict[str, list[FigureEntry]], dict[str, bytes]]:
    """Return the figures' entries by topic (:data:`TOPICS`), and their PDF and PNG files by path in the report.

    ``kept`` holds files of an earlier report, from which learning curves are taken if the record has no history.
    """
    marks = wording.short_marks(evidence.record, evidence.scores)
    entries: dict[str, list[FigureEntry]] = {topic: [] for topic in TOPICS}
    files: dict[str, bytes] = {}
    with figure_style():
        for topic, name, draw, caption in _figures(evidence):
            figure = draw()
            earlier = {path: content for path, content in (kept or {}).items() if Path(path).stem == name}
            if figure is None and earlier:
                entries[topic].append(FigureEntry(name, f"{caption} {marks}".strip()))
                files |= earlier
            if figure is None:
                continue
            entries[topic].append(FigureEntry(name, f"{caption} {marks}".strip()))
            files[f"figures/{name}.pdf"] = pdf_bytes(figure)
            files[f"figures/{name}.png"] = png_bytes(figure)
    return entries, files


def figures_there(evidence: Evidence, stems: Collection[str]) -> dict[str, list[FigureEntry]]:
    """Return the entries by topic of the figures whose file stem is among ``stems``; nothing is drawn."""
    marks = wording.short_marks(evidence.record, evidence.scores)
    entries: dict[str, list[FigureEntry]] = {topic: [] for topic in TOPICS}
    for topic, name, _, caption in _figures(evidence):
        if name in stems:
            entries[topic].append(FigureEntry(name, f"{caption} {marks}".strip()))
    return entries


_Drawn = tuple[str, str, Callable[[], Figure | None], str]
"""Topic, file stem, the function that draws the figure (None if there is nothing to draw), and caption."""


def _figures(evidence: Evidence) -> Iterator[_Drawn]:
    fused = [arm.name for arm in evidence.record.spec.arms if arm.is_fused]
    yield _protocols(evidence)
    yield _folds(evidence, fused)
    yield from _dumbbells(evidence)
    yield _contrasts(evidence)
    yield _hard_clips(evidence, fused)
    yield from _by_arm(evidence, fused)


def _protocols(evidence: Evidence) -> _Drawn:
    published = published_accuracies(evidence)
    caption = (
        "The same networks under several protocols: macro accuracy in percent, mean over folds with seeds averaged "
        f"first; {wording.sample_size(evidence.scores)}. Beside each line the means, in the order of the legend."
    )
    if published:
        caption += f" Vertical lines: published accuracies, whatever their protocol.{marked(published)}"
    return "protocols", "protocols", partial(protocol_figure, evidence.protocols, published), caption


def _folds(evidence: Evidence, fused: Sequence[str]) -> _Drawn:
    caption = (
        "Macro accuracy in percent: a dot for each fold (seeds averaged first), the mean, one standard deviation "
        f"{wording.OVER_FOLDS}, and the {evidence.confidence} interval of the mean over folds, corrected for training "
        f"sets that overlap; {wording.sample_size(evidence.scores)}. A fold lies at the same height in every band."
    )
    drawn = [each for each in evidence.claims if is_macro(evidence.scores, each)]
    if drawn:
        caption += " Vertical lines: published accuracies."
    if any(each.is_reference for each in drawn):
        caption += f" {wording.REFERENCE}"
    if any(each.differences and not each.is_reference for each in drawn):
        caption += " Dotted: measured under other conditions, so not comparable."
    if any(each.published is not None for each in drawn):
        caption += " ± after a published accuracy: its own SD over folds."
    draw = partial(fold_figure, evidence.scores, fused, intervals=evidence.intervals, claims=evidence.claims)
    return "folds", "fold-accuracies", draw, caption


def _dumbbells(evidence: Evidence) -> Iterator[_Drawn]:
    shown = [each for each in evidence.claims if each.classes]
    for number, first in enumerate(range(0, len(shown), DUMBBELLS_ABREAST)):
        pair = shown[first : first + DUMBBELLS_ABREAST]
        named = " and ".join(f"{each.arm} ({addressed(each)})" for each in pair)
        caption = (
            f"Accuracy per class, published and measured: {named}. Measured: mean over folds, seeds averaged first; "
            f"{sample_size(pair)}. Average: unweighted mean of the classes, the published one as printed."
        )
        name = "claimed-classes" if number == 0 else f"claimed-classes-{number + 1}"
        yield "claims", name, partial(dumbbell_figure, pair, evidence.record.classes), caption


def _contrasts(evidence: Evidence) -> _Drawn:
    pairs = printed_pairs(evidence)
    paired = [each for each in pairs if each.folds]
    folds = sorted({len(each.folds) for each in paired})
    caption = (
        "Differences in macro accuracy between arms in points, paired by fold: a dot for each fold (seeds averaged "
        f"first), the mean, and its {evidence.confidence} interval over folds, corrected for training sets that "
        f"overlap; n = {' or '.join(map(str, folds))} folds. Grey: the margin of equivalence."
    )
    drawn = len(drawn_pairs(paired))
    if drawn < len(paired):
        caption += f" The first {drawn} of {len(paired)} pairs are drawn; the table has all."
    return "contrasts", "contrasts", partial(contrast_figure, pairs, evidence.margin), caption


def _hard_clips(evidence: Evidence, fused: Sequence[str]) -> _Drawn:
    several = len(evidence.scores.folds["arm"].unique()) > 1
    rescued = len(evidence.clips.only_fusion) > 0
    draw = partial(hard_clip_figure, evidence.clips, evidence.record.classes, fusion=rescued) if several else _nothing
    caption = (
        f"Clips by true class, of {evidence.clips.n_clips:,} tested: those that no arm classed correctly with any seed"
    )
    if rescued:
        caption += ", and those that a fused arm classed correctly with every seed and none of its streams with any"
    caption += ". Classes without such a clip are left out."
    if fused and not rescued:
        caption += " No fused arm got a clip right with every seed that its streams missed with all of theirs."
    return "clips", "hard-clips", draw, caption


def _by_arm(evidence: Evidence, fused: Sequence[str]) -> Iterator[_Drawn]:
    record = evidence.record
    arms = [str(arm) for arm in evidence.scores.arms["arm"]]
    stems, searches = unique_stems(arms), searches_of(record)
    for arm in arms:
        if arm in evidence.scores.confusions:
            counts = evidence.scores.confusions[arm]
            clips = record.predictions.loc[record.predictions["arm"] == arm, "clip_id"].nunique()
            note = f"n = {int(counts.sum()):,} tests of {clips:,} clips, folds and seeds together"
            draw = partial(confusion_figure, counts, record.classes, arm, note)
            caption = f"Confusion matrix of {arm}: percent of each true class; {note}."
            yield "confusion", f"confusion-{stems[arm]}", draw, caption
        if arm in searches:
            yield (
                "search",
                f"search-{stems[arm]}",
                partial(search_figure, searches[arm], arm),
                _search_caption(arm, searches[arm]),
            )
        history = record.history[record.history["arm"] == arm] if len(record.history) else record.history
        if arm not in fused:
            trained = record.predictions[record.predictions["arm"] == arm]
            n_folds, n_seeds = int(trained["fold"].nunique()), int(trained["seed"].nunique())
            caption = (
                f"Training curves of {arm}: each fold thin (mean of {count(n_seeds, 'seed')}), the mean over "
                f"{count(n_folds, 'fold')} thick; it ends where the first fold stops."
            )
            yield (
                "curves",
                f"curves-{stems[arm]}",
                partial(curves_figure, history, arm) if len(history) else _nothing,
                caption,
            )


def _nothing() -> None:
    """Draw nothing."""


def _search_caption(arm: str, search: Mapping[str, object]) -> str:
    caption = (
        f"Search of {arm}: each trial's validation macro accuracy, mean over the folds that it ran, and the best "
        "complete trial so far."
    )
    if search.get("importance"):
        caption += " Importance: share of the variance between trials (fANOVA)."
    return caption


def file_stem(name: str) -> str:
    """Return ``name`` in small letters, digits and hyphens, safe in file names, labels and LaTeX."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-") or "arm"


def unique_stems(names: Sequence[str]) -> dict[str, str]:
    """Return a different file stem for every name."""
    stems: dict[str, str] = {}
    for name in names:
        stem, number = file_stem(name), 1
        while stem in stems.values():
            number += 1
            stem = f"{file_stem(name)}-{number}"
        stems[name] = stem
    return stems
