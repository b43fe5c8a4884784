"""The parts of a report: sections of prose, tables and figures.

A section is defined once; its files, the LaTeX document and the front page are made from the same object.

All text is plain; it is escaped when a section is typeset.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

Item = TypeVar("Item")
Heading = str | tuple[str, str]
"""Heading of a table's column, or its group and its heading."""


@dataclass(frozen=True)
class Table:
    """One table as printed, with its data at full precision.

    Attributes
    ----------
    name
        Stem of its files and end of its label.
    title
        Short caption, for a list of tables.
    caption
        Full caption in plain text: unit, what each dispersion is over, and n.
    printed
        Cells in plain text, column headers plain text or pairs (group, header).
    data
        The same at full precision; fractions, counts and seconds.
    text_columns
        How many columns from the left hold words; they are aligned left and may wrap, the others are aligned right.
    rules
        Rows before which a thin rule is drawn.
    marked
        Whether its caption carries the study's marks: a table of main results, also printed without the report.
    further
        Whether most readers can skip it; a page folds it, and a document of many arms does not print it.
    words
        Positions of further columns that hold words; a page aligns them left, and sorts them as words.
    """

    name: str
    title: str
    caption: str
    printed: pd.DataFrame
    data: pd.DataFrame
    text_columns: int = 1
    rules: tuple[int, ...] = ()
    marked: bool = False
    further: bool = False
    words: tuple[int, ...] = ()

    def holds_words(self, column: int) -> bool:
        """Return whether the column at a position, counted from 0, holds words."""
        return column < self.text_columns or column in self.words


@dataclass(frozen=True)
class Drawing:
    """A figure that is drawn on request.

    Attributes
    ----------
    name
        Stem of its files.
    caption
        Caption in plain text: what is drawn, what each spread is over, and n.
    draw
        Returns the figure, or None if there is nothing to draw.
    """

    name: str
    caption: str
    draw: Callable[[], Figure | None]


@dataclass(frozen=True)
class Confusion(Drawing):
    """A confusion matrix; a page shows it as a table whose cells open the list of their clips.

    Attributes
    ----------
    arm, classes
        The arm, and the names of the C classes.
    counts
        Clips by true class (rows) and predicted class (columns), int64, shape (C, C).
    """

    arm: str
    classes: tuple[str, ...]
    counts: NDArray[np.int64] = field(compare=False)


@dataclass(frozen=True)
class Curves(Drawing):
    """The learning curves of an arm; a page also shows those of each training.

    ``history`` has the columns of ``StudyRecord.history``, for ``arm`` alone; it may be empty.
    """

    arm: str
    history: pd.DataFrame = field(compare=False)


@dataclass(frozen=True)
class Paragraph:
    """Sentences of one paragraph, with an optional heading in the same line."""

    sentences: tuple[str, ...]
    heading: str = ""


@dataclass(frozen=True)
class Items:
    """A list, with an optional heading above."""

    items: tuple[str, ...]
    heading: str = ""


@dataclass(frozen=True)
class Command:
    """A shell command on one line."""

    line: str


@dataclass(frozen=True)
class Facts:
    """Names and values in two columns: a selection of what the file ``source`` of the report contains."""

    rows: tuple[tuple[str, str], ...]
    source: str


@dataclass(frozen=True)
class Finding:
    """One result of the study.

    Attributes
    ----------
    sentence
        The result with its numbers.
    verdict
        Its verdict in small letters; empty if it has none.
    basis
        What the verdict rests on, for readers who ask for it; printed documents have it with the comparison.
    """

    sentence: str
    verdict: str = ""
    basis: str = ""

    @property
    def text(self) -> str:
        """The verdict and the sentence."""
        return f"{self.verdict.capitalize()}: {self.sentence}" if self.verdict else self.sentence


@dataclass(frozen=True)
class Findings:
    """The results of the study, the most important first; a list in printed documents, cards on a page."""

    found: tuple[Finding, ...]
    heading: str = ""

    @property
    def items(self) -> tuple[str, ...]:
        """The findings as sentences."""
        return tuple(each.text for each in self.found)


Prose = tuple[Paragraph | Items | Findings | Command | Facts, ...]


@dataclass(frozen=True)
class Section:
    """One section of a report.

    Attributes
    ----------
    key
        Its name in code: lower-case letters, digits and hyphens.
    title
        Its heading.
    before, after
        Prose before and after the tables.
    tables
        Its tables in order.
    figures
        Its figures in order, after everything else.
    front
        Tables that represent the section, with its figures, if the front page shows it.
    """

    key: str
    title: str
    before: Prose = ()
    tables: tuple[Table, ...] = ()
    after: Prose = ()
    figures: tuple[Drawing, ...] = ()
    front: tuple[Table, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing below the heading."""
        return not (self.before or self.tables or self.after or self.figures)


def row_percent(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return counts, shape (C, C), as percent of each row; NaN in the row of a class without clips."""
    totals = counts.sum(axis=1, keepdims=True).astype(np.float64)
    percent = np.full(counts.shape, np.nan)
    np.divide(100.0 * counts, totals, out=percent, where=totals > 0)
    return percent


def grid(items: Iterable[Item], columns: Mapping[Heading, Callable[[Item], str]]) -> pd.DataFrame:
    """Return the printed cells of a table with a row for each of ``items``.

    Parameters
    ----------
    items
        What the rows are about.
    columns
        By heading, the function that returns the cell of an item.
    """
    return headed([[cell(item) for cell in columns.values()] for item in items], columns)


def headed(rows: Sequence[Sequence[str]], headings: Iterable[Heading]) -> pd.DataFrame:
    """Return printed cells with ``headings``: of two levels if any is a pair, then others have an empty group."""
    columns = list(headings)
    if any(isinstance(heading, tuple) for heading in columns):
        pairs = [heading if isinstance(heading, tuple) else ("", heading) for heading in columns]
        return pd.DataFrame(rows, columns=pd.MultiIndex.from_tuples(pairs))
    return pd.DataFrame(rows, columns=columns)


def paged(name: str, items: Sequence[Item], most: int) -> Iterator[tuple[str, Sequence[Item]]]:
    """Yield ``items`` in pages of at most ``most``, each with its name: ``classes``, ``classes-2``."""
    for number, first in enumerate(range(0, len(items), most)):
        yield numbered(name, number), items[first : first + most]


def numbered(name: str, number: int) -> str:
    """Return the name of the page ``number``, counted from 0: ``classes``, ``classes-2``."""
    return name if number == 0 else f"{name}-{number + 1}"


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
