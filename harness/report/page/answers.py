"""The clips behind each cell of the confusion matrices, as compact data for the script of a page.

Arrays are base64 of little-endian unsigned integers: a test of one clip takes three to four bytes.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.comparisons.scores import checked_predictions
from harness.record import StudyRecord
from harness.training.metrics import predicted_classes, probability_columns, published


def answers_of(record: StudyRecord, arms: Collection[str]) -> dict[str, Any]:
    """Return every tested clip of ``arms`` with the class that it was assigned.

    Returns
    -------
    dict
        ``classes``; ``clips``, their names, and ``truth``, their true classes, in the same order; ``sets``, lists of
        positions in ``clips``; and ``tests``, for each training the arm, the fold, the seed, the number of its set,
        the assigned classes and their probabilities in percent, in the order of the set.
    """
    rows = checked_predictions(record)
    rows = rows[rows["arm"].isin(list(arms))]
    clips = rows[["clip_id", "y_true"]].drop_duplicates("clip_id").sort_values("clip_id", ignore_index=True)
    number = {clip: position for position, clip in enumerate(clips["clip_id"])}
    sets: dict[str, int] = {}
    tests: list[list[Any]] = []
    for arm, own in rows.groupby("arm", sort=False, observed=True):
        called = predicted_classes(own)
        # As published, so that the same page follows from predictions.parquet.
        probabilities = published(own[probability_columns(own)].to_numpy(np.float64))
        percents = np.rint(100 * probabilities[np.arange(len(own)), called].astype(np.float64))
        members = own["clip_id"].map(number).to_numpy(np.int64)
        trainings = own[["fold", "seed"]].to_numpy(np.int64)
        # The rows are ordered by fold and seed.
        begins = np.flatnonzero((np.diff(trainings, axis=0, prepend=-1) != 0).any(axis=1))
        for begin, end in itertools.pairwise([*begins.tolist(), len(own)]):
            place = sets.setdefault(_packed(members[begin:end], len(clips)), len(sets))
            packed = _packed(called[begin:end], len(record.classes)), _packed(percents[begin:end], 101)
            tests.append([str(arm), *trainings[begin].tolist(), place, *packed])
    return {
        "classes": list(record.classes),
        "clips": clips["clip_id"].tolist(),
        "truth": _packed(clips["y_true"].to_numpy(np.int64), len(record.classes)),
        "sets": list(sets),
        "tests": tests,
    }


def _packed(values: NDArray[Any], count: int) -> str:
    """Return integers below ``count`` in base64, each in one, two or four bytes: as few as ``count`` permits."""
    width = 1 if count <= 2**8 else 2 if count <= 2**16 else 4
    return base64.b64encode(values.astype(f"<u{width}").tobytes()).decode()
