"""Losses, augmentations and optimisers of a user: called as documented, refused in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from harness import own_code
from harness.errors import StudyError
from harness.study import TrainSection
from harness.training.optimizers import fused_optimizer
from harness.training.own_parts import own_augmentation, own_loss

CODE = """
import torch
from torch.nn import functional as F

def plain(logits, targets):
    return F.cross_entropy(logits, targets)

def per_item(logits, targets):
    return F.cross_entropy(logits, targets, reduction="none")

def double(x):
    return 2 * x

def flatten(x):
    return x.flatten(1)

def sgd(parameters, lr, weight_decay):
    return torch.optim.SGD(parameters, lr=lr, weight_decay=weight_decay)

def nothing(parameters, lr, weight_decay):
    return None
"""
NAMES = ("plain", "per_item", "double", "flatten", "sgd", "nothing")


@pytest.fixture(autouse=True)
def _code(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "parts_of_mine.py").write_text(CODE)
    own_code.activate(own_code.find_code({f"parts_of_mine:{name}": "train" for name in NAMES}, tmp_path))
    yield
    own_code.activate(None)


@pytest.fixture
def logits() -> Tensor:
    return torch.randn(6, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()


LABELS, PARTNERS = torch.tensor([0, 1, 2, 3, 0, 1]), torch.tensor([1, 1, 0, 2, 3, 3])


def test_a_loss_gets_labels(logits: Tensor) -> None:
    loss = own_loss("parts_of_mine:plain", logits, LABELS, None, None)
    assert loss.item() == nn.functional.cross_entropy(logits, LABELS).item()


def test_under_mixup_a_loss_gets_probabilities(logits: Tensor) -> None:
    share = torch.full((6,), 0.75)
    mixed = own_loss("parts_of_mine:plain", logits, LABELS, PARTNERS, share)
    apart = [nn.functional.cross_entropy(logits, labels) for labels in (LABELS, PARTNERS)]
    assert mixed.item() == pytest.approx((0.75 * apart[0] + 0.25 * apart[1]).item(), rel=1e-6)


def test_what_is_no_loss_is_refused(logits: Tensor) -> None:
    with pytest.raises(StudyError, match=r"expected a scalar tensor with a gradient, received shape \(6,\)"):
        own_loss("parts_of_mine:per_item", logits, LABELS, None, None)


def test_an_augmentation_keeps_the_shape() -> None:
    x = torch.ones(2, 1, 3, 4)
    assert torch.equal(own_augmentation("parts_of_mine:double", x), 2 * x)
    with pytest.raises(StudyError, match=r"returned \(2, 12\), expected the shape \(2, 1, 3, 4\)"):
        own_augmentation("parts_of_mine:flatten", x)


def test_an_optimiser_is_made_with_rate_and_decay() -> None:
    model = nn.Linear(3, 2)
    made = fused_optimizer(model, TrainSection(optimizer="parts_of_mine:sgd", weight_decay=0.25), 0.5)
    assert (type(made), made.defaults["lr"], made.defaults["weight_decay"]) == (torch.optim.SGD, 0.5, 0.25)
    with pytest.raises(StudyError, match=r"expected a torch\.optim\.Optimizer, received a NoneType"):
        fused_optimizer(model, TrainSection(optimizer="parts_of_mine:nothing"), 0.5)
