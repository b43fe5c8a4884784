"""Samplers and pruners by the names a study file uses.

A sampler is made anew for every trial, from the study's seed and the number of trials that have ended: its random
numbers live in no process, so an interrupted search goes on as if nothing had happened.
"""

from __future__ import annotations

from optuna.pruners import BasePruner, MedianPruner, NopPruner, PercentilePruner
from optuna.samplers import BaseSampler, GridSampler, RandomSampler, TPESampler

from harness.study import SearchSection
from harness.training.seeding import fold_seed


def make_sampler(search: SearchSection, study_seed: int, arm: str, ended: int) -> BaseSampler:
    """Return the sampler that proposes trial ``ended`` (counted from 0) of ``arm``."""
    # Optuna's samplers take 32-bit seeds.
    seed = fold_seed(study_seed, "sampler", arm, ended) % 2**32
    if search.sampler == "grid":
        grid = {dotted: list(space.choices or ()) for dotted, space in search.space.items()}
        # The grid's order must be one and the same for all trials, or points would repeat.
        return GridSampler(grid, seed=fold_seed(study_seed, "sampler", arm) % 2**32)
    if search.sampler == "random":
        return RandomSampler(seed=seed)
    return TPESampler(
        seed=seed, n_startup_trials=search.startup_trials, multivariate=True, warn_independent_sampling=False
    )


def make_pruner(search: SearchSection) -> BasePruner:
    """Return the pruner; its steps are folds, in the order of the study."""
    if search.pruner == "median":
        return MedianPruner(n_startup_trials=search.startup_trials)
    if search.pruner == "percentile":
        return PercentilePruner(25.0, n_startup_trials=search.startup_trials)
    return NopPruner()
