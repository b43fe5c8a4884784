"""Fold-wise training: from a FoldTask to a FoldResult, and what is measured on it.

Importing this folder loads neither torch nor scikit-learn: names are imported where they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from harness.training.fuse import fuse_predictions
    from harness.training.loop import train_fold, train_together
    from harness.training.metrics import Scores, clip_predictions, scores
    from harness.training.probe import probe_speed
    from harness.training.seeding import fold_seed, sampler_seed
    from harness.training.task import FoldResult, FoldTask, trajectories
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
    "train_together",
    "trajectories",
]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "fuse": ["fuse_predictions"],
        "loop": ["train_fold", "train_together"],
        "metrics": ["Scores", "clip_predictions", "scores"],
        "probe": ["probe_speed"],
        "seeding": ["fold_seed", "sampler_seed"],
        "task": ["FoldResult", "FoldTask", "trajectories"],
        "weights": ["load_weights", "save_weights"],
    },
)
