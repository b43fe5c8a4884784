"""The layer table of a network, measured on the network itself (the columns of Su et al. 2019, table 1)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from harness.models.layers import COLUMNS


def describe_model(model: nn.Module, input_shape: tuple[int, int, int]) -> pd.DataFrame:
    """Return one row per convolution and linear layer, in the order in which an item passes through them.

    Columns: ``layer`` (name within the model), ``output`` (shape of one item's output, such as ``"32 x 85 x 41"``),
    ``weights`` (elements of the weight tensor, as table 1 counts: without biases and batch normalisation) and
    ``activations`` (elements of that output, before any pool: table 1's "memory"). A layer that is called twice has two
    rows. One item of zeros, shape ``input_shape``, is passed through in evaluation mode; the model is not changed.
    """
    rows: list[tuple[str, str, int, int]] = []

    def watch(name: str) -> Any:
        def hook(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
            shape = tuple(output.shape[1:])
            weight = module.get_parameter("weight")
            rows.append((name, " x ".join(map(str, shape)), weight.numel(), output[0].numel()))

        return hook

    handles = [
        module.register_forward_hook(watch(name))
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    modes = {module: module.training for module in model.modules()}
    try:
        model.eval()
        with torch.no_grad():
            model(torch.zeros(1, *input_shape, device=next(model.parameters()).device))
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes.items():
            module.training = training
    return pd.DataFrame(rows, columns=list(COLUMNS))


def count_parameters(model: nn.Module) -> int:
    """Return the number of trained parameters: weights, biases and batch normalisation's scale and shift."""
    return sum(parameter.numel() for parameter in model.parameters())
