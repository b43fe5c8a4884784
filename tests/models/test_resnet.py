"""ResNet-18 against torchvision's: names, initial weights, outputs and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision import models

from harness.models.resnet import resnet18


def _torchvisions(in_channels: int, n_classes: int) -> nn.Module:
    model: nn.Module = models.resnet18(weights=None, num_classes=n_classes)
    if in_channels != 3:
        stem = nn.Conv2d(in_channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
        nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
        model.conv1 = stem
    return model


@pytest.mark.parametrize("in_channels", [1, 3])
def test_the_network_is_torchvisions_to_the_bit(in_channels: int) -> None:
    pair = []
    for make in (resnet18, _torchvisions):
        torch.manual_seed(3)
        pair.append((make(in_channels, 5), torch.rand(1)))
    (ours, drawn), (theirs, drawn_by_theirs) = pair
    assert torch.equal(drawn, drawn_by_theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    x_BCHW, labels = torch.randn(4, in_channels, 64, 64), torch.tensor([0, 1, 2, 3])
    for model in (ours, theirs):
        F.cross_entropy(model(x_BCHW), labels).backward()
    for mine, its in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert mine.grad is not None
        assert torch.equal(mine, its)
        assert torch.equal(mine.grad, its.grad)
    # After a training pass the averages of batch normalisation count as well.
    assert torch.equal(ours.eval()(x_BCHW), theirs.eval()(x_BCHW))


def test_sizes_are_those_that_are_documented() -> None:
    n_weights = {n: sum(p.numel() for p in resnet18(n, 5).parameters()) for n in (1, 3)}
    assert n_weights == {3: 11_179_077, 1: 11_179_077 - 2 * 64 * 7 * 7}
