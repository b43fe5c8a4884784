"""Networks by the names that studies use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from harness.choices import Init
from harness.models.stacked import PlaneRows
from harness.registry import NETWORKS, code, options_of

if TYPE_CHECKING:
    from harness.study import ModelSection


def build_model(
    model_name: str,
    model: ModelSection,
    input_shape: tuple[int, int, int],
    n_classes: int,
    plane_rows: PlaneRows | None = None,
) -> nn.Module:
    """Return the network ``model_name`` with fresh weights, on the CPU, drawn from torch's generator.

    Parameters
    ----------
    model_name : str
        Name in the registry.
    model : ModelSection
        Initial weights, and the options of the network.
    input_shape : (int, int, int)
        Channels, rows (bins) and columns (frames) of one item.
    n_classes : int
        Number of logits.
    plane_rows : mapping of str to slice or (int, int), optional
        Rows of each plane within the input; the stacked networks need them to cut their streams.

    Raises
    ------
    ValueError
        When the name is unknown, or the network needs the rows of planes and lacks them.

    Examples
    --------
    >>> import torch
    >>> from harness.study import ModelSection
    >>> build_model("su4", ModelSection(), (1, 85, 41), 10)(torch.zeros(2, 1, 85, 41)).shape
    torch.Size([2, 10])
    """
    network = NETWORKS.get(model_name)
    options = options_of(network).model_validate(model.options)
    arguments = dict(options) | dict(network.arguments)
    if network.takes_rows:
        if plane_rows is None:
            raise ValueError(f"{model_name} cuts its streams out of the planes' rows: plane_rows must be given")
        arguments["plane_rows"] = plane_rows
    built: nn.Module = code(network.build)(input_shape=input_shape, n_classes=n_classes, **arguments)
    if model.init is Init.KAIMING_NORMAL:
        kaiming_normal(built)
    return built


def kaiming_normal(model: nn.Module) -> None:
    """Redraw convolution and linear weights from He's normal distribution (fan in, ReLU); biases become 0."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
