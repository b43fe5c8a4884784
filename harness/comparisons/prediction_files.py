"""Predictions from any code, one file (CSV or Parquet) for each system, and the comparison of every two of them.

A file has a row for each tested clip with ``clip`` (or ``clip_id``), ``y_true`` and either ``y_pred`` or one column of
scores per class, named ``p_CLASS``; and optionally ``fold``, ``seed`` and ``recording``. Classes are words or numbers,
the same in all files.

Systems are compared on the same clips: paired by fold with the correction of Nadeau and Bengio where there are folds,
else over the recordings of one test part; over clips by McNemar's test; and over recordings by a bootstrap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from harness.comparisons.arm_contrast import Contrast, pair_by_fold, settle_contrasts
from harness.comparisons.claim_comparison import Rules
from harness.comparisons.over_recordings import ClipAnswers, pair_on_test_part
from harness.comparisons.study_claims import in_percent
from harness.errors import ComparisonError
from harness.statistics.bootstrap import accuracy_difference_bootstrap
from harness.statistics.clip_tests import mcnemar
from harness.text.delimited import TableError, number, read_table, whole
from harness.text.messages import near
from harness.text.parquet import parquet_table

_SCORE = "p_"
_NEEDED = ("clip", "y_true")
_OPTIONAL = ("y_pred", "fold", "seed", "recording")
_MOST_BYTES = 1 << 30
MOST_PAIRS = 2_000
"""More pairs than 60 systems have take minutes, and Holm's correction leaves nothing significant."""


@dataclass(frozen=True)
class System:
    """The predictions of one system.

    Attributes
    ----------
    name
        Stem of its file.
    rows
        One row per clip, fold and seed, sorted by these: ``clip``, ``fold`` (0 where there is none), ``seed`` (0),
        ``recording`` (the clip where there is none), ``y_true`` and ``correct``.
    folds, recordings
        Whether the file has them.
    """

    name: str
    rows: pd.DataFrame
    folds: bool
    recordings: bool

    @property
    def macro_by_fold(self) -> dict[int, float]:
        """Macro accuracy by fold in percent, seeds averaged."""
        by_class = self.rows.groupby(["fold", "seed", "y_true"])["correct"].mean()
        by_seed = by_class.groupby(["fold", "seed"]).mean()
        return {int(str(fold)): 100 * float(value) for fold, value in by_seed.groupby("fold").mean().items()}

    @property
    def accuracy(self) -> float:
        """Mean over folds of the macro accuracy, in percent."""
        return float(np.mean([*self.macro_by_fold.values()]))

    @property
    def clips(self) -> pd.DataFrame:
        """One row per fold and clip; ``correct`` is the fraction of seeds that were right."""
        keys = ["fold", "clip", "recording", "y_true"]
        return self.rows.groupby(keys, sort=True)["correct"].mean().reset_index()

    @property
    def first_seed(self) -> pd.DataFrame:
        """The rows of the first seed of each fold."""
        return self.rows[self.rows["seed"] == self.rows.groupby("fold")["seed"].transform("min")]


@dataclass(frozen=True)
class SystemComparisons:
    """The comparison of systems.

    Attributes
    ----------
    systems
        The systems, the most accurate first.
    contrasts
        The pairs of the family, with Holm's adjusted p values.
    groups
        Names of systems of which no two are shown to differ, largest groups of neighbours in the order of accuracy;
        empty where not every pair was tested.
    notes
        How the files were read, in words.
    """

    systems: tuple[System, ...]
    contrasts: tuple[Contrast, ...]
    groups: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def read_predictions(path: Path) -> System:
    """Return the predictions in ``path``.

    Raises
    ------
    ComparisonError
        When the file cannot be read, lacks a column, holds an invalid value, or names a clip twice in a fold and seed.
    """
    frame = _read(path)
    if "clip" not in frame:
        frame = frame.rename(columns={"clip_id": "clip"})  # as the harness's own predictions
    if missing := [name for name in _NEEDED if name not in frame]:
        raise ComparisonError(
            f"{path}: has no column {missing[0]!r}; received {', '.join(map(str, frame.columns[:10]))}; required: "
            "clip, y_true, and y_pred or a column p_CLASS for each class"
        )
    if frame.empty:
        raise ComparisonError(f"{path}: has no predictions")
    known = [name for name in (*_NEEDED, *_OPTIONAL) if name in frame]
    for name in known:
        empty = np.flatnonzero(frame[name].isna() | (frame[name].astype(str).str.strip() == ""))
        if empty.size:
            raise ComparisonError(
                f"{path}: column {name!r} is empty for clip {frame['clip'].iloc[empty[0]]!r}; fill it"
            )
    true = frame["y_true"].map(_class)
    predicted = frame["y_pred"].map(_class) if "y_pred" in frame else _largest(path, frame)
    rows = pd.DataFrame(
        {
            "clip": frame["clip"].astype(str),
            "fold": _numbers(path, frame, "fold"),
            "seed": _numbers(path, frame, "seed"),
            "recording": frame["recording" if "recording" in frame else "clip"].astype(str),
            "y_true": true,
            "correct": (true == predicted).astype(float),
        }
    ).sort_values(["fold", "seed", "clip"], ignore_index=True)
    twice = rows[rows.duplicated(["fold", "seed", "clip"])]
    if len(twice):
        raise ComparisonError(
            f"{path}: clip {twice['clip'].iloc[0]!r} has more than one prediction; give a column fold or seed, or one "
            "prediction for each clip"
        )
    return System(path.stem, rows, "fold" in frame, "recording" in frame)


