"""The alternatives compute what the step computes, and the convolutions alone are those of the network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmarks.alternatives import LAYOUTS, _all_layers, _convolutions, _linear


@pytest.mark.parametrize(("network", "number"), [("su4", 4), ("resnet18", 20)])
def test_every_convolution_of_the_network_is_measured(network: str, number: int) -> None:
    layers = _convolutions(network)
    assert len(layers) == number
    assert [layer.first for layer in layers] == [True] + [False] * (number - 1)
    assert not any(layer.module._forward_pre_hooks for layer in layers)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_convolutions_run_forward_and_backward_in_every_layout(layout: str) -> None:
    layers = _convolutions("su4")[:2]
    _all_layers(layers, layout)()


def test_the_linear_layer_of_onednn_is_the_linear_layer() -> None:
    module = nn.Linear(50, 20)
    x = torch.randn(8, 50, requires_grad=True)
    slope = torch.randn(8, 20)
    found = []
    for call in (module, lambda x: _linear(module, x)):
        module.zero_grad()
        x.grad = None
        made = call(x)
        made.backward(slope)
        assert module.weight.grad is not None
        assert module.bias.grad is not None
        assert x.grad is not None
        found.append([made.detach(), x.grad, module.weight.grad, module.bias.grad])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)
