"""What a run says of its hyperparameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.tracking.runs import values_over_study


def test_values_set_over_the_study_are_named_even_when_they_equal_it(make_study: Callable[..., Any]) -> None:
    spec = make_study(
        train={"epochs": 4, "lr": 0.01, "momentum": 0.5},
        search={"trials": 2, "space": {"train.lr": {"low": 0.001, "high": 0.1}}},
        arms=(
            {"name": "A", "model": "su4", "features": "LMC", "set": {"train.momentum": 0.5}},
            {"name": "B", "model": "su4", "features": "MC", "search": False},
        ),
    ).spec
    # The search drew the study's own rate, and the arm repeats its momentum.
    searched = spec.settings(spec.arm("A"), {"train.lr": 0.01, "model.dropout": 0.25})
    assert values_over_study(spec, spec.arm("A"), searched) == {
        "train.lr": 0.01,
        "train.momentum": 0.5,
        "model.dropout": 0.25,
    }
    assert values_over_study(spec, spec.arm("B"), spec.settings(spec.arm("B"))) == {}
