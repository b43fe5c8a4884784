"""Seeds that depend on what a training is, never on when or where it runs."""

from __future__ import annotations

import hashlib
import json

import numpy as np


def fold_seed(study_seed: int, *parts: str | int) -> int:
    """Return the seed that belongs to ``parts`` (arm, phase, trial, fold, seed index ...), in [0, 2**63).

    The seed and the parts, in order, are hashed by SHA-256 (Python's own hash of a string differs between processes)
    and mixed by numpy's SeedSequence, so that seeds of neighbouring folds are unrelated. ``1`` and ``"1"`` differ.
    """
    text = json.dumps([int(study_seed), *(part if isinstance(part, str) else int(part) for part in parts)])
    words = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype="<u4")
    state = np.random.SeedSequence(words.tolist()).generate_state(1, np.uint64)
    return int(state[0]) >> 1


def sampler_seed(study_seed: int, *parts: str | int) -> int:
    """Return the seed of a hyperparameter sampler, in [0, 2**32): the range that numpy's RandomState accepts."""
    return fold_seed(study_seed, "sampler", *parts) % 2**32
