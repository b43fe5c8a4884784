"""From the table of predictions to scores: per training, per fold, per arm.

Every number is computed here from probabilities; no stored accuracy is read. Accuracies are fractions. Seeds are
averaged within a fold first; means and standard deviations (ddof 1) are then taken over folds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import ReportError
from harness.record import StudyRecord, once_per_record
from harness.training.metrics import confusions, predicted_classes, scores_of_confusion

SCORES = ("macro_accuracy", "clip_accuracy", "segment_accuracy", "precision", "recall", "f1")
"""Scores of one training; precision, recall and F1 are unweighted means over classes."""

_KEYS = ["arm", "fold", "seed"]
_REQUIRED = (*_KEYS, "clip_id", "recording", "y_true", "n_segments", "n_segments_correct")


@dataclass(frozen=True)
class StudyScores:
    """The scores of a study, arms in the study file's order.

    Attributes
    ----------
    runs
        One row per arm, fold and seed: ``n_clips``, ``n_segments`` and :data:`SCORES`.
    folds
        One row per arm and fold: ``n_seeds`` and the scores averaged over seeds.
    arms
        One row per arm of the study, tested or not: ``n_folds``, ``seeds_min``, ``seeds_max`` (seeds per fold), and
        for each score ``<score>_mean`` and ``<score>_sd`` over folds (SD missing for one fold).
    classes
        One row per arm, fold and class: ``class`` (position), ``accuracy`` averaged over seeds; missing where the fold
        tests no clip of the class.
    confusions
        Per arm, clips counted by true class (row) and predicted class (column), summed over folds and seeds; int64,
        shape (C, C).
    """

    runs: pd.DataFrame
    folds: pd.DataFrame
    arms: pd.DataFrame
    classes: pd.DataFrame
    confusions: dict[str, NDArray[np.int64]]

    def folds_of(self, arm: str) -> tuple[int, ...]:
        """Return the tested folds of ``arm``, ascending."""
        return tuple(int(fold) for fold in self.folds.loc[self.folds["arm"] == arm, "fold"])

    def fold_percents(self, arm: str) -> dict[int, float]:
        """Return the macro accuracy of ``arm`` in percent, seeds averaged, by tested fold."""
        own = self.folds[self.folds["arm"] == arm]
        return {int(fold): 100 * float(value) for fold, value in zip(own["fold"], own["macro_accuracy"], strict=True)}

    def class_means(self) -> pd.DataFrame:
        """Return class accuracies averaged over folds: classes in rows (position), arms in columns."""
        table = self.classes.pivot_table(index="class", columns="arm", values="accuracy", aggfunc="mean", dropna=False)
        return table.reindex(columns=list(self.arms["arm"]))


def arm_names(record: StudyRecord) -> tuple[str, ...]:
    """Return the arms in the study file's order, then any other that the predictions hold."""
    named = [arm.name for arm in record.spec.arms]
    tested = record.predictions["arm"].unique() if "arm" in record.predictions else ()
    return (*named, *sorted(str(arm) for arm in tested if arm not in named))


def score_study(record: StudyRecord) -> StudyScores:
    """Compute every score of ``record`` from its predictions.

    Raises
    ------
    ReportError
        When there is no prediction, a column is missing, a clip occurs twice in one test, or a probability or label is
        invalid.
    """
    predictions = checked_predictions(record)
    n_classes = len(record.classes)
    truth, called = predictions["y_true"].to_numpy(dtype=np.int64), predicted_classes(predictions)
    # In the fixed order the rows of one training are contiguous.
    keys = predictions[_KEYS]
    first = np.flatnonzero((keys != keys.shift()).any(axis=1).to_numpy())
    number = np.repeat(np.arange(len(first)), np.diff([*first, len(keys)]))
    matrices = confusions(truth, called, n_classes, number)
    measured = [scores_of_confusion(matrix) for matrix in matrices]
    segments, right = (predictions[name].to_numpy(dtype=np.float64) for name in ("n_segments", "n_segments_correct"))
    table = pd.DataFrame(
        [
            {
                "arm": str(arm),
                "fold": int(fold),
                "seed": int(seed),
                "n_clips": n_clips,
                "n_segments": n_segments,
                "macro_accuracy": each.macro_accuracy,
                "clip_accuracy": each.clip_accuracy,
                "segment_accuracy": accuracy,
                "precision": each.precision,
                "recall": each.recall,
                "f1": each.f1,
            }
            for (arm, fold, seed), n_clips, n_segments, accuracy, each in zip(
                keys.iloc[first].itertuples(index=False),
                np.bincount(number).tolist(),
                np.add.reduceat(segments, first).tolist(),
                _segment_accuracies(segments, right, first).tolist(),
                measured,
                strict=True,
            )
        ]
    )
    folds = _over_seeds(table)
    accuracies = pd.DataFrame(
        {
            "arm": table["arm"].repeat(n_classes),
            "fold": table["fold"].repeat(n_classes),
            "class": np.tile(np.arange(n_classes), len(table)),
            "accuracy": np.concatenate([each.class_accuracies for each in measured]),
        }
    )
    classes = accuracies.groupby(["arm", "fold", "class"], sort=False)["accuracy"].mean().reset_index()
    arms = table["arm"].to_numpy()
    counts = {str(arm): matrices[arms == arm].sum(axis=0) for arm in dict.fromkeys(arms)}
    return StudyScores(table, folds, _over_folds(folds, arm_names(record)), classes, counts)


