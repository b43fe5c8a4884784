"""Probes: small networks on one vector per clip, which show what a representation is worth.

A linear probe on the embeddings of a foundation model is the usual measure of that model (multinomial logistic
regression, trained like every other network here).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from harness.registry import Layout, Network, register
from harness.section import Fraction, Most, Positive, Section

if TYPE_CHECKING:
    from torch import nn


class MlpOptions(Section):
    """Settings of mlp."""

    hidden: Annotated[Positive, Most(65_536, "more than a vector has numbers")] = 512
    """Units of each hidden layer."""
    layers: Annotated[Positive, Most(20, "deeper probes learn a representation of their own")] = 1
    """Hidden layers."""
    dropout: Fraction = 0.0
    """Probability of dropping a hidden unit."""


def linear(input_shape: tuple[int, int, int], n_classes: int) -> nn.Module:
    """Return one linear layer on the flattened item, shape (B, C, H, W) to (B, n_classes)."""
    from math import prod

    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(prod(input_shape), n_classes))


def mlp(input_shape: tuple[int, int, int], n_classes: int, hidden: int, layers: int, dropout: float) -> nn.Module:
    """Return ``layers`` hidden layers with ReLU and a linear one on the flattened item.

    Parameters
    ----------
    input_shape : (int, int, int)
        Channels, rows and columns of an item.
    n_classes : int
        Number of logits.
    hidden : int
        Units of each hidden layer.
    layers : int
        Number of hidden layers.
    dropout : float
        Probability of dropping a hidden unit.
    """
    from math import prod

    from torch import nn

    parts: list[nn.Module] = [nn.Flatten()]
    width = prod(input_shape)
    for _ in range(layers):
        parts += [nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout)]
        width = hidden
    return nn.Sequential(*parts, nn.Linear(width, n_classes))


register(
    Network("linear", f"{__name__}:linear", tuple(Layout)),
    Network("mlp", f"{__name__}:mlp", tuple(Layout), options=f"{__name__}:MlpOptions"),
)
