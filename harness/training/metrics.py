"""Scores of clip predictions, and the step from segments to clips.

Accuracies are fractions in [0, 1]. A class that no true label names has no accuracy: it is NaN in the class
accuracies, left out of every mean over classes, and listed as absent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from harness.data.clips import ClipTable

# Segment number of a row for a complete clip (fusion at clip level).
WHOLE_CLIP = -1

SINGLE_PRECISION = 24
"""Significant binary digits of a float32."""

PUBLISHED_PRECISION = 12
"""Significant binary digits that a probability in a report has at most."""

PUBLISHED_STEP = 2.0**-14
"""Probabilities in a report are multiples of this step. With the digits above, their error is at most 2^-13 (0.00012),
except where a tie is broken, in less than half of the bytes with 50 classes. Every score depends only on the predicted
class, which rounding preserves."""


@dataclass(frozen=True)
class Scores:
    """Scores of one set of predictions.

    Attributes
    ----------
    macro_accuracy
        Mean over classes of the class accuracy: the estimand of Su et al. 2019 (the averages of tables 2, 4 and 5).
    clip_accuracy
        Fraction of items classed correctly.
    precision, recall, f1
        Unweighted means over the classes present; a class that is never predicted has precision 0. Recall is the macro
        accuracy by another name.
    confusion
        Items by true class (row) and predicted class (column), int64, shape (C, C).
    class_accuracies
        Fraction of each class's items classed correctly, float64, shape (C,); NaN for absent classes.
    absent
        Classes that no true label names.
    """

    macro_accuracy: float
    clip_accuracy: float
    precision: float
    recall: float
    f1: float
    confusion: NDArray[np.int64]
    class_accuracies: NDArray[np.float64]
    absent: tuple[int, ...]


def scores(y_true: ArrayLike, probabilities: ArrayLike, n_classes: int) -> Scores:
    """Return the scores of ``probabilities``, shape (n, C), against labels ``y_true``, shape (n,).

    The predicted class is the most probable one, the first of equals.

    Raises
    ------
    ValueError
        When there is no item, shapes do not fit, a label is outside 0..C-1, or a probability is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> found = scores(np.array([0, 0, 0, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]]), 2)
    >>> round(found.macro_accuracy, 3), found.clip_accuracy
    (0.833, 0.75)
    """
    truth, predicted = _checked(y_true, probabilities, n_classes)
    return scores_of_confusion(confusions(truth, predicted, n_classes))


def confusions(
    y_true: NDArray[np.int64], predicted: NDArray[np.int64], n_classes: int, groups: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Return items counted by true class (row) and predicted class (column), int64.

    Parameters
    ----------
    y_true, predicted : ndarray of int64, shape (n,)
        True and predicted label of each item.
    n_classes : int
        Number of classes C.
    groups : ndarray of int64, shape (n,), optional
        Group of each item, counted from 0. The result has one matrix per group, shape (G, C, C); without groups its
        shape is (C, C).

    Examples
    --------
    >>> import numpy as np
    >>> confusions(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    array([[1, 1],
           [0, 1]])
    """
    cells = y_true * n_classes + predicted
    if groups is None:
        return np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)
    counts = np.bincount(groups * n_classes**2 + cells, minlength=(int(groups.max()) + 1) * n_classes**2)
    return counts.reshape(-1, n_classes, n_classes)


def scores_of_confusion(confusion: NDArray[np.int64]) -> Scores:
    """Return the scores of items counted by true and predicted class, int64, shape (C, C), at least one item."""
    support, named, right = confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal()
    present = np.flatnonzero(support)
    # A present class has at least one item to divide by; one that is never predicted has no correct items either.
    recall = right[present] / support[present]
    precision = right[present] / np.maximum(named[present], 1)
    f1 = 2 * right[present] / (support + named)[present]
    accuracies = np.full(len(confusion), np.nan)
    accuracies[present] = recall
    return Scores(
        macro_accuracy=float(np.mean(recall)),
        clip_accuracy=float(right.sum() / support.sum()),
        precision=float(np.mean(precision)),
        recall=float(np.mean(recall)),
        f1=float(np.mean(f1)),
        confusion=confusion,
        class_accuracies=accuracies,
        absent=tuple(int(label) for label in np.flatnonzero(support == 0)),
    )


def table_scores(table: pd.DataFrame, n_classes: int) -> Scores:
    """Return the scores of a table with ``y_true`` and ``p_0`` .. ``p_{C-1}``; raises as :func:`scores`."""
    return scores(table["y_true"].to_numpy(), table[probability_columns(table)].to_numpy(), n_classes)


