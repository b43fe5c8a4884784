"""The linear layer by oneDNN: torch's results within rounding, and torch's own product wherever it does not suit."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from harness.models.build import build_model
from harness.models.linear import Linear
from harness.study import ModelSection

by_onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")


def twins(inputs: int, outputs: int, bias: bool = True) -> tuple[Linear, nn.Linear]:
    torch.manual_seed(1)
    mine, torchs = Linear(inputs, outputs, bias), nn.Linear(inputs, outputs, bias)
    torchs.load_state_dict(mine.state_dict())
    return mine, torchs


def gradients(layer: nn.Linear, x: Tensor) -> list[Tensor]:
    """Return the output and all gradients, of a loss that weighs every element differently."""
    layer.zero_grad()
    x = x.clone().requires_grad_()
    y = layer(x)
    (y * torch.linspace(-1, 1, y.numel()).view_as(y)).sum().backward()
    assert x.grad is not None
    return [y.detach(), x.grad, *(p.grad for p in layer.parameters() if p.grad is not None)]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(32, 15488, 1024), (50, 128, 10), (1, 7, 3), (5, 1, 1)])
def test_output_and_gradients_are_those_of_torch(shape: tuple[int, int, int], bias: bool) -> None:
    batch, inputs, outputs = shape
    mine, torchs = twins(inputs, outputs, bias)
    x = torch.randn(batch, inputs)
    for got, wanted in zip(gradients(mine, x), gradients(torchs, x), strict=True):
        assert got.shape == wanted.shape
        # 10^-5 of the largest value: sums over 15,488 products are added in another order.
        assert (got - wanted).abs().max() <= 1e-5 * wanted.abs().max()


@by_onednn
def test_onednn_is_used_in_training_alone() -> None:
    mine, torchs = twins(64, 8)
    x = torch.randn(4, 64)
    assert mine(x).grad_fn.name() == "_ProductBackward"
    for layer in (mine, torchs):
        layer.eval()
    assert torch.equal(mine(x), torchs(x))
    assert "Addmm" in mine(x).grad_fn.name()


@pytest.mark.parametrize(
    "x", [torch.randn(2, 3, 64), torch.randn(64), torch.randn(4, 64, dtype=torch.float64)], ids=lambda x: f"{x.dim()}-d"
)
def test_what_does_not_suit_is_torchs(x: Tensor) -> None:
    mine, torchs = (layer.to(x.dtype) for layer in twins(64, 8))
    assert torch.equal(mine(x), torchs(x))


def test_autocast_is_torchs() -> None:
    mine, torchs = twins(64, 8)
    with torch.autocast("cpu", torch.bfloat16):
        made = mine(torch.ones(4, 64))
        assert made.dtype == torch.bfloat16
        assert torch.equal(made, torchs(torch.ones(4, 64)))


def test_without_onednns_operator_it_is_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    mine, torchs = twins(64, 8)
    x = torch.randn(4, 64)
    assert torch.equal(mine(x), torchs(x))


def test_gradients_nobody_needs_are_not_computed() -> None:
    mine, _ = twins(64, 8)
    mine.weight.requires_grad_(False)
    mine(torch.randn(4, 64)).sum().backward()
    assert mine.weight.grad is None
    assert mine.bias.grad is not None


@pytest.mark.parametrize("network", ["su4", "su8"])
def test_networks_of_su_have_it_as_fc_1024(network: str) -> None:
    model = build_model(network, ModelSection(), (1, 85, 41), 10)
    assert [name for name, module in model.named_modules() if isinstance(module, Linear)] == ["fc"]
