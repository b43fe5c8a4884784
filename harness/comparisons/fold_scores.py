"""Fold accuracies from anywhere, in a CSV file, beside claims: no study and no tracking store needed."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.claims import Library
from harness.comparisons.against_claim import ClaimComparison, Rules, compare_with_claim, settle_family
from harness.comparisons.conditions import Conditions
from harness.errors import ComparisonError
from harness.statistics import Trainings
from harness.vocabulary import DATASETS

_REQUIRED, _OPTIONAL = ("fold", "accuracy"), ("seed", "arm")
_DELIMITERS = ",;\t"


def read_scores(path: Path, dataset: str) -> dict[str, Trainings]:
    """Read accuracies on folds of ``dataset``: columns ``fold`` and ``accuracy``, and if any ``seed`` and ``arm``.

    Accuracies are fractions when none is above 1, else percent. Other columns are left alone. The delimiter is a comma,
    a semicolon or a tab, the decimal sign a point.

    Returns
    -------
    dict
        By arm (the file's stem without that column) the columns ``fold``, ``accuracy`` in percent and, where the file
        has it, ``seed``, with one entry per training.

    Raises
    ------
    ComparisonError
        Naming file, line and value, when the file cannot be read, a column is missing, a number is none, a fold is none
        of the data set's, or a fold (and seed) of an arm stands twice.
    """
    header, rows = _rows(path)
    for name in _REQUIRED:
        if name not in header:
            raise ComparisonError(
                f"{path}: there is no column {name!r}; the first line has: "
                f"{_shortened(', '.join(header)) or 'nothing'}. Write fold and accuracy, and optionally seed and arm"
            )
    if not rows:
        raise ComparisonError(f"{path}: there is no row below the first line; write one per fold (and seed)")
    table: dict[str, list[dict[str, float]]] = {}
    lines: dict[tuple[str, int, int | None], int] = {}
    for line, row in rows:
        where = f"{path}, line {line}"
        arm = row.get("arm", path.stem)
        if not arm:
            raise ComparisonError(f"{where}: the arm is empty; name it, or leave the column out")
        entry: dict[str, float] = {
            "fold": _fold(row["fold"], where, dataset),
            "accuracy": _accuracy(row["accuracy"], where),
        }
        if "seed" in row:
            entry["seed"] = _whole(row["seed"], where, "seed")
        training = (arm, int(entry["fold"]), int(entry["seed"]) if "seed" in row else None)
        if training in lines:
            advice = "each training stands once" if "seed" in row else "several trainings of a fold need a column seed"
            raise ComparisonError(
                f"{where}: fold {row['fold']} of {arm} stands in line {lines[training]} too; {advice}"
            )
        lines[training] = line
        table.setdefault(arm, []).append(entry)
    factor = _percent_factor(path, rows)
    for entries in table.values():
        for entry in entries:
            entry["accuracy"] *= factor
    return {arm: {name: [entry[name] for entry in entries] for name in entries[0]} for arm, entries in table.items()}


def compare_scores(
    scores: Mapping[str, Trainings],
    addresses: Sequence[str],
    library: Library,
    conditions: Conditions,
    rules: Rules,
) -> tuple[ClaimComparison, ...]:
    """Set every arm of ``scores`` beside every claim of ``addresses``, claim by claim; all of them are one family.

    ``scores`` are as :func:`read_scores` returns them, ``conditions`` are theirs.

    Raises
    ------
    ClaimsError
        When a claim cannot be found.
    ComparisonError
        When the folds that took part cannot be as many as the conditions say.
    """
    claims = [library.claim(address) for address in addresses]
    _check_folds(scores, conditions)
    return settle_family(
        [
            compare_with_claim(arm, trainings, claim, library.paper(claim.source.key), conditions, rules)
            for claim in claims
            for arm, trainings in scores.items()
        ]
    )


def _check_folds(scores: Mapping[str, Trainings], conditions: Conditions) -> None:
    here, official = conditions.data_folds, len(DATASETS[conditions.dataset].folds)
    if here > official:
        raise ComparisonError(f"{here} folds of the data are said to take part; {conditions.dataset} has {official}")
    if here - 1 - conditions.validation_apart < 1:
        raise ComparisonError(
            f"{here} folds of the data with one to test on{' and one to validate on' * conditions.validation_apart} "
            "leave none to train on; say how many took part"
        )
    for arm, trainings in scores.items():
        tested = len(set(trainings["fold"]))
        if tested > here:
            raise ComparisonError(f"{arm} was tested on {tested} folds, but {here} are said to take part; correct one")


def _rows(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Return the column names in small letters, and each row that is not empty with its line in the file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ComparisonError(f"{path}: cannot be read: {error.strerror or error}; give a CSV file") from None
    except UnicodeDecodeError as error:
        raise ComparisonError(
            f"{path}: not a UTF-8 text file (byte {error.start}); save the table as CSV in UTF-8"
        ) from None
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(_DELIMITERS, key=first.count), strict=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise ComparisonError(
            f"{path}, line {reader.line_num}: not a CSV file: {error}; save the table as CSV in UTF-8"
        ) from None
    header = [name.lower() for name in lines[0][1]] if lines else []
    for name in (*_REQUIRED, *_OPTIONAL):
        if header.count(name) > 1:
            raise ComparisonError(f"{path}: the column {name!r} stands {header.count(name)} times; keep one")
    rows = []
    for number, cells in lines[1:]:
        if not any(cells):
            continue
        if len(cells) != len(header):
            raise ComparisonError(
                f"{path}, line {number}: {len(cells)} cells below {len(header)} columns: "
                f"{_shortened(' | '.join(cells))}; write one cell a column, decimals with a point"
            )
        rows.append((number, dict(zip(header, cells, strict=True))))
    return header, rows


def _percent_factor(path: Path, rows: Sequence[tuple[int, dict[str, str]]]) -> int:
    """Return percentage points in one unit of the file's accuracies: 100 for fractions, 1 for percent."""
    # 0 is the same in either unit.
    accuracies = [(float(row["accuracy"]), line) for line, row in rows if float(row["accuracy"]) > 0]
    largest, smallest = max(accuracies, default=(0.0, 0)), min(accuracies, default=(0.0, 0))
    if largest[0] <= 1:
        return 100
    if smallest[0] <= 1:
        raise ComparisonError(
            f"{path}: line {smallest[1]} has the accuracy {smallest[0]:g} and line {largest[1]} has {largest[0]:g}; "
            "write all in percent, or all as fractions"
        )
    return 1


def _fold(text: str, where: str, dataset: str) -> int:
    official = DATASETS[dataset].folds
    fold = _whole(text, where, "fold")
    if fold not in official:
        raise ComparisonError(
            f"{where}: fold {fold} is none of {dataset}, whose folds are {official[0]} to {official[-1]}"
        )
    return fold


def _whole(text: str, where: str, name: str) -> int:
    value = _float(text)
    if not value.is_integer() or value < 0:
        raise ComparisonError(f"{where}: {name} is {text!r}; give a whole number")
    return int(value)


def _accuracy(text: str, where: str) -> float:
    value = _float(text)
    if not 0 <= value <= 100:
        raise ComparisonError(
            f"{where}: accuracy is {text!r}; give a number in percent (0 to 100) or a fraction (0 to 1), "
            "with a decimal point"
        )
    return value


def _float(text: str) -> float:
    """Return the number that ``text`` is, NaN where it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _shortened(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:97]}..."