def _segment_accuracies(
    total: NDArray[np.float64], right: NDArray[np.float64], first: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the fraction of segments classed correctly by each training, whose clips begin at ``first``; NaN where an
    arm has no segments."""
    known = np.logical_and.reduceat(np.isfinite(total) & np.isfinite(right) & (right >= 0), first)
    sums, rights = np.add.reduceat(total, first), np.add.reduceat(right, first)
    found = np.full(len(first), np.nan)
    np.divide(rights, sums, out=found, where=known & (sums > 0))
    return found


@once_per_record
def checked_predictions(record: StudyRecord) -> pd.DataFrame:
    """Return the predictions in a fixed order (arms as in the study, fold, seed, clip), or raise ReportError."""
    frame = record.predictions
    if frame.empty:
        raise ReportError(
            f"study {record.name!r}: no fold has been tested yet, so there is nothing to report{_why(record)}"
        )
    columns = [f"p_{position}" for position in range(len(record.classes))]
    missing = [column for column in (*_REQUIRED, *columns) if column not in frame]
    if missing:
        raise ReportError(
            f"study {record.name!r}: the predictions lack the column {missing[0]!r}; "
            f"they have: {', '.join(frame.columns)}"
        )
    twice = frame.duplicated([*_KEYS, "clip_id"])
    if twice.any():
        row = frame[twice].iloc[0]
        raise ReportError(
            f"study {record.name!r}: clip {row['clip_id']!r} occurs twice in arm {row['arm']!r}, fold {row['fold']}, "
            f"seed {row['seed']}; run the study again, or report an earlier run"
        )
    probabilities = frame[columns].to_numpy(dtype=np.float64)
    if not np.isfinite(probabilities).all() or probabilities.min() < 0 or probabilities.max() > 1 + 1e-6:
        row = frame[~((probabilities >= 0) & (probabilities <= 1 + 1e-6)).all(axis=1)].iloc[0]
        raise ReportError(
            f"study {record.name!r}: arm {row['arm']!r}, fold {row['fold']}, clip {row['clip_id']!r}: "
            f"a probability is not in 0..1, received {row[columns].tolist()[:5]}; "
            "the training diverged or the record is damaged"
        )
    if not frame["y_true"].between(0, len(record.classes) - 1).all():
        raise ReportError(f"study {record.name!r}: a true class is outside 0..{len(record.classes) - 1}")
    order = {name: position for position, name in enumerate(arm_names(record))}
    ordered = frame.assign(_arm=frame["arm"].map(order)).sort_values(["_arm", "fold", "seed", "clip_id"], kind="stable")
    return ordered.drop(columns="_arm").reset_index(drop=True)


def _why(record: StudyRecord) -> str:
    """Return the first failure as the probable reason, or what to do."""
    errors = record.folds["error"] if "error" in record.folds else pd.Series(dtype=str)
    errors = errors[errors.fillna("").astype(str) != ""]
    if errors.empty:
        return "; run `harness run-study STUDY` to its end first"
    return f"; {len(errors)} runs failed, the first with: {str(errors.iloc[0]).splitlines()[-1][:200]}"


def _over_seeds(runs: pd.DataFrame) -> pd.DataFrame:
    grouped = runs.groupby(["arm", "fold"], sort=False, observed=True)
    means = grouped[["n_clips", "n_segments", *SCORES]].mean()
    means.insert(0, "n_seeds", grouped.size())
    return means.reset_index()


def _over_folds(folds: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    for name in names:
        own = folds[folds["arm"] == name]
        row: dict[str, object] = {
            "arm": name,
            "n_folds": len(own),
            "seeds_min": int(own["n_seeds"].min()) if len(own) else 0,
            "seeds_max": int(own["n_seeds"].max()) if len(own) else 0,
        }
        for score in SCORES:
            # A fold with an unknown score makes the mean over folds unknown; it is not the mean of the others.
            row[f"{score}_mean"] = float(own[score].mean(skipna=False)) if len(own) else float("nan")
            row[f"{score}_sd"] = float(own[score].std(ddof=1, skipna=False)) if len(own) > 1 else float("nan")
        rows.append(row)
    return pd.DataFrame(rows)
