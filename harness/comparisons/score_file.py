"""Fold accuracies read from a table, as people and programs write it.

Interpretations are listed in notes; ambiguous content is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from statistics import fmean

from harness.errors import ComparisonError
from harness.registry import DATASETS, described
from harness.statistics.seeds import Trainings, average_seeds
from harness.text.delimited import Line, Table, TableError, number, read_table
from harness.text.messages import shortened

# By column, its names: the first is ours and is taken where several are there.
_NAMES = {
    "fold": ("fold", "fold id", "fold no", "fold nr", "fold number", "test fold", "cv fold"),
    "accuracy": ("accuracy", "acc", "test accuracy", "test acc", "accuracy test", "acc test"),
    "seed": ("seed", "random seed"),
    "arm": ("arm", "method", "model", "system", "network"),
}
_PERCENT = re.compile(r"[\s_]*[(\[]?\s*(?:%|percent|pct)\s*[)\]]?$")
_NUMBERED = re.compile(r"fold[\s_.#-]*([0-9]+)", re.IGNORECASE)
_MEANS = ("mean", "average", "avg", "ave", "mean accuracy", "average accuracy", "overall", "overall mean", "ø")
_SPREADS = ("sd", "std", "stdev", "std dev", "standard deviation", "±")
_SAVE = "save the table as CSV in UTF-8, one cell a column, decimals with a point"


@dataclass(frozen=True)
class FoldScores:
    """The accuracies of a file.

    Attributes
    ----------
    arms
        By arm (the file's stem without such a column) the columns ``fold``, ``accuracy`` in percent and, where the file
        has it, ``seed``, with one entry per training.
    notes
        What was interpreted or left out, each in words.
    """

    arms: Mapping[str, Trainings]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Row:
    """The cells of one row that matter; ``seed`` is None without such a column."""

    where: str
    line: int
    arm: str
    fold: str
    accuracy: str
    seed: str | None


@dataclass
class _Reading:
    """A file while it is read."""

    path: Path
    decimal_comma: bool
    in_percent: bool = False
    notes: list[str] = field(default_factory=list)

    def value(self, text: str) -> float:
        """Return ``text`` as a number, with or without a percent sign; NaN where it is not a number."""
        return number(text.removesuffix("%"), decimal_comma=self.decimal_comma)


def read_scores(path: Path, dataset: str | None) -> FoldScores:
    """Read accuracies on folds of ``dataset``; without a data set any fold numbers are accepted.

    Columns are ``fold`` and ``accuracy``, and if any ``seed`` and ``arm``, or other common names of these (noted).
    Other columns are ignored. Accuracies are percent where they or their column's name have a percent sign, else
    fractions when none is above 1. Folds counted from 0 are moved up by one when all of a data set's are there. A row
    of means or SDs is left out. A file of numbers alone holds one accuracy per fold and their mean.

    Raises
    ------
    ComparisonError
        When the file cannot be read, a column is missing or duplicated, a number is invalid, a fold is not one of the
        data set's, or a fold (and seed) of an arm occurs twice; the message names file, line and value.
    """
    try:
        table = read_table(path, comments=True)
    except OSError as error:
        raise ComparisonError(f"{path}: cannot be read: {error.strerror or error}; give a CSV file") from None
    except TableError as error:
        where = f"{path}, line {error.line}" if error.line else str(path)
        raise ComparisonError(f"{where}: {error.fault}; {_SAVE}") from None
    reading = _Reading(path, table.decimal_comma, notes=list(table.notes))
    rows = _rows(reading, _named(reading, table, dataset))
    footers = [row for row in rows if _summary(row.fold)]
    rows = [row for row in rows if not _summary(row.fold)]
    if not rows:
        raise ComparisonError(f"{path}: there is no row below the first line; write one per fold (and seed)")
    accuracies = [_accuracy(reading, row) for row in rows]
    factor = _percent_factor(reading, rows, accuracies)
    arms = _arms(rows, _folds(reading, rows, dataset), accuracies)
    reading.notes.extend(_left_out(reading, row, rows, arms) for row in footers)
    for columns in arms.values():
        columns["accuracy"] = [factor * value for value in columns["accuracy"]]
    return FoldScores(arms, tuple(reading.notes))


def _named(reading: _Reading, table: Table, dataset: str | None) -> Table:
    """Return ``table`` with a header: one accuracy per fold and their mean, as AST's recipe writes them, have none."""
    lines = (Line(1, table.header), *table.lines)
    cells = [(line.number, cell) for line in lines for cell in line.cells]
    values = [reading.value(cell) for _, cell in cells]
    if not values or not all(map(math.isfinite, values)) or (len(table.header) > 1 and table.lines):
        return table
    folds = described(dataset or "", len(values) - 1).folds
    what = f"{reading.path}: {len(values)} number{'s' * (len(values) > 1)} without names of columns"
    remedy = "write a first line fold,accuracy and one line per fold"
    if len(values) != len(folds) + 1 or len(folds) < 2:
        raise ComparisonError(f"{what}; {dataset or 'a file'} would have one per fold and their mean; {remedy}")
    *own, stated = values
    if abs(stated - fmean(own)) > _rounding([cell for _, cell in cells]):
        raise ComparisonError(
            f"{what}, and the last, {stated:g}, is not the mean of the others, {fmean(own):g}; {remedy}"
        )
    reading.notes.append(
        f"without names of columns, {len(folds)} numbers are read as the accuracies of folds {folds[0]} to "
        f"{folds[-1]}, and the last one as their mean"
    )
    named = [Line(line, (str(fold), cell)) for fold, (line, cell) in zip(folds, cells[:-1], strict=True)]
    return Table(("fold", "accuracy"), tuple(named), table.delimiter, ())


def _rows(reading: _Reading, table: Table) -> list[_Row]:
    """Return the rows by the meaning of their columns."""
    path, positions = reading.path, _columns(reading, table.header)
    for name in ("fold", "accuracy"):
        if name not in positions:
            raise ComparisonError(
                f"{path}: there is no column {name!r}; the first line has: "
                f"{shortened(', '.join(table.header), 100) or 'nothing'}. Write fold and accuracy, and optionally "
                "seed and arm"
            )

    def cell(line: Line, name: str) -> str | None:
        return line.cells[positions[name]] if name in positions else None

    return [
        _Row(
            where=f"{path}, line {line.number}",
            line=line.number,
            arm=path.stem if (arm := cell(line, "arm")) is None else arm,
            fold=cell(line, "fold") or "",
            accuracy=cell(line, "accuracy") or "",
            seed=cell(line, "seed"),
        )
        for line in table.lines
    ]


def _columns(reading: _Reading, header: Sequence[str]) -> dict[str, int]:
    """Return where each column is, and note one that has another name than ours."""
    plain = [_PERCENT.sub("", re.sub(r"[\s_-]+", " ", name.lower())) for name in header]
    positions = {}
    for column, names in _NAMES.items():
        found = [at for at, name in enumerate(plain) if name in names]
        own = [at for at in found if plain[at] == column]
        if len(own) > 1:
            raise ComparisonError(f"{reading.path}: the column {column!r} occurs {len(own)} times; keep one")
        if len(found) > 1 and not own:
            several = " and ".join(repr(header[at]) for at in found)
            raise ComparisonError(
                f"{reading.path}: the columns {several} may each be the {column}; name the one that is {column!r}"
            )
        if found:
            positions[column] = at = (own or found)[0]
            if len(found) > 1 or not own:
                reading.notes.append(f"the column {header[at]!r} is read as the {column}")
            if column == "accuracy":
                reading.in_percent = bool(_PERCENT.search(header[at].lower()))
    return positions


def _accuracy(reading: _Reading, row: _Row) -> float:
    value = reading.value(row.accuracy)
    if not 0 <= value <= 100:
        raise ComparisonError(
            f"{row.where}: accuracy is {row.accuracy!r}; give a number in percent (0 to 100) or a fraction (0 to 1), "
            "with a decimal point"
        )
    return value


def _percent_factor(reading: _Reading, rows: Sequence[_Row], accuracies: Sequence[float]) -> int:
    """Return percentage points in one unit of the file's accuracies: 100 for fractions, 1 for percent."""
    path = reading.path
    for sign, name, advice in (
        ("%", "a percent sign", "write it behind all, or behind none"),
        (",", "a decimal comma", "write all with a decimal point"),
    ):
        # An integer has neither decimal sign.
        marked = [row for row in rows if sign in row.accuracy]
        others = [row for row in rows if sign not in row.accuracy and (sign == "%" or "." in row.accuracy)]
        if marked and others:
            raise ComparisonError(
                f"{path}: line {marked[0].line} has the accuracy {marked[0].accuracy!r} with {name} and line "
                f"{others[0].line} has {others[0].accuracy!r} without; {advice}"
            )
        if marked and sign == ",":
            reading.notes.append("decimal commas are read, since commas part no cells")
        if marked and sign == "%":
            reading.in_percent = True
    # 0 is the same in either unit.
    known = [(value, row) for value, row in zip(accuracies, rows, strict=True) if value > 0]
    largest, smallest = (pick(known, key=lambda each: each[0], default=None) for pick in (max, min))
    if largest is None or smallest is None:
        return 1
    if reading.in_percent and largest[0] > 1:
        return 1
    if reading.in_percent:
        raise ComparisonError(
            f"{path}: the accuracies are said to be percent, and none is above 1 (line {largest[1].line} has "
            f"{largest[1].accuracy!r}); write 81.2 % as 81.2, or as the fraction 0.812 without a percent sign"
        )
    if largest[0] <= 1:
        reading.notes.append("no accuracy is above 1, so they are read as fractions")
        return 100
    if smallest[0] <= 1:
        raise ComparisonError(
            f"{path}: line {smallest[1].line} has the accuracy {smallest[0]:g} and line {largest[1].line} has "
            f"{largest[0]:g}; write all in percent, or all as fractions"
        )
    return 1


def _folds(reading: _Reading, rows: Sequence[_Row], dataset: str | None) -> list[int]:
    """Return the fold of each row, counted from 1."""
    numbered = [_NUMBERED.fullmatch(row.fold) for row in rows]
    folds = [_whole(found[1] if found else row.fold, row, "fold") for found, row in zip(numbered, rows, strict=True)]
    if named := next(filter(None, numbered), None):
        reading.notes.append(f"folds such as {named[0]!r} are read by their number")
    if dataset is None or dataset not in DATASETS:
        return folds
    official = DATASETS.get(dataset).folds
    if set(folds) == {fold - 1 for fold in official}:
        reading.notes.append(
            f"folds {min(folds)} to {max(folds)} are counted from 0, so they are read as {official[0]} to "
            f"{official[-1]}"
        )
        return [fold + 1 for fold in folds]
    for fold, row in zip(folds, rows, strict=True):
        if fold not in official:
            counted = "; folds counted from 0 are read where each of them is there" if fold == 0 else ""
            raise ComparisonError(
                f"{row.where}: fold {fold} is none of {dataset}, whose folds are {official[0]} to {official[-1]}"
                f"{counted}"
            )
    return folds


def _arms(rows: Sequence[_Row], folds: Sequence[int], accuracies: Sequence[float]) -> dict[str, dict[str, list[float]]]:
    """Return the trainings of each arm, each fold (and seed) once."""
    arms: dict[str, dict[str, list[float]]] = {}
    lines: dict[tuple[str, int, int | None], int] = {}
    for row, fold, accuracy in zip(rows, folds, accuracies, strict=True):
        if not row.arm:
            raise ComparisonError(f"{row.where}: the arm is empty; name it, or leave the column out")
        training: dict[str, float] = {"fold": fold, "accuracy": accuracy}
        seed = None if row.seed is None else _whole(row.seed, row, "seed")
        if seed is not None:
            training["seed"] = seed
        if (key := (row.arm, fold, seed)) in lines:
            advice = "several trainings of a fold need a column seed" if seed is None else "list each training once"
            raise ComparisonError(f"{row.where}: fold {row.fold} of {row.arm} is also in line {lines[key]}; {advice}")
        lines[key] = row.line
        columns = arms.setdefault(row.arm, {name: [] for name in training})
        for name, value in training.items():
            columns[name].append(value)
    return arms


def _summary(fold: str) -> str:
    """Return what a row that is not a fold summarises: "mean", "SD", or nothing."""
    name = re.sub(r"[\s_.:-]+", " ", fold.lower()).strip()
    return "mean" if name in _MEANS else "SD" if name in _SPREADS else ""


def _left_out(reading: _Reading, footer: _Row, rows: Sequence[_Row], arms: Mapping[str, Trainings]) -> str:
    """Return the note on a row of means or SDs; a mean is compared with that of the arm's folds, in the file's unit."""
    said = f"line {footer.line}, {footer.fold!r}, is no fold and is left out"
    arm = footer.arm or (next(iter(arms)) if len(arms) == 1 else "")
    stated = reading.value(footer.accuracy)
    if _summary(footer.fold) != "mean" or arm not in arms or math.isnan(stated):
        return said
    mean = fmean(average_seeds(arms[arm]).values())
    own = [row.accuracy for row in rows if row.arm == arm]
    if abs(stated - mean) <= _rounding([*own, footer.accuracy]):
        return f"{said}; it states {footer.accuracy}, which is the mean of the folds"
    return f"{said}; it states {footer.accuracy}, but the mean of the folds is {mean:.6g}"


def _rounding(texts: Sequence[str]) -> float:
    """Return how far rounding can move the last of the printed numbers from the mean of the others."""

    def half(text: str) -> float:
        try:
            exponent = Decimal(text.strip().removesuffix("%").strip().replace(",", ".")).as_tuple().exponent
        except InvalidOperation:
            return 0.0
        return 0.5 * 10.0**exponent if isinstance(exponent, int) else 0.0

    # Programs omit trailing zeros, so the longest number shows to how many digits all were rounded.
    return half(texts[-1]) + min(map(half, texts[:-1])) + 1e-9


def _whole(text: str, row: _Row, name: str) -> int:
    value = number(text, decimal_comma=True)
    if not value.is_integer() or not 0 <= value < 1e9:
        raise ComparisonError(f"{row.where}: {name} is {text!r}; give a whole number")
    return int(value)
