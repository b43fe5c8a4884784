"""Every model name of a study gives the network it says."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from harness.models.build import build_model
from harness.models.describe import count_parameters
from harness.registry import NETWORKS
from harness.study import ModelSection

ROWS = {"MFCC": (0, 60), "LM": (60, 120), "chroma": (120, 132), "contrast": (132, 139), "tonnetz": (139, 145)}


@pytest.mark.parametrize("name", NETWORKS.names())
def test_every_name_builds_and_answers(name: str) -> None:
    shape = (3, 64, 64) if name == "resnet18" else (1, 145, 41)
    model = build_model(name, ModelSection(), shape, 7, ROWS)
    assert model.eval()(torch.randn(2, *shape)).shape == (2, 7)


@pytest.mark.parametrize(("channels", "parameters"), [(3, 11_179_077), (1, 11_172_805)])
def test_resnet18_parameters(channels: int, parameters: int) -> None:
    model = build_model("resnet18", ModelSection(), (channels, 128, 128), 5)
    assert count_parameters(model) == parameters
    assert model.eval()(torch.randn(1, channels, 128, 128)).shape == (1, 5)


def test_options_reach_the_network() -> None:
    model = build_model("su6", ModelSection(conv4="stride", dropout=0.25), (1, 85, 41), 10)
    assert model.conv4.stride == (2, 2)
    assert {layer.p for layer in model.modules() if isinstance(layer, nn.Dropout)} == {0.25}


@pytest.mark.parametrize("name", ["su4", "resnet18"])
def test_kaiming_normal_spread(name: str) -> None:
    torch.manual_seed(0)
    model = build_model(name, ModelSection(init="kaiming-normal"), (1, 85, 41), 10)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.weight.numel() > 5000:
            fan_in = layer.weight[0].numel()
            assert float(layer.weight.detach().std()) == pytest.approx(math.sqrt(2 / fan_in), rel=0.05)
            assert layer.bias is None or not layer.bias.any()


def test_initial_weights_come_from_torchs_generator() -> None:
    def first(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return build_model("su4", ModelSection(), (1, 12, 41), 3).conv1.weight

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))


def test_unknown_name_lists_the_allowed() -> None:
    listed = "linear, mlp, resnet18, su4, su4-stacked, su6, su6-stacked, su8, su8-stacked"
    with pytest.raises(ValueError, match=f"unknown model 'su5'; allowed: {listed}"):
        build_model("su5", ModelSection(), (1, 85, 41), 10)


def test_stacked_needs_plane_rows() -> None:
    with pytest.raises(ValueError, match=r"su4-stacked.*plane_rows"):
        build_model("su4-stacked", ModelSection(), (1, 145, 41), 10)
