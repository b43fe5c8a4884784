from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

from harness.errors import StatisticsError
from harness.statistics.seeds import average_seeds, variance_components


def trainings(between: float, within: float, folds: int, seeds: int, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    fold = np.repeat(np.arange(1, folds + 1), seeds)
    accuracy = 80 + rng.normal(0, between, folds)[fold - 1] + rng.normal(0, within, folds * seeds)
    return pd.DataFrame({"fold": fold, "seed": np.tile(np.arange(seeds), folds), "accuracy": accuracy})


def test_seeds_are_averaged_within_their_fold() -> None:
    frame = pd.DataFrame({"fold": [2, 1, 2, 1, 3], "seed": [0, 0, 1, 1, 0], "accuracy": [80.0, 70, 90, 71, 60]})
    assert average_seeds(frame) == {1: 70.5, 2: 85.0, 3: 60.0}
    assert list(average_seeds(frame)) == [1, 2, 3]
    assert average_seeds(frame.drop(columns="seed")) == average_seeds(frame)


def test_components_of_worked_values() -> None:
    frame = pd.DataFrame({"fold": [1, 1, 2, 2], "accuracy": [1.0, 3.0, 7.0, 9.0]})
    # Within: (1 + 1 + 1 + 1) / 2 = 2. Between: (2 x (3² + 3²) / 1 - 2) / 2 = 17.
    components = variance_components(frame)
    assert (components.between, components.within) == (pytest.approx(17), pytest.approx(2))
    assert (components.n_folds, components.n_seeds) == (2, 2)


def test_balanced_components_equal_reml() -> None:
    frame = trainings(4.0, 1.5, 10, 4)
    fitted = MixedLM(frame["accuracy"], np.ones(len(frame)), groups=frame["fold"]).fit(reml=True, gtol=1e-10)
    components = variance_components(frame)
    assert components.within == pytest.approx(fitted.scale, rel=1e-4)
    assert components.between == pytest.approx(fitted.cov_re.iloc[0, 0], rel=1e-4)


def test_unbalanced_components_are_unbiased() -> None:
    seeds_of_fold = {1: 12, 2: 1, 3: 1, 4: 2, 5: 1}
    estimates = []
    for seed in range(1000):
        frame = trainings(4.0, 2.0, 5, 12, seed)
        components = variance_components(frame[frame["seed"] < frame["fold"].map(seeds_of_fold)])
        assert components.n_seeds == 1
        estimates.append((components.between, components.within))
    means, errors = np.mean(estimates, axis=0), np.std(estimates, axis=0) / np.sqrt(len(estimates))
    # Cut at 0 now and then, the estimate between folds lies a little high.
    assert -4 * errors[0] < means[0] - 16 < 1
    assert abs(means[1] - 4) < 4 * errors[1]


def test_one_seed_a_fold_cannot_tell_seeds_from_folds() -> None:
    frame = trainings(4.0, 1.0, 5, 1)
    components = variance_components(frame)
    assert components.within is None
    assert components.between == pytest.approx(frame["accuracy"].var())
    assert components.n_seeds == 1


def test_no_component_is_negative() -> None:
    frame = pd.DataFrame({"fold": [1, 1, 2, 2], "accuracy": [0.0, 10.0, 10.0, 0.0]})
    assert variance_components(frame).between == 0


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"fold": [1, 2]}, "has no column 'accuracy'; it has: fold"),
        ({"fold": [], "accuracy": []}, "is empty"),
        ({"fold": [1, 4], "accuracy": [80.0, np.nan]}, "fold 4: the accuracy is nan"),
        ({"fold": [1, 1], "seed": [2, 2], "accuracy": [80.0, 81.0]}, "fold 1, seed 2 appears twice"),
    ],
)
def test_tables_that_are_refused(columns: dict[str, list[float]], words: str) -> None:
    for function in (average_seeds, variance_components):
        with pytest.raises(StatisticsError, match=words):
            function(pd.DataFrame(columns))


def test_one_fold_has_no_spread() -> None:
    with pytest.raises(StatisticsError, match="at least 2 folds, received 1"):
        variance_components(pd.DataFrame({"fold": [1, 1], "accuracy": [80.0, 81.0]}))
