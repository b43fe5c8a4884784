"""Batch normalisation with running averages, and with averages taken again without dropout."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch

from harness.models.build import build_model
from harness.training.loop import train_fold, train_together
from harness.training.normalise import normalise
from harness.training.resident import Resident, part_items, plane_rows
from harness.training.task import FoldResult, FoldTask
from tests.toys import same_result, settings_of

Make = Callable[..., FoldTask]
BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


def both(make_task: Make, model: str = "su4", rule: str = "fixed", **values: object) -> tuple[FoldTask, FoldTask]:
    """Return two tasks that differ in their statistics alone."""
    running, again = (
        make_task(
            arm=statistics,
            epoch_rule=rule,
            settings=settings_of(model, norm_statistics=statistics, **{"epochs": 4, "lr": 0.03, **values}),
        )
        for statistics in ("running", "re-estimated")
    )
    return running, again


def learnt(result: FoldResult) -> dict[str, np.ndarray]:
    return {name: value for name, value in result.weights.items() if not name.endswith(BUFFERS)}


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["fixed", "best-on-validation", "best-on-test"])
def test_what_is_learnt_is_the_same_and_one_training_serves_both(make_task: Make, rule: str) -> None:
    tasks = both(make_task, rule=rule)
    assert tasks[0].digest != tasks[1].digest
    assert tasks[0].trajectory == tasks[1].trajectory
    alone = [train_fold(task) for task in tasks]
    for order in ((0, 1), (1, 0)):
        together = train_together([tasks[position] for position in order])
        for position, result in zip(order, together, strict=True):
            assert same_result(result, alone[position])
    assert alone[0].history["train_loss"].equals(alone[1].history["train_loss"])
    assert not alone[0].history["validation_loss"].equals(alone[1].history["validation_loss"])
    if rule == "fixed":
        first, second = (learnt(result) for result in alone)
        assert all(np.array_equal(value, second[name]) for name, value in first.items())
        assert not np.array_equal(alone[0].weights["norm1.running_var"], alone[1].weights["norm1.running_var"])


def test_the_averages_are_those_of_the_training_part(make_task: Make) -> None:
    """The first layer's, whose inputs nothing changes: computed here from its weights in one sweep."""
    task = both(make_task, batch_size=512)[1]
    result = train_fold(task)
    resident = Resident(task.features, torch.device("cpu"))
    items = part_items(task.split.train, task.features, task.labels)
    normalise(resident, items, task.normalise)
    x_BCHW = resident.gather(torch.from_numpy(resident.positions(items)))
    with torch.no_grad():
        y_BCHW = torch.nn.functional.conv2d(x_BCHW, torch.from_numpy(result.weights["conv1.weight"]), padding=1)
    mean, variance = y_BCHW.mean(dim=(0, 2, 3)), y_BCHW.var(dim=(0, 2, 3))
    np.testing.assert_allclose(result.weights["norm1.running_mean"], mean, atol=1e-5)
    np.testing.assert_allclose(result.weights["norm1.running_var"], variance, rtol=1e-4)
    assert result.weights["norm1.num_batches_tracked"] == 1


def test_the_predictions_are_made_with_the_averages_that_are_kept(make_task: Make) -> None:
    task = both(make_task)[1]
    result = train_fold(task)
    resident = Resident(task.features, torch.device("cpu"))
    normalise(resident, part_items(task.split.train, task.features, task.labels), task.normalise)
    model = build_model("su4", task.settings.model, resident.input_shape, task.n_classes, plane_rows(task.features))
    model.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in result.weights.items()})
    test = part_items(task.split.test, task.features, task.labels)
    with torch.inference_mode():
        positions = torch.from_numpy(resident.positions(test))
        probabilities = model.eval()(resident.gather(positions)).softmax(dim=1)
    mine = result.predictions[result.predictions["part"] == "test"].filter(regex="^p_")
    np.testing.assert_allclose(mine.to_numpy(), probabilities.numpy(), atol=1e-5)


@pytest.mark.slow
def test_dropout_makes_the_running_variance_too_large(make_task: Make) -> None:
    """Halving at random and doubling leaves the mean and adds the mean square to every input of the next layer."""
    running, again = (train_fold(task).weights for task in both(make_task, "su8", lr=1e-6, epochs=12))
    ratios = [float(np.median(running[f"norm{n}.running_var"] / again[f"norm{n}.running_var"])) for n in (1, 3, 5, 7)]
    assert ratios[0] == pytest.approx(1, abs=0.15)
    assert min(ratios[1:]) > 1.3


def test_without_dropout_the_two_agree(make_task: Make) -> None:
    tasks = both(make_task, dropout=0.0, lr=1e-6, epochs=60, batch_size=512)
    running, again = (train_fold(task).predictions.filter(regex="^p_").to_numpy() for task in tasks)
    np.testing.assert_allclose(running, again, atol=5e-3)


def test_what_the_machine_may_vary_stays_out(make_task: Make) -> None:
    """torch's generator is left as it was: a second training in the process is equal to the bit."""
    task = both(make_task, rule="best-on-validation")[1]
    before = torch.get_rng_state()
    first = train_fold(task)
    assert torch.equal(before, torch.get_rng_state())
    assert same_result(first, train_fold(dataclasses.replace(task)))
