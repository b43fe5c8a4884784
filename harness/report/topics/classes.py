"""Accuracy, precision, recall and F1 per class, and each arm's confusion matrix in percent of each true class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import ArrayLike, NDArray

from harness.report import style
from harness.report.evidence import Evidence
from harness.report.report_section import Confusion, Drawing, Section, Table, headed, paged, row_percent
from harness.report.style import RUN_DPI, TEXT_WIDTH, TITLE_SIZE
from harness.report.wording import percent

ARMS_ABREAST = 12
"""The most arms in a table with one column per arm; more continue in a further table."""

MOST_NUMBERED = 16
"""Up to this number of classes cells show their number; above it, only their colour, with a colour bar."""

SCORES_ABREAST = 3
"""The most arms in a table of precision, recall and F1."""

_LONGEST_NAME = 26
# Inches: a numbered cell, the smallest matrix, an axis label, the line of the title and of the note, the colour bar.
_CELL, _SMALLEST, _LABEL, _LINE, _SCALE, _EDGE = 0.25, 1.5, 0.24, 0.26, 0.68, 0.04
_NOTE_SIZE = 7.0


def sections(evidence: Evidence) -> Iterator[Section]:
    """Yield the section on class accuracies and confusion matrices."""
    tables = (*_tables(evidence), *_score_tables(evidence))
    yield Section("classes", "Classes", tables=tables, figures=tuple(_drawings(evidence)))


def _tables(evidence: Evidence) -> Iterator[Table]:
    """Yield class accuracies in the shape of Su et al. 2019, table 2: classes in rows, arms in columns, the average
    last."""
    classes, scores = evidence.record.classes, evidence.scores
    means = scores.class_means()
    arms = [arm for arm in means.columns if scores.folds_of(arm)]
    data = means[arms].copy()
    data.loc[len(classes)] = data.mean()
    data.insert(0, "class", [*classes, "average"])
    untested = scores.classes[scores.classes["accuracy"].isna()]
    caption = f"Accuracy per class in percent: {evidence.mean}. Average: unweighted mean of the classes."
    if not untested.empty:
        names = sorted({classes[position] for position in untested["class"]})
        caption += (
            f" Some folds have no test clip of {', '.join(names)}; such a class is averaged over the other folds."
        )
    for name, shown in paged("classes", arms, ARMS_ABREAST):
        rows = [
            [label, *map(percent, values)]
            for label, values in zip([*classes, "Average"], data[shown].to_numpy(float), strict=True)
        ]
        printed = headed(rows, ["Class", *shown])
        yield Table(name, "Accuracy per class", caption, printed, data[["class", *shown]], rules=(len(classes),))


def class_scores(counts: NDArray[np.int64], classes: Sequence[str]) -> pd.DataFrame:
    """Return a row for each class: its name, and what follows from the confusion matrix ``counts``, shape (C, C).

    Columns: ``class``, ``tests`` (clips of the class), ``assigned`` (clips assigned to it), ``correct`` (both),
    ``precision``, ``recall`` and ``f1`` (fractions). Precision is missing for a class that nothing was assigned to,
    recall for one without clips; F1 is 2 correct / (tests + assigned).
    """
    tests, assigned, correct = counts.sum(axis=1), counts.sum(axis=0), np.diag(counts)
    rows = {"class": list(classes), "tests": tests, "assigned": assigned, "correct": correct}
    for name, parts, whole in (
        ("precision", correct, assigned),
        ("recall", correct, tests),
        ("f1", 2 * correct, tests + assigned),
    ):
        rows[name] = np.divide(parts, whole, out=np.full(len(classes), np.nan), where=whole > 0)
    return pd.DataFrame(rows)


def _score_tables(evidence: Evidence) -> Iterator[Table]:
    """Yield precision, recall and F1 per class with counts: classes in rows, arms in columns."""
    confusions = evidence.scores.confusions
    arms = [arm for arm in evidence.stems if arm in confusions]
    scores = {arm: class_scores(confusions[arm], evidence.record.classes) for arm in arms}
    caption = (
        "Precision, recall and F1 per class in percent. Tests: clips of the class, folds and seeds together; the CSV "
        "also has the clips assigned to it and those that are correct. Scores are of these counts, not means over "
        "folds."
    )
    for name, shown in paged("class-scores", arms, SCORES_ABREAST):
        rows = [
            [
                label,
                *(
                    cell
                    for arm in shown
                    for row in [scores[arm].iloc[position]]
                    for cell in (
                        f"{int(row['tests']):,}",
                        *(percent(row[key]) for key in ("precision", "recall", "f1")),
                    )
                ),
            ]
            for position, label in enumerate(evidence.record.classes)
        ]
        columns = ("Tests", "Precision", "Recall", "F1")
        printed = headed(rows, [("", "Class"), *((arm, column) for arm in shown for column in columns)])
        data = pd.concat([scores[arm].assign(arm=arm) for arm in shown], ignore_index=True)
        data.insert(0, "arm", data.pop("arm"))
        whose = f": {', '.join(shown)}" if len(arms) > len(shown) else ""
        title = f"Precision, recall and F1 per class{whose}"
        yield Table(name, title, caption, printed, data, further=shown[0] != arms[0])


def _drawings(evidence: Evidence) -> Iterator[Drawing]:
    predictions, classes = evidence.record.predictions, evidence.record.classes
    for arm, stem in evidence.stems.items():
        if arm in evidence.scores.confusions:
            counts = evidence.scores.confusions[arm]
            clips = predictions.loc[predictions["arm"] == arm, "clip_id"].nunique()
            note = f"n = {int(counts.sum()):,} tests of {clips:,} clips, folds and seeds together"
            caption = f"Confusion matrix of {arm}: percent of each true class; {note}."
            draw = partial(confusion_figure, counts, classes, arm, note)
            yield Confusion(f"confusion-{stem}", caption, draw, arm, classes, counts)


def confusion_png(y_true: ArrayLike, y_pred: ArrayLike, classes: Sequence[str], title: str) -> bytes:
    """Return the confusion matrix of one test as PNG: percent of each true class, and the number of clips.

    Parameters
    ----------
    y_true, y_pred
        True and predicted labels, integers in 0..C-1, shape (n_clips,).
    classes
        Names of the C classes.
    title
        Printed above the matrix.

    Raises
    ------
    ValueError
        When the two differ in length or hold a label that has no class.
    """
    true, predicted = np.asarray(y_true, dtype=np.int64), np.asarray(y_pred, dtype=np.int64)
    n = len(classes)
    if true.shape != predicted.shape or true.ndim != 1:
        raise ValueError(
            f"y_true and y_pred must be two rows of equal length, received {true.shape} and {predicted.shape}"
        )
    both = np.concatenate([true, predicted])
    if len(both) and (both.min() < 0 or both.max() >= n):
        raise ValueError(f"labels must lie in 0..{n - 1}")
    counts = np.zeros((n, n), dtype=np.int64)
    np.add.at(counts, (true, predicted), 1)
    with style.figure_style():
        note = f"Percent of each true class, below it the number of clips; {len(true):,} clips"
        figure = confusion_figure(counts, classes, title, note, counted=True)
        return style.png_bytes(figure, dpi=RUN_DPI)


def confusion_figure(
    counts: NDArray[np.int64], classes: Sequence[str], title: str, note: str, *, counted: bool = False
) -> Figure:
    """Return the figure of one confusion matrix.

    Parameters
    ----------
    counts
        Clips by true class (rows) and predicted class (columns), int64, shape (C, C).
    classes
        Names of the C classes.
    title
        Printed above the matrix.
    note
        Printed below the matrix: what was counted.
    counted
        Whether cells with numbers have the number of clips as well.
    """
    n = len(classes)
    numbered = n <= MOST_NUMBERED
    size = 7.0 if n <= 12 else 6.0 if n <= 30 else 4.8
    names = [style.literal(name, _LONGEST_NAME) for name in classes]
    room = style.text_inches(names, size) + 0.08
    turned = n > 6 or room > _CELL
    left, right = _LABEL + room, 0.1 if numbered else _SCALE
    side = max(_SMALLEST, _CELL * n) if numbered else TEXT_WIDTH - left - right
    below = _LINE + _LABEL + (room if turned else 0.2)
    heading, remark = style.literal(title, 70), style.literal(note)
    words = max(style.text_inches([heading], TITLE_SIZE), style.text_inches([remark], _NOTE_SIZE))
    figure = Figure(figsize=(max(left + side + right, words + 2 * _EDGE), _LINE + side + below))
    axes = style.place(figure, left, below, side, side)
    image = _draw(axes, row_percent(counts), counts if counted else None, numbered=numbered)
    # As text: a tick with its lines takes four times as long, and there are up to a hundred.
    axes.set_axis_off()
    gap = 0.03 / side * n
    for position, name in enumerate(names):
        axes.text(-0.5 - gap, position, name, ha="right", va="center", fontsize=size)
        axes.text(position, n - 0.5 + gap, name, ha="center", va="top", fontsize=size, rotation=90 if turned else 0)
    style.write(figure, _EDGE, _LINE + side + below - _EDGE, heading, va="top", fontsize=TITLE_SIZE)
    style.write(figure, _EDGE, _EDGE, remark, va="bottom", fontsize=_NOTE_SIZE)
    style.write(figure, left + side / 2, _LINE, "Predicted class", ha="center", va="bottom")
    style.write(figure, _EDGE, below + side / 2, "True class", rotation=90, ha="left", va="center")
    if not numbered:
        bar = figure.colorbar(image, cax=style.place(figure, left + side + 0.1, below + side / 2, 0.1, side / 2))
        bar.set_label("Percent of true class")
        bar.outline.set_visible(False)
    return figure


def _draw(axes: Axes, percent: NDArray[np.float64], counts: NDArray[np.int64] | None, *, numbered: bool) -> AxesImage:
    n = len(percent)
    image = axes.imshow(percent, cmap="Blues", vmin=0, vmax=100, aspect="auto", interpolation="nearest")
    between = np.arange(n - 1) + 0.5
    for lines in (axes.hlines, axes.vlines):
        lines(between, -0.5, n - 0.5, colors="white" if numbered else "#EEEEEE", linewidth=1.0 if numbered else 0.3)
    axes.set_xlim(-0.5, n - 0.5)
    axes.set_ylim(n - 0.5, -0.5)
    if numbered:
        for row, column in zip(*np.nonzero(np.nan_to_num(percent)), strict=True):
            value = percent[row, column]
            clips = "" if counts is None else f"\n{counts[row, column]}"
            axes.text(
                column,
                row,
                (f"{value:.0f}" if value >= 0.5 else "<1") + clips,
                ha="center",
                va="center",
                fontsize=6.5 if counts is None else 5.5,
                color="white" if value > 55 else "black",
            )
    return image
