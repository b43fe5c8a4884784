"""The stacked network: each stream sees its own planes, and nothing else."""

from __future__ import annotations

import pytest
import torch

from harness.models.stacked import StackedSuNet

MLMC = (1, 145, 41)
ROWS = {"MFCC": (0, 60), "LM": (60, 120), "chroma": (120, 132), "contrast": (132, 139), "tonnetz": (139, 145)}


@pytest.mark.parametrize("conv4", ["pool", "stride"])
@pytest.mark.parametrize(("n_layers", "fc_inputs"), [(4, 15488), (6, 8448), (8, 4608)])
def test_shapes(n_layers: int, fc_inputs: int, conv4: str) -> None:
    model = StackedSuNet(n_layers, MLMC, 10, ROWS, conv4=conv4).eval()
    assert model.trunk.fc.in_features == fc_inputs
    assert model.trunk.conv3.in_channels == 64
    assert model(torch.randn(2, *MLMC)).shape == (2, 10)


def stream_inputs(model: StackedSuNet, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return what reaches the first convolution of each stream."""
    seen = {}
    for name in ("stream1", "stream2"):
        layer = model.get_submodule(f"{name}.conv1")
        layer.register_forward_hook(lambda _, given, __, name=name: seen.__setitem__(name, given[0].clone()))
    model.eval()(x)
    return seen


def test_streams_are_lmc_and_mc() -> None:
    x = torch.randn(2, *MLMC)
    seen = stream_inputs(StackedSuNet(4, MLMC, 10, ROWS), x)
    assert torch.equal(seen["stream1"], x[:, :, 60:145])
    assert torch.equal(seen["stream2"], torch.cat([x[:, :, :60], x[:, :, 120:]], dim=2))


def test_rows_follow_the_given_layout_not_the_default_one() -> None:
    x = torch.arange(10.0).reshape(1, 1, 10, 1).expand(1, 1, 10, 8).contiguous()
    rows = {
        "tonnetz": slice(0, 1),
        "LM": slice(1, 4),
        "contrast": slice(4, 5),
        "MFCC": slice(5, 8),
        "chroma": slice(8, 10),
    }
    seen = stream_inputs(StackedSuNet(4, (1, 10, 8), 3, rows), x)
    assert seen["stream1"][0, 0, :, 0].tolist() == [1, 2, 3, 8, 9, 4, 0]
    assert seen["stream2"][0, 0, :, 0].tolist() == [5, 6, 7, 8, 9, 4, 0]


def test_streams_do_not_share_weights() -> None:
    model = StackedSuNet(4, MLMC, 10, ROWS)
    assert not torch.equal(model.stream1.conv1.weight, model.stream2.conv1.weight)


def test_missing_plane_is_named() -> None:
    with pytest.raises(ValueError, match="has no entry 'tonnetz'"):
        StackedSuNet(4, MLMC, 10, {name: rows for name, rows in ROWS.items() if name != "tonnetz"})


def test_streams_of_different_height_are_refused() -> None:
    with pytest.raises(ValueError, match=r"same number of rows.*has 75.*has 85"):
        StackedSuNet(4, MLMC, 10, {**ROWS, "LM": (60, 110)})


def test_rows_outside_the_input_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'tonnetz'.*139:150.*145 rows"):
        StackedSuNet(4, MLMC, 10, {**ROWS, "tonnetz": (139, 150)})
