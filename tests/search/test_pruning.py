"""Pruning asks what Optuna's percentile pruner asks, fold by fold."""

from __future__ import annotations

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.search.pruning import floor_of
from harness.study import SearchSection, Space
from harness.training.task import stopped_after

# Numbers whose means are exact in binary: a tie is then one for both.
ACCURACY = st.integers(0, 64).map(lambda k: k / 64)
CURVE = st.lists(ACCURACY, min_size=1, max_size=6)


def section(pruner: str, startup: int) -> SearchSection:
    space = {"train.lr": Space(low=0.1, high=0.2)}
    return SearchSection.model_validate({"trials": 9, "pruner": pruner, "startup_trials": startup, "space": space})


@given(
    pruner=st.sampled_from(["median", "percentile"]),
    startup=st.integers(0, 4),
    earlier=st.lists(CURVE, max_size=6),
    curve=CURVE,
)
def test_it_stops_where_optuna_s_pruner_would(
    pruner: str, startup: int, earlier: list[list[float]], curve: list[float]
) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    theirs = optuna.pruners.PercentilePruner(50.0 if pruner == "median" else 25.0, n_startup_trials=startup)
    study = optuna.create_study(direction="maximize", pruner=theirs)
    for values in earlier:
        trial = study.ask()
        for step, value in enumerate(values):
            trial.report(value, step)
        study.tell(trial, values[-1])
    floor = floor_of(section(pruner, startup), earlier)
    trial = study.ask()
    for step, value in enumerate(curve):
        trial.report(value, step)
        # Their pruner also judges the last epoch, after which nothing is saved.
        assert stopped_after(curve[: step + 1], floor, epochs=99) == trial.should_prune()


RISING = st.lists(ACCURACY, min_size=9, max_size=9).map(sorted)


@given(earlier=st.lists(RISING, min_size=1, max_size=12), curve=RISING)
def test_halving_stops_where_optuna_s_pruner_would(earlier: list[list[float]], curve: list[float]) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        direction="maximize", pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    )
    complete: list[list[float]] = []
    stopped: list[list[float]] = []
    for values in [*earlier, curve]:
        floor = floor_of(section("halving", 1), complete, stopped)
        trial = study.ask()
        for step, value in enumerate(values, start=1):
            trial.report(value, step)
            theirs = trial.should_prune()
            if stopped_after(values[:step], floor, epochs=len(values)):
                assert theirs
                stopped.append(values[:step])
                break
            assert not theirs or step == len(values)
        else:
            complete.append(values)
        study.tell(trial, values[-1] if len(values) == 9 else None)


def test_halving_keeps_the_best_third_of_those_that_got_there() -> None:
    halving = section("halving", 2)
    complete = [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], [0.3, 0.3, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]]
    assert floor_of(halving, complete[:1]) == ()
    # After epochs 1 and 3 the best so far counts: the third training has to be the best.
    assert floor_of(halving, complete) == (0.3, 0.0, 0.3)
    # Of six in epoch 1, two go on; only three reached epoch 3.
    assert floor_of(halving, complete, [[0.2], [0.25], [0.28, 0.3, 0.35]]) == (0.28, 0.0, 0.35)


def test_no_pruner_and_the_first_trials_stop_nothing() -> None:
    curves = [[0.5, 0.9], [0.6, 0.8]]
    assert floor_of(section("none", 0), curves) == ()
    assert floor_of(section("median", 3), curves) == ()
    assert floor_of(section("median", 2), curves) == pytest.approx((0.55, 0.85))
    assert floor_of(section("percentile", 2), curves) == pytest.approx((0.575, 0.875))
    assert floor_of(section("median", 0), []) == ()


def test_the_last_epoch_is_never_stopped() -> None:
    assert stopped_after([0.1], (0.5, 0.5), epochs=2)
    assert not stopped_after([0.1, 0.1], (0.5, 0.5), epochs=2)
    assert not stopped_after([0.1], (), epochs=2)
    # It is the best so far that counts, and nothing is known beyond the floor.
    assert not stopped_after([0.6, 0.1], (0.5, 0.5, 0.5), epochs=5)
    assert not stopped_after([0.1, 0.1, 0.1], (0.5, 0.5), epochs=5)