def compare_systems(
    paths: Sequence[Path],
    pairs: Sequence[tuple[str, str]] = (),
    rules: Rules | None = None,
    *,
    data_folds: int | None = None,
    validation_apart: bool = False,
) -> SystemComparisons:
    """Compare the systems whose predictions are in ``paths``.

    Parameters
    ----------
    paths : sequence of Path
        The files, two or more; systems are named by their stems.
    pairs : sequence of (str, str)
        The family: pairs of systems to test. Default: every pair.
    rules : Rules, optional
        Margin and confidence.
    data_folds : int, optional
        Folds of the data that took part; default: those that were tested.
    validation_apart : bool
        Whether one of them was held out for validation.

    Raises
    ------
    ComparisonError
        When a file is faulty, or systems were tested on other clips, with other true classes or recordings.
    """
    rules = rules or Rules(2.0)
    systems = [read_predictions(path) for path in paths]
    names = [system.name for system in systems]
    if len(systems) < 2:
        raise ComparisonError(f"a comparison needs the predictions of two systems or more, received {len(systems)}")
    if twice := [name for name in names if names.count(name) > 1]:
        raise ComparisonError(f"two files are called {twice[0]!r}; systems are named by their files: rename one")
    for first, second in pairs:
        for name in (first, second):
            if name not in names:
                raise ComparisonError(
                    f"--contrast {first} {second}: there is no system {name!r}{near(name, names)}; there are: "
                    f"{', '.join(names)}"
                )
        if first == second:
            raise ComparisonError(f"--contrast {first} {second}: name two different systems")
    for other in systems[1:]:
        _require_alike(systems[0], other)
    systems.sort(key=lambda system: -system.accuracy)
    family = [*dict.fromkeys(pairs)] or [*combinations([system.name for system in systems], 2)]
    if len(family) > MOST_PAIRS:
        raise ComparisonError(
            f"{len(systems)} systems make {len(family):,} pairs, {MOST_PAIRS:,} at most; declare the pairs to test "
            "with --contrast"
        )
    by_name = {system.name: system for system in systems}
    folds = systems[0].rows["fold"].nunique()
    ratio = 1 / max(1, (data_folds or folds) - 1 - validation_apart)
    contrasts = settle_contrasts([_contrast(by_name[a], by_name[b], rules, ratio) for a, b in family], rules)
    groups = () if pairs else _groups([system.name for system in systems], contrasts, rules)
    return SystemComparisons(tuple(systems), contrasts, groups, tuple(_notes(systems[0], folds, data_folds)))


def _contrast(first: System, second: System, rules: Rules, ratio: float) -> Contrast:
    left, right = first.clips, second.clips
    one, other = (system.first_seed["correct"].to_numpy(bool) for system in (first, second))
    interval = None
    if len(left["recording"].unique()) > 1:
        interval = in_percent(
            accuracy_difference_bootstrap(
                left["correct"],
                right["correct"],
                left["y_true"],
                left["recording"],
                folds=left["fold"],
                confidence=rules.confidence,
                seed=0,
            )
        )
    contrast = Contrast(
        first=first.name, second=second.name, margin=rules.margin, mcnemar=mcnemar(one, other), bootstrap=interval
    )
    if len(left["fold"].unique()) > 1:
        return pair_by_fold(contrast, first.macro_by_fold, second.macro_by_fold, rules, ratio)
    return pair_on_test_part(contrast, _answers(first), _answers(second), rules)


def _answers(system: System) -> ClipAnswers:
    table = system.rows.pivot_table(index="clip", columns="seed", values="correct")
    of_clip = system.rows.drop_duplicates("clip").set_index("clip").loc[table.index]
    labels = np.unique(of_clip["y_true"], return_inverse=True)[1].astype(np.int64)
    return ClipAnswers(table.index.to_numpy(), table.to_numpy() > 0, labels, of_clip["recording"].to_numpy())


