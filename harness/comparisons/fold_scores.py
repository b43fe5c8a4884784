"""Fold accuracies from anywhere, in a CSV file, beside claims: no study and no tracking store needed."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from harness.claims import Library
from harness.comparisons.against_claim import ClaimComparison, Rules, compare_with_claim, settle_family
from harness.comparisons.conditions import Conditions
from harness.errors import ComparisonError
from harness.vocabulary import DATASETS

_REQUIRED, _OPTIONAL = ("fold", "accuracy"), ("seed", "arm")
_DELIMITERS = ",;\t"


def read_scores(path: Path) -> dict[str, pd.DataFrame]:
    """Read fold accuracies: the columns ``fold`` and ``accuracy``, and where there are any ``seed`` and ``arm``.

    Accuracies are fractions when none is above 1, else percent. Other columns are left alone. The delimiter is a comma,
    a semicolon or a tab, the decimal sign a point.

    Returns
    -------
    dict
        By arm (the file's stem without that column) one row per training: ``fold``, ``accuracy`` in percent, ``seed``
        (absent without that column).

    Raises
    ------
    ComparisonError
        Naming file, line and value, when the file cannot be read, a column is missing, a number is none, or a fold
        (and seed) of an arm stands twice.
    """
    header, rows = _rows(path)
    for name in _REQUIRED:
        if name not in header:
            raise ComparisonError(
                f"{path}: there is no column {name!r}; the first line has: {', '.join(header) or 'nothing'}. "
                "Write the columns fold, accuracy, and optionally seed and arm"
            )
    if not rows:
        raise ComparisonError(f"{path}: there is no row below the first line; write one per fold (and seed)")
    seen: dict[tuple[str, int, int | None], int] = {}
    table: dict[str, list[dict[str, float]]] = {}
    for line, row in rows:
        arm = row.get("arm") or (path.stem if "arm" not in header else "")
        if not arm:
            raise ComparisonError(f"{path}, line {line}: the arm is empty; name it, or leave the column out")
        fold = _whole(row["fold"], path, line, "fold")
        seed = _whole(row["seed"], path, line, "seed") if "seed" in header else None
        if (arm, fold, seed) in seen:
            again = (
                f"fold {fold}"
                + (f", seed {seed}" if seed is not None else "")
                + (f" of {arm}" if "arm" in header else "")
            )
            advice = "" if "seed" in header else "; several trainings of one fold need a column seed"
            raise ComparisonError(
                f"{path}, line {line}: {again} stands in line {seen[arm, fold, seed]} already{advice}"
            )
        seen[arm, fold, seed] = line
        entry = {"fold": fold, "accuracy": _accuracy(row["accuracy"], path, line)}
        table.setdefault(arm, []).append(entry if seed is None else {**entry, "seed": seed})
    frames = {arm: pd.DataFrame(entries) for arm, entries in table.items()}
    largest = max(float(frame["accuracy"].max()) for frame in frames.values())
    if largest <= 1:
        for frame in frames.values():
            frame["accuracy"] *= 100
    elif any(0 < float(value) <= 1 for frame in frames.values() for value in frame["accuracy"]):
        raise ComparisonError(
            f"{path}: some accuracies are at most 1 and others up to {largest:g}; write all in percent, or all as "
            "fractions"
        )
    return frames


def compare_scores(
    scores: dict[str, pd.DataFrame],
    addresses: Sequence[str],
    library: Library,
    conditions: Conditions | None,
    rules: Rules,
) -> tuple[ClaimComparison, ...]:
    """Set every arm of ``scores`` beside every claim of ``addresses``; all of them are one family.

    ``conditions`` are those of the scores; None takes the claim's data set, whole, and leaves the rest not stated.

    Raises
    ------
    ClaimsError
        When a claim cannot be found.
    ComparisonError
        When a fold is none of the data set's.
    """
    found = []
    for address in addresses:
        claim = library.claim(address)
        known = conditions or Conditions(claim.table.dataset, len(DATASETS[claim.table.dataset].folds))
        for arm, trainings in scores.items():
            _check_folds(arm, trainings, known)
            found.append(compare_with_claim(arm, trainings, claim, library.paper(claim.source.key), known, rules))
    return settle_family(found)


def _check_folds(arm: str, trainings: pd.DataFrame, conditions: Conditions) -> None:
    official = DATASETS[conditions.dataset].folds
    unknown = sorted(set(trainings["fold"]) - set(official))
    if unknown:
        raise ComparisonError(
            f"{arm}: fold {unknown[0]} is none of {conditions.dataset}, whose folds are {official[0]} to {official[-1]}"
        )
    tested = trainings["fold"].nunique()
    if tested > conditions.data_folds:
        raise ComparisonError(
            f"{arm}: {tested} folds are tested, but only {conditions.data_folds} took part; correct one"
        )


def _rows(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ComparisonError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ComparisonError(f"{path}: not a UTF-8 text file (byte {error.start}); give a CSV file") from None
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        lines = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ComparisonError(f"{path}: not a CSV file: {error}") from None
    header = [name.strip().lower() for name in lines[0]] if lines else []
    for name in (*_REQUIRED, *_OPTIONAL):
        if header.count(name) > 1:
            raise ComparisonError(f"{path}: the column {name!r} stands {header.count(name)} times; keep one")
    rows = []
    for number, cells in enumerate(lines[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise ComparisonError(f"{path}, line {number}: {len(cells)} cells below {len(header)} columns")
        rows.append((number, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
    return header, rows


def _whole(text: str, path: Path, line: int, name: str) -> int:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value != int(value) or value < 0:
        raise ComparisonError(f"{path}, line {line}: {name} is {text!r}; give a whole number")
    return int(value)


def _accuracy(text: str, path: Path, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 100:
        raise ComparisonError(
            f"{path}, line {line}: accuracy is {text!r}; give a number in percent (0 to 100) or a fraction (0 to 1), "
            "with a decimal point"
        )
    return value
