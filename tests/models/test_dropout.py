"""Dropout from single bits: the same distribution as torch's, at every memory layout and precision."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from harness.models.dropout import Dropout

SHAPES = [(32, 16, 11, 7), (5, 3, 3, 3), (64, 1024), (1,), (63,), (65,)]


def maps(shape: tuple[int, ...], dtype: torch.dtype, layout: torch.memory_format) -> Tensor:
    x = torch.ones(shape, dtype=dtype)
    return x.contiguous(memory_format=layout) if len(shape) == 4 else x


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", SHAPES)
def test_elements_are_zeroed_or_doubled_and_so_are_their_gradients(
    shape: tuple[int, ...], dtype: torch.dtype, layout: torch.memory_format
) -> None:
    torch.manual_seed(1)
    x = maps(shape, dtype, layout).requires_grad_()
    y = Dropout(0.5)(x)
    assert y.dtype == dtype
    assert y.stride() == x.stride()
    assert set(y.unique().tolist()) <= {0.0, 2.0}
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, y.detach())


def test_the_coins_are_fair_and_know_nothing_of_each_other() -> None:
    torch.manual_seed(2)
    layer, draws, width = Dropout(0.5), 4000, 130
    kept = torch.stack([layer(torch.ones(width)) > 0 for _ in range(draws)]).double()
    # Five standard errors of a fair coin, at each of 130 places and 8385 pairs.
    assert (kept.mean(0) - 0.5).abs().max() < 5 * 0.5 / draws**0.5
    together = torch.corrcoef(kept.T) - torch.eye(width)
    assert together.abs().max() < 5.5 / draws**0.5
    # Nor does a draw know the one before.
    assert torch.corrcoef(torch.stack([kept[:-1].flatten(), kept[1:].flatten()]))[0, 1].abs() < 5 / kept.numel() ** 0.5


def test_a_seed_repeats_it_and_draws_differ() -> None:
    layer, x = Dropout(0.5), torch.ones(1000)
    torch.manual_seed(3)
    first, second = layer(x), layer(x)
    torch.manual_seed(3)
    assert torch.equal(first, layer(x))
    assert not torch.equal(first, second)


def test_evaluation_changes_nothing() -> None:
    x = torch.randn(4, 8)
    assert Dropout(0.5).eval()(x) is x


@pytest.mark.parametrize(("p", "x"), [(0.25, torch.ones(4, 1000)), (0.5, torch.ones(50, 80)[:, ::2])])
def test_what_one_bit_cannot_do_torch_does(p: float, x: Tensor) -> None:
    torch.manual_seed(4)
    mine = Dropout(p)(x)
    torch.manual_seed(4)
    assert torch.equal(mine, nn.functional.dropout(x, p))
    assert abs((mine == 0).double().mean().item() - p) < 0.05


def test_infinite_and_missing_values_stay_to_be_noticed() -> None:
    y = Dropout(0.5)(torch.full((1000,), torch.nan))
    assert bool(y.isnan().all())
