"""The layer table against table 1 and against hand counts."""

from __future__ import annotations

import pytest
import torch

from harness.models.build import build_model
from harness.models.describe import count_parameters, describe_model
from harness.study import ModelSection

ROWS = {"MFCC": (0, 60), "LM": (60, 120), "chroma": (120, 132), "contrast": (132, 139), "tonnetz": (139, 145)}


def test_table_1_of_the_8_layer_net() -> None:
    table = describe_model(build_model("su8", ModelSection(), (1, 85, 41), 10), (1, 85, 41))
    assert list(table.columns) == ["layer", "output", "weights", "activations"]
    assert table["layer"].tolist() == [*(f"conv{number}" for number in range(1, 9)), "fc", "output"]
    assert table["weights"].tolist() == [
        *(288, 9216, 18432, 36864, 73728, 147456, 294912, 589824),
        *(4608 * 1024, 10240),
    ]
    # Conv7 and conv8 are printed as 4.6 K, their size after the pool; every other row is before it, as here.
    assert table["activations"].tolist() == [
        *(111520, 111520, 57792, 57792, 30976, 30976, 16896, 16896),
        *(1024, 10),
    ]
    assert table["output"].tolist()[:3] == ["32 x 85 x 41", "32 x 85 x 41", "64 x 43 x 21"]
    assert table["output"].tolist()[-2:] == ["1024", "10"]


@pytest.mark.parametrize(("name", "printed"), [("su4", 339.6), ("su6", 401.6)])
def test_activation_totals_of_table_1(name: str, printed: float) -> None:
    table = describe_model(build_model(name, ModelSection(), (1, 85, 41), 10), (1, 85, 41))
    assert table["activations"][:-1].sum() / 1000 == pytest.approx(printed, abs=0.05)


def test_both_streams_are_listed() -> None:
    model = build_model("su4-stacked", ModelSection(), (1, 145, 41), 10, ROWS)
    table = describe_model(model, (1, 145, 41))
    assert table["layer"].tolist()[:5] == [
        *("stream1.conv1", "stream1.conv2", "stream2.conv1", "stream2.conv2", "trunk.conv3")
    ]
    assert table["weights"].tolist()[4] == 64 * 64 * 9


def test_the_model_is_left_as_it_was() -> None:
    model = build_model("su4", ModelSection(), (1, 85, 41), 10)
    model.norm1.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    describe_model(model, (1, 85, 41))
    assert model.training
    assert not model.norm1.training
    assert model.norm2.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_count_parameters_counts_everything_trained() -> None:
    model = build_model("su4", ModelSection(), (1, 85, 41), 10)
    norms, biases = 2 * (32 + 32 + 64 + 64), 1024 + 10
    assert count_parameters(model) == 15_934_752 + norms + biases