def _require_alike(first: System, other: System) -> None:
    """Check that two systems were tested on the same clips, folds and seeds."""
    left, right = first.clips, other.clips
    for names, what in (
        (["fold", "clip"], "on the same clips and folds"),
        (["fold", "clip", "y_true"], "with the same true classes"),
        (["fold", "clip", "recording"], "with the same recordings"),
    ):
        a, b = ({*map(tuple, side[names].to_numpy())} for side in (left, right))
        if difference := sorted(a ^ b, key=str):
            clip = difference[0]
            holder = first.name if clip in a else other.name
            raise ComparisonError(
                f"{first.name} and {other.name} were not tested {what}: {len(difference)} entries differ, the first is "
                f"clip {clip[1]!r} of {holder}; give predictions of the same clips"
            )
    counts = [system.rows.groupby(["fold", "clip"]).size() for system in (first, other)]
    for system, count in zip((first, other), counts, strict=True):
        if count.groupby("fold").nunique().max() > 1:
            raise ComparisonError(
                f"{system.name}: some clips have predictions of fewer seeds than others; complete them"
            )


def _groups(names: Sequence[str], contrasts: Sequence[Contrast], rules: Rules) -> tuple[tuple[str, ...], ...]:
    """Return the largest runs of neighbours in the order of accuracy of which no pair is significant."""
    differ = {
        frozenset((each.first, each.second))
        for each in contrasts
        if each.p_adjusted is not None and each.p_adjusted < rules.alpha
    }
    runs: list[tuple[str, ...]] = []
    for start in range(len(names)):
        stop = start + 1
        while stop < len(names) and not any(frozenset((names[stop], one)) in differ for one in names[start:stop]):
            stop += 1
        if not runs or runs[-1][-1] != names[stop - 1]:
            runs.append(tuple(names[start:stop]))
    return tuple(runs)


def _notes(system: System, folds: int, data_folds: int | None) -> list[str]:
    notes = []
    if not system.recordings:
        notes.append(
            "no column recording: every clip is taken as a recording of its own, so intervals may be too narrow"
        )
    if folds < 2:
        notes.append("no folds: systems are compared on one test part, over its recordings")
    elif data_folds is None:
        notes.append(f"the {folds} folds tested are taken as all folds of the data; if not, set --data-folds")
    return notes


def _class(value: object) -> str:
    """Return the name of a class; 3, 3.0 and "3" are one."""
    text = str(value).strip()
    found = whole(text)
    return text if found is None else str(found)


def _largest(path: Path, frame: pd.DataFrame) -> pd.Series:
    columns = [name for name in frame if str(name).startswith(_SCORE)]
    if len(columns) < 2:
        raise ComparisonError(f"{path}: has neither a column y_pred nor a column {_SCORE}CLASS for each class")
    scores = frame[columns].map(lambda value: number(str(value)))
    bad = np.argwhere(~np.isfinite(scores.to_numpy(float)))
    if len(bad):
        row, column = bad[0]
        raise ComparisonError(
            f"{path}: column {columns[column]!r}, clip {frame['clip'].iloc[row]!r}: received "
            f"{frame[columns[column]].iloc[row]!r}, expected a number"
        )
    classes = [_class(str(name).removeprefix(_SCORE)) for name in columns]
    lacking = sorted(set(frame["y_true"].map(_class)) - set(classes))
    if lacking:
        raise ComparisonError(
            f"{path}: y_true has the class {lacking[0]!r}, but there is no column {_SCORE}{lacking[0]}"
        )
    return pd.Series([classes[k] for k in scores.to_numpy(float).argmax(axis=1)], index=frame.index)


def _numbers(path: Path, frame: pd.DataFrame, name: str) -> pd.Series:
    if name not in frame:
        return pd.Series(0, index=frame.index, dtype="int64")
    found = frame[name].map(lambda value: whole(str(value)))
    bad = np.flatnonzero(found.isna())
    if bad.size:
        raise ComparisonError(f"{path}: column {name!r}: received {frame[name].iloc[bad[0]]!r}, expected an integer")
    return found.astype("int64")


def _read(path: Path) -> pd.DataFrame:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ComparisonError(f"{path}: has more than {_MOST_BYTES >> 30} GiB")
        if path.suffix.lower() == ".parquet":
            return parquet_table(path)
        table = read_table(path, comments=True)
    except OSError as error:
        raise ComparisonError(f"{path}: cannot be read ({error.strerror or error})") from None
    except TableError as error:
        where = f"{path}, row {error.line}" if error.line else str(path)
        raise ComparisonError(f"{where}: {error.fault}; save the table as CSV in UTF-8, or as Parquet") from None
    if len(set(table.header)) < len(table.header):
        twice = next(name for name in table.header if table.header.count(name) > 1)
        raise ComparisonError(f"{path}: has more than one column {twice!r}")
    return pd.DataFrame([line.cells for line in table.lines], columns=list(table.header))
