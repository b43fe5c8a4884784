"""Batches, loss and class weights against torch's and hand counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from harness.data.splits import Part
from harness.features.cache.feature_store import FeatureRef
from harness.models.build import build_model
from harness.study import ModelSection, TrainSection
from harness.training.augment import Batch, Draws
from harness.training.learner import Learner, PartOnDevice, batch_bounds, class_weights
from harness.training.resident import Resident, part_items
from tests.toys import N_CLASSES

CPU = torch.device("cpu")
SHAPE = (1, 2, 2)


def linear_learner(weights: np.ndarray | None = None, **train: object) -> Learner:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    return Learner(model, TrainSection(**{"lr": 0.1, "momentum": 0.0, "weight_decay": 0.0, **train}), CPU, weights)


@given(st.integers(1, 300), st.integers(2, 64))
def test_bounds_cover_every_item_once_and_leave_none_alone(n: int, size: int) -> None:
    bounds = batch_bounds(n, size)
    assert [item for start, stop in bounds for item in range(start, stop)] == list(range(n))
    lengths = [stop - start for start, stop in bounds]
    assert all(length == size for length in lengths[:-1])
    assert lengths[-1] <= size + 1
    assert n == 1 or min(lengths) >= 2


def test_a_last_batch_of_one_joins_the_one_before() -> None:
    assert batch_bounds(9, 4) == [(0, 4), (4, 9)]
    assert batch_bounds(10, 4) == [(0, 4), (4, 8), (8, 10)]


def test_class_weights_are_largest_count_over_count() -> None:
    assert class_weights(np.array([0, 0, 0, 0, 1, 1, 3]), 4).tolist() == [1.0, 2.0, 1.0, 4.0]


@pytest.mark.parametrize("weights", [None, np.array([1.0, 3.0, 0.5], dtype=np.float32)])
def test_step_is_gradient_descent_on_the_weighted_cross_entropy(weights: np.ndarray | None) -> None:
    learner = linear_learner(weights)
    x, labels = torch.randn(5, *SHAPE), torch.tensor([0, 1, 2, 1, 0])
    layer = learner.model[1]
    before = layer.weight.detach().clone().requires_grad_()
    bias = layer.bias.detach().clone()
    given_weights = None if weights is None else torch.from_numpy(weights)
    loss = F.cross_entropy(x.flatten(1) @ before.T + bias, labels, weight=given_weights)
    (gradient,) = torch.autograd.grad(loss, before)
    learner.step(Batch(x, labels))
    assert torch.allclose(layer.weight, before - 0.1 * gradient, atol=1e-6)
    assert learner.tally()[0] == pytest.approx(float(loss.detach()), abs=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_mixup_loss_with_whole_shares_is_the_plain_loss(weighted: bool) -> None:
    weights = np.array([1.0, 3.0, 0.5], dtype=np.float32) if weighted else None
    x, labels, partners = torch.randn(4, *SHAPE), torch.tensor([0, 1, 2, 1]), torch.tensor([1, 2, 0, 0])
    results = []
    for batch in (Batch(x, labels), Batch(x, labels, partners, torch.ones(4))):
        learner = linear_learner(weights)
        learner.step(batch)
        results.append((learner.model[1].weight.detach().clone(), learner.tally()[0]))
    assert torch.allclose(results[0][0], results[1][0], atol=1e-6)
    assert results[0][1] == pytest.approx(results[1][1], abs=1e-6)


def test_mixup_loss_is_the_cross_entropy_with_soft_labels() -> None:
    learner = linear_learner()
    x, labels, partners = torch.randn(3, *SHAPE), torch.tensor([0, 1, 2]), torch.tensor([2, 0, 0])
    share = torch.tensor([0.9, 0.6, 0.5])
    soft = share[:, None] * F.one_hot(labels, 3) + (1 - share)[:, None] * F.one_hot(partners, 3)
    expected = float(F.cross_entropy(learner.model(x), soft).detach())
    learner.step(Batch(x, labels, partners, share))
    assert learner.tally()[0] == pytest.approx(expected, abs=1e-6)


def test_tally_weighs_batches_by_their_items_and_starts_anew() -> None:
    learner = linear_learner(lr=1e-12)
    first, second = torch.randn(6, *SHAPE), torch.randn(2, *SHAPE)
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    logits = learner.model(torch.cat([first, second])).detach()
    learner.step(Batch(first, labels[:6]))
    learner.step(Batch(second, labels[6:]))
    loss, accuracy = learner.tally()
    assert loss == pytest.approx(float(F.cross_entropy(logits, labels)), abs=1e-6)
    assert accuracy == pytest.approx(float((logits.argmax(1) == labels).float().mean()))
    assert learner.tally() == (0.0, 0.0)


@pytest.mark.parametrize(
    ("name", "kind"), [("sgd", torch.optim.SGD), ("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)]
)
def test_optimisers_carry_the_studys_values(name: str, kind: type[torch.optim.Optimizer]) -> None:
    learner = linear_learner(optimizer=name, momentum=0.8, weight_decay=0.01)
    optimizer = learner._optimizer
    assert isinstance(optimizer, kind)
    group = optimizer.param_groups[0]
    assert (group["lr"], group["weight_decay"], group["fused"]) == (0.1, 0.01, True)
    assert name != "sgd" or group["momentum"] == 0.8
    learner.set_rate(0.5)
    assert group["lr"] == 0.5


def test_bfloat16_keeps_weights_and_logits_float32() -> None:
    learner = linear_learner(precision="bfloat16")
    seen = []
    learner.model[1].register_forward_hook(lambda _, __, output: seen.append(output.dtype))
    learner.step(Batch(torch.randn(4, *SHAPE), torch.tensor([0, 1, 2, 0])))
    assert seen == [torch.bfloat16]
    assert all(parameter.dtype == torch.float32 for parameter in learner.model.parameters())
    assert all(parameter.grad.dtype == torch.float32 for parameter in learner.model.parameters())


@pytest.mark.parametrize("values", [{}, {"gain": 3, "mixup": 0.3, "mask_frames": 2, "mask_bins": 2}])
@pytest.mark.parametrize("gathered", [2, 3, 100])
def test_batches_cut_at_once_are_the_batches_cut_singly(
    features: FeatureRef, labels: np.ndarray, values: dict[str, object], gathered: int
) -> None:
    items = part_items(Part(np.arange(len(labels))), features, labels)
    train, results = TrainSection(batch_size=8, **values), []
    bounds = batch_bounds(len(items), 8)
    assert len(bounds) > 6
    for at_once in (1, gathered):
        resident, cuts = Resident(features, CPU), []
        gather = resident.gather
        resident.gather = lambda positions, gather=gather, cuts=cuts: cuts.append(len(positions)) or gather(positions)  # type: ignore[method-assign]
        torch.manual_seed(0)
        learner = Learner(build_model("su4", ModelSection(), resident.input_shape, N_CLASSES), train, CPU)
        learner.gathered = at_once
        part = PartOnDevice(torch.from_numpy(resident.positions(items)), torch.from_numpy(items.labels))
        draws = Draws(train, len(items), resident.input_shape, 0, CPU)
        for _ in range(2):
            learner.epoch(resident, part, draws.epoch(), bounds)
        assert len(cuts) == 2 * -(-len(bounds) // at_once)
        assert sum(cuts) == 2 * len(items)
        results.append((learner.tally(), learner.state()))
    assert results[0][0] == results[1][0]
    assert all(torch.equal(value, results[1][1][name]) for name, value in results[0][1].items())
