"""Search spaces become Optuna distributions of the kind the field takes."""

from __future__ import annotations

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from harness.search.space import distributions
from harness.study import Space, StudySpec

SPEC = StudySpec.model_validate_json(
    '{"study": {"name": "a"}, "data": {"dataset": "esc10"}, "arms": [{"name": "x", "model": "su4", "features": "LMC"}]}'
)


def test_each_field_gets_its_kind_of_range() -> None:
    made = distributions(
        {
            "train.lr": Space(low=1e-4, high=1e-2, log=True),
            "train.epochs": Space(low=5, high=20, step=5),
            "train.optimizer": Space(choices=("sgd", "adam")),
            "model.dropout": Space(low=0.1, high=0.5, step=0.1),
            "train.class_weights": Space(choices=(True, False)),
        },
        SPEC.settings(SPEC.arms[0]),
    )
    assert made["train.lr"] == FloatDistribution(1e-4, 1e-2, log=True)
    assert made["train.epochs"] == IntDistribution(5, 20, step=5)
    assert made["train.optimizer"] == CategoricalDistribution(["sgd", "adam"])
    assert made["model.dropout"] == FloatDistribution(0.1, 0.5, step=0.1)
    assert made["train.class_weights"] == CategoricalDistribution([True, False])
