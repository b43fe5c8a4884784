"""The convolutions that are measured alone are those of the network."""

from __future__ import annotations

import pytest

from benchmarks.alternatives import LAYOUTS, _all_layers, _convolutions


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
