"""The Su networks against every number of table 1 and figure 4."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.models.su import SuNet

CONVOLUTIONS = (288, 9216, 18432, 36864, 73728, 147456, 294912, 589824)
MAPS = ((43, 21), (22, 11), (11, 6), (6, 3))
FC_INPUTS = {4: 15488, 6: 8448, 8: 4608}
# Weights without biases and batch normalisation, as table 1 counts; it prints 15.9 M, 8.9 M and 5.9 M.
TOTALS = {4: 15_934_752, 6: 8_946_976, 8: 5_899_552}
LMC = (1, 85, 41)


def map_sizes(model: nn.Module, shape: tuple[int, int, int]) -> list[tuple[int, int]]:
    """Return the size of the feature map at the end of every second layer."""
    sizes = []
    x = torch.zeros(1, *shape)
    model.eval()
    for name, layer in model.named_children():
        x = layer(x)
        if name.startswith("dropout") and name != "dropout_fc":
            sizes.append((x.shape[2], x.shape[3]))
    return sizes


@pytest.mark.parametrize("conv4", ["pool", "stride"])
@pytest.mark.parametrize("n_layers", [4, 6, 8])
def test_weights_equal_table_1(n_layers: int, conv4: str) -> None:
    model = SuNet(n_layers, LMC, 10, conv4=conv4)
    convolutions = [layer for layer in model if isinstance(layer, nn.Conv2d)]
    assert [layer.weight.numel() for layer in convolutions] == list(CONVOLUTIONS[:n_layers])
    assert all(layer.bias is None for layer in convolutions)
    assert model.fc.in_features == FC_INPUTS[n_layers]
    assert model.fc.weight.numel() == FC_INPUTS[n_layers] * 1024
    assert model.output.weight.numel() == 10240
    weighted = [layer for layer in model if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert sum(layer.weight.numel() for layer in weighted) == TOTALS[n_layers]


@pytest.mark.parametrize("conv4", ["pool", "stride"])
@pytest.mark.parametrize("n_layers", [4, 6, 8])
def test_feature_maps_equal_figure_4(n_layers: int, conv4: str) -> None:
    assert map_sizes(SuNet(n_layers, LMC, 10, conv4=conv4), LMC) == list(MAPS[: n_layers // 2])


def test_mlmc_input_of_the_fully_connected_layer() -> None:
    model = SuNet(4, (1, 145, 41), 10)
    assert model.fc.in_features == 26048
    assert map_sizes(model, (1, 145, 41)) == [(73, 21), (37, 11)]


@pytest.mark.parametrize("n_layers", [4, 6, 8])
def test_every_plane_alone_fits(n_layers: int) -> None:
    for rows in (6, 7, 12, 60):
        assert SuNet(n_layers, (1, rows, 41), 3).eval()(torch.zeros(2, 1, rows, 41)).shape == (2, 3)


def test_stride_reading_replaces_the_pool() -> None:
    pooled, strided = (SuNet(6, LMC, 10, conv4=conv4) for conv4 in ("pool", "stride"))
    assert pooled.conv4.stride == (1, 1)
    assert hasattr(pooled, "pool4")
    assert strided.conv4.stride == (2, 2)
    assert not hasattr(strided, "pool4")
    assert [layer.stride for layer in strided if isinstance(layer, nn.Conv2d)].count((2, 2)) == 1


@pytest.mark.parametrize(("n_layers", "places"), [(4, (2, 4)), (6, (2, 4, 6)), (8, (2, 4, 6, 8))])
def test_dropout_stands_where_the_paper_names_it(n_layers: int, places: tuple[int, ...]) -> None:
    model = SuNet(n_layers, LMC, 10, dropout=0.3)
    dropouts = {name: layer.p for name, layer in model.named_children() if isinstance(layer, nn.Dropout)}
    assert dropouts == {**{f"dropout{place}": 0.3 for place in places}, "dropout_fc": 0.3}


def test_order_within_a_layer_and_logits_out() -> None:
    names = [name for name, _ in SuNet(4, LMC, 10).named_children()]
    assert names[:8] == ["conv1", "norm1", "relu1", "conv2", "norm2", "relu2", "pool2", "dropout2"]
    assert names[-5:] == ["flatten", "fc", "sigmoid", "dropout_fc", "output"]
    logits = SuNet(4, LMC, 10).eval()(torch.randn(4, *LMC))
    # A softmax inside would make rows sum to 1.
    assert not torch.allclose(logits.sum(dim=1), torch.ones(4), atol=1e-3)