def clip_means(
    clips: NDArray[np.int64], probabilities: NDArray[np.floating], labels: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Return clips (ascending), their mean segment probabilities, float64, shape (n_clips, C), and their labels.

    The class of the mean is the class of the sum: Su et al. 2019, section 1 (Piczak's probability voting).
    """
    rows, first, position, counts = np.unique(clips, return_index=True, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(position, column, len(rows)) for column in probabilities.T.astype(np.float64)], axis=1)
    means = sums / counts[:, None]
    return rows, means / means.sum(axis=1, keepdims=True), labels[first]


def clip_predictions(segments: pd.DataFrame, clips: ClipTable) -> pd.DataFrame:
    """Return one row per clip from the segment rows of one part of ``FoldResult.predictions``.

    Columns: ``clip_id``, ``recording``, ``y_true``, ``p_0`` .. ``p_{C-1}`` (mean over the clip's segments, float64,
    rows sum to 1), ``n_segments`` and ``n_segments_correct``, in the order of the ClipTable. A clip that was fused at
    clip level (segment -1) has 0 of both.

    Raises
    ------
    ValueError
        When rows of several parts are mixed, a segment occurs twice, a clip has two labels, or a clip has rows both at
        clip level and by segment.
    """
    columns = probability_columns(segments)
    parts = sorted(set(segments["part"])) if "part" in segments else []
    if len(parts) > 1:
        raise ValueError(f"expected rows of one part, received {', '.join(parts)}")
    if segments.duplicated(["clip", "segment"]).any():
        twice = segments[segments.duplicated(["clip", "segment"])].iloc[0]
        raise ValueError(f"segment {twice['segment']} of clip {twice['clip']} appears twice")
    labels, numbers = segments["y_true"].to_numpy(np.int64), segments["segment"].to_numpy(np.int64)
    probabilities = segments[columns].to_numpy(dtype=np.float64)
    marks = pd.DataFrame({"clip": segments["clip"].to_numpy(np.int64), "label": labels, "own": numbers != WHOLE_CLIP})
    marks["right"] = marks["own"] & (probabilities.argmax(axis=1) == labels)
    by_clip = marks.groupby("clip")
    for column, fault in (("label", "two labels"), ("own", "rows for the entire clip and for segments")):
        kinds = by_clip[column].nunique()
        if (kinds > 1).any():
            raise ValueError(f"clip {kinds.index[kinds > 1][0]} has {fault}")
    rows, means, labels = clip_means(marks["clip"].to_numpy(), probabilities, labels)
    # Ascending clips, as clip_means gives them.
    counts = by_clip[["own", "right"]].sum()
    table = clips.frame.iloc[rows]
    return pd.DataFrame(
        {
            "clip_id": table["clip_id"].to_numpy(),
            "recording": table["recording"].to_numpy(),
            "y_true": labels,
            **{column: means[:, index] for index, column in enumerate(columns)},
            "n_segments": counts["own"].to_numpy(np.int64),
            "n_segments_correct": counts["right"].to_numpy(np.int64),
        }
    )


def probability_columns(table: pd.DataFrame) -> list[str]:
    """Return ``p_0`` .. ``p_{C-1}`` in the order of the classes; ValueError when there are none or one is missing."""
    n_classes = sum(str(column).startswith("p_") and str(column)[2:].isdigit() for column in table.columns)
    columns = [f"p_{label}" for label in range(n_classes)]
    missing = [column for column in columns if column not in table]
    if missing or not columns:
        raise ValueError(
            f"the table has no column {(missing or ['p_0'])[0]}; it has: {', '.join(map(str, table.columns))}"
        )
    return columns


def predicted_classes(table: pd.DataFrame) -> NDArray[np.int64]:
    """Return the most probable class of each row of ``table``; the first of equals."""
    classes: NDArray[np.int64] = table[probability_columns(table)].to_numpy().argmax(axis=1)
    return classes


def _checked(
    y_true: ArrayLike, probabilities: ArrayLike, n_classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    truth, values = np.asarray(y_true), np.asarray(probabilities, dtype=np.float64)
    if truth.ndim != 1 or not len(truth) or values.shape != (len(truth), n_classes):
        raise ValueError(
            f"expected labels (n,) and probabilities (n, {n_classes}) with n > 0, "
            f"received {truth.shape} and {values.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError("probabilities must be finite")
    if truth.min() < 0 or truth.max() >= n_classes:
        raise ValueError(f"labels must be in 0..{n_classes - 1}, received {truth.min()}..{truth.max()}")
    return truth.astype(np.int64), values.argmax(axis=1).astype(np.int64)


def rounded(probabilities_NC: NDArray[np.float64], bits: int) -> NDArray[np.float32]:
    """Return probabilities, shape (N, C), rounded to ``bits`` (2 to 24) significant binary digits so that no row's
    largest class changes.

    Where rounding makes it equal to an earlier class, it becomes the next larger number with that many digits.
    """
    dropped = SINGLE_PRECISION - bits
    # Floats of one sign are ordered like their bit patterns, evenly spaced between powers of two: rounding the pattern
    # (half to even) rounds the number, and a carry into the exponent is also correct.
    single = np.ascontiguousarray(probabilities_NC, dtype=np.float32) + np.float32(0)  # no -0, which has a sign
    patterns = single.view(np.uint32).astype(np.uint64)
    if dropped:
        patterns += (1 << dropped - 1) - 1 + (patterns >> dropped & 1)
        patterns &= ~np.uint64((1 << dropped) - 1)
    winner = probabilities_NC.argmax(axis=1)
    tied = np.flatnonzero(patterns.argmax(axis=1) != winner)
    patterns[tied, winner[tied]] += 1 << dropped
    return patterns.astype(np.uint32).view(np.float32)


def published(probabilities_NC: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return probabilities, shape (N, C), as a report publishes them, so that no row's largest class changes.

    They have at most :data:`PUBLISHED_PRECISION` significant binary digits and are multiples of
    :data:`PUBLISHED_STEP`. Published probabilities remain as they are. Those of earlier reports, which had the digits
    but not the step, become what the numbers that they were rounded from become.
    """
    # In this order, because only numbers below an eighth have digits beyond the step: the result has both properties.
    steps_NC = np.rint(rounded(probabilities_NC, PUBLISHED_PRECISION).astype(np.float64) / PUBLISHED_STEP)
    winner = probabilities_NC.argmax(axis=1)
    tied = np.flatnonzero(steps_NC.argmax(axis=1) != winner)
    steps_NC[tied, winner[tied]] += 1
    return (steps_NC * PUBLISHED_STEP).astype(np.float32)
