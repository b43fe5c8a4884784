"""Clips of every fold and class in the official releases, to tell a whole copy from a partial one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.vocabulary import DATASETS

# Piczak 2015: 40 clips a class, 8 in each of 5 folds.
_ESC_CLIPS = 8
ESC50_CLASSES = 50
ESC50_PER_CATEGORY = 10

# UrbanSound8K 1.0 (Salamon et al. 2014), counted from its metadata: rows are folds 1 to 10, columns classID 0 to 9.
_URBANSOUND8K = (
    (100, 36, 100, 100, 100, 96, 35, 120, 86, 100),
    (100, 42, 100, 100, 100, 100, 35, 120, 91, 100),
    (100, 43, 100, 100, 100, 107, 36, 120, 119, 100),
    (100, 59, 100, 100, 100, 107, 38, 120, 166, 100),
    (100, 98, 100, 100, 100, 107, 40, 120, 71, 100),
    (100, 28, 100, 100, 100, 107, 46, 68, 74, 100),
    (100, 28, 100, 100, 100, 106, 51, 76, 77, 100),
    (100, 30, 100, 100, 100, 88, 30, 78, 80, 100),
    (100, 32, 100, 100, 100, 89, 31, 82, 82, 100),
    (100, 33, 100, 100, 100, 93, 32, 96, 83, 100),
)


def official_counts(dataset: str) -> NDArray[np.int64]:
    """Return the official number of clips, int64, shape (n_folds, n_classes), in the order of folds and labels.

    Raises
    ------
    KeyError
        When the data set is unknown, or synthetic (its counts follow from the study).
    """
    info = DATASETS[dataset]
    if dataset == "synthetic":
        raise KeyError(dataset)
    if dataset == "urbansound8k":
        return np.array(_URBANSOUND8K, dtype=np.int64)
    clips = _ESC_CLIPS * (ESC50_PER_CATEGORY if dataset == "esc50-categories" else 1)
    return np.full((len(info.folds), info.n_classes), clips, dtype=np.int64)
