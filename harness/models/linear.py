"""A linear layer by oneDNN, for the CPU.

torch computes float32 products of matrices with MKL, which uses the 512-bit instructions of Intel's processors only.
oneDNN uses them on all. FC-1024 of Su et al.'s networks has 99 % of the 4-layer network's parameters, and takes a
fifth of its training step.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Linear(nn.Linear):
    """``nn.Linear``: x_BI to shape (B, O), by oneDNN when a float32 training runs on the CPU.

    The results differ from those of ``nn.Linear`` by rounding. In evaluation, on a GPU, in other precisions, for inputs
    of other than two dimensions, and where torch has no oneDNN, torch's own product is used.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` times the transposed weights, plus the bias."""
        if not self.training or x.dim() != 2 or not _suits(x) or not _suits(self.weight):
            return super().forward(x)
        made: Tensor = _Product.apply(x, self.weight, self.bias)
        return made


class _Product(torch.autograd.Function):
    """The product forward, and the two products of its gradients."""

    @staticmethod
    def forward(ctx: Any, x_BI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
        ctx.save_for_backward(x_BI, weight_OI)
        return _times_transposed(x_BI, weight_OI, bias_O)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope_BO: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x_BI, weight_OI = ctx.saved_tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad
        return (
            _times_transposed(slope_BO, weight_OI.t()) if for_x else None,
            _times_transposed(slope_BO.t(), x_BI.t()) if for_weight else None,
            slope_BO.sum(0) if for_bias else None,
        )


def _times_transposed(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``left`` times the transposed ``right`` plus ``bias``, by the operator that torch's compiler uses."""
    made: Tensor = torch.ops.mkldnn._linear_pointwise(left, right, bias, "none", [], "")
    return made


def _suits(x: Tensor) -> bool:
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )
