"""The values of a trial, by the sampler that the study names.

They depend on the study's seed, the arm, the index of the trial and the trials of earlier batches alone: no random
state is kept in a process, so an interrupted search continues as if it had not been interrupted.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna import create_study
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, PartialFixedSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from harness.choices import Sampler
from harness.study import SearchSection
from harness.training.seeding import sampler_seed


def given(values: dict[str, Any]) -> BaseSampler:
    """Return a sampler that gives a trial the ``values`` that were proposed for it, by dotted name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return PartialFixedSampler(values, RandomSampler(seed=0))


def propose(
    search: SearchSection,
    study_seed: int,
    arm: str,
    index: int,
    space: dict[str, BaseDistribution],
    earlier: Sequence[FrozenTrial],
) -> dict[str, Any]:
    """Return the values of a trial of ``arm``, by dotted name.

    Trials of one batch are proposed from the same earlier trials, each with its own random numbers.

    Parameters
    ----------
    search : SearchSection
        The sampler and its settings.
    study_seed : int
        Seed of the study.
    arm : str
        Name of the arm, which enters the seed.
    index : int
        Number of the trial, from 0.
    space : dict of str to BaseDistribution
        The distributions of the values.
    earlier : sequence of FrozenTrial
        The ended trials of earlier batches, by index.
    """
    if search.sampler == Sampler.GRID:
        return grid_point(search, study_seed, arm, index)
    study = create_study(direction="maximize", sampler=make_sampler(search, study_seed, arm, index))
    study.add_trials(earlier)
    return dict(study.ask(space).params)


def make_sampler(search: SearchSection, study_seed: int, arm: str, index: int) -> BaseSampler:
    """Return the sampler that proposes a trial of ``arm``.

    Parameters
    ----------
    search : SearchSection
        The sampler and its settings.
    study_seed : int
        Seed of the study.
    arm : str
        Name of the arm, which enters the seed.
    index : int
        Number of the trial, from 0.
    """
    seed = sampler_seed(study_seed, arm, index)
    if search.sampler in (Sampler.TPE, Sampler.PER_FOLD_TPE):
        return TPESampler(seed=seed, n_startup_trials=search.startup_trials, multivariate=True)
    return RandomSampler(seed=seed)


def grid_point(search: SearchSection, study_seed: int, arm: str, index: int) -> dict[str, Any]:
    """Return the grid's point of trial ``index``: every point once, in an order drawn from the study's seed.

    Optuna's own grid sampler stops the study at its last point, which it can do only within ``Study.optimize``.

    Parameters
    ----------
    search : SearchSection
        The space, of choices only.
    study_seed : int
        Seed of the study.
    arm : str
        Name of the arm, which enters the seed.
    index : int
        Number of the trial, from 0.
    """
    points = list(itertools.product(*(space.choices or () for space in search.space.values())))
    order = np.random.default_rng(sampler_seed(study_seed, Sampler.GRID, arm)).permutation(len(points))
    return dict(zip(search.space, points[int(order[index])], strict=True))
