"""Samplers by the names a study file uses.

A new sampler is created for every trial, from the study's seed and the number of trials that have ended: no random
state is kept in a process, so an interrupted search continues as if it had not been interrupted.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from harness.choices import Sampler
from harness.study import SearchSection
from harness.training.seeding import sampler_seed


def make_sampler(search: SearchSection, study_seed: int, arm: str, ended: int) -> BaseSampler:
    """Return the sampler that proposes the next trial of ``arm``.

    Parameters
    ----------
    search : SearchSection
        The sampler and its settings.
    study_seed : int
        Seed of the study.
    arm : str
        Name of the arm, which enters the seed.
    ended : int
        Number of trials that have ended, which is the index of the next one.
    """
    seed = sampler_seed(study_seed, arm, ended)
    if search.sampler in (Sampler.TPE, Sampler.PER_FOLD_TPE):
        return TPESampler(seed=seed, n_startup_trials=search.startup_trials, multivariate=True)
    return RandomSampler(seed=seed)


def grid_point(search: SearchSection, study_seed: int, arm: str, ended: int) -> dict[str, Any]:
    """Return the grid's point of trial ``ended``: every point once, in an order drawn from the study's seed.

    Optuna's own grid sampler stops the study at its last point, which it can do only within ``Study.optimize``.

    Parameters
    ----------
    search : SearchSection
        The space, of choices only.
    study_seed : int
        Seed of the study.
    arm : str
        Name of the arm, which enters the seed.
    ended : int
        Number of trials that have ended, which is the index of the next one.
    """
    points = list(itertools.product(*(space.choices or () for space in search.space.values())))
    order = np.random.default_rng(sampler_seed(study_seed, Sampler.GRID, arm)).permutation(len(points))
    return dict(zip(search.space, points[int(order[ended])], strict=True))
