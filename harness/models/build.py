"""From the names a study uses to a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from harness.models.resnet import resnet18
from harness.models.stacked import PlaneRows, StackedSuNet
from harness.models.su import SuNet
from harness.vocabulary import MODELS, SU_DEPTHS

if TYPE_CHECKING:
    from harness.study import ModelSection


def build_model(
    model_name: str,
    options: ModelSection,
    input_shape: tuple[int, int, int],
    n_classes: int,
    plane_rows: PlaneRows | None = None,
) -> nn.Module:
    """Return the network ``model_name`` with fresh weights, on the CPU, drawn from torch's generator.

    Parameters
    ----------
    input_shape
        Channels, rows (bins) and columns (frames) of one item.
    plane_rows
        Rows of each plane within the input; the stacked networks need them to cut their streams.

    Raises
    ------
    ValueError
        When the name is unknown, or a stacked network lacks the rows of a plane.
    """
    model = _network(model_name, options, input_shape, n_classes, plane_rows)
    if options.init == "kaiming-normal":
        kaiming_normal(model)
    return model


def kaiming_normal(model: nn.Module) -> None:
    """Draw convolution and linear weights anew from He's normal distribution (fan in, ReLU); biases become 0."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _network(
    name: str,
    options: ModelSection,
    input_shape: tuple[int, int, int],
    n_classes: int,
    plane_rows: PlaneRows | None,
) -> nn.Module:
    if name == "resnet18":
        return resnet18(input_shape[0], n_classes)
    for n_layers in SU_DEPTHS:
        if name == f"su{n_layers}":
            return SuNet(n_layers, input_shape, n_classes, conv4=options.conv4, dropout=options.dropout)
        if name == f"su{n_layers}-stacked":
            if plane_rows is None:
                raise ValueError(f"{name} cuts its streams out of the planes' rows: plane_rows must be given")
            return StackedSuNet(
                n_layers, input_shape, n_classes, plane_rows, conv4=options.conv4, dropout=options.dropout
            )
    raise ValueError(f"unknown model {name!r}; allowed: {', '.join(MODELS)}")
