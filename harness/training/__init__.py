"""Fold-wise training: from a FoldTask to a FoldResult, and what is measured on it.

Importing this folder loads neither torch nor scikit-learn: names are imported where they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.training.fuse import fuse_predictions
    from harness.training.loop import train_fold
    from harness.training.metrics import Scores, clip_predictions, scores
    from harness.training.probe import probe_speed
    from harness.training.seeding import fold_seed, sampler_seed
    from harness.training.task import FoldResult, FoldTask
    from harness.training.weights import load_weights, save_weights

__all__ = [
    "FoldResult",
    "FoldTask",
    "Scores",
    "clip_predictions",
    "fold_seed",
    "fuse_predictions",
    "load_weights",
    "probe_speed",
    "sampler_seed",
    "save_weights",
    "scores",
    "train_fold",
]

_HOMES = {
    "FoldResult": "task",
    "FoldTask": "task",
    "Scores": "metrics",
    "clip_predictions": "metrics",
    "fold_seed": "seeding",
    "fuse_predictions": "fuse",
    "load_weights": "weights",
    "probe_speed": "probe",
    "sampler_seed": "seeding",
    "save_weights": "weights",
    "scores": "metrics",
    "train_fold": "loop",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
