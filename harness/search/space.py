"""Conversion of the study's search space to Optuna's distributions."""

from __future__ import annotations

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from harness.study import ArmSettings, Dotted, Space


def distribution(space: Space, whole: bool) -> BaseDistribution:
    """Return the Optuna distribution of ``space``; ``whole`` is whether the field takes integers."""
    if space.choices is not None:
        return CategoricalDistribution(list(space.choices))
    assert space.low is not None
    assert space.high is not None
    if whole:
        return IntDistribution(int(space.low), int(space.high), log=space.log, step=int(space.step or 1))
    return FloatDistribution(space.low, space.high, log=space.log, step=space.step)


def distributions(spaces: dict[str, Space], settings: ArmSettings) -> dict[str, BaseDistribution]:
    """Return the distributions of ``spaces`` by dotted name, each of the kind its field in ``settings`` takes."""
    return {
        dotted: distribution(space, Dotted.parse(dotted).takes_whole_numbers(settings))
        for dotted, space in spaces.items()
    }
