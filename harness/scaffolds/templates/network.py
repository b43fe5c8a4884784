"""A network of your own. A study file in this folder uses it by these lines:

    [[arms]]
    name = "${name}"
    model = "${name}:Net"
    model_args = { width = 16 }       # passed on to Net
    features = "LM"                   # harness list features; or a table of [features.sets]

This file is run only by studies that name it. When it changes, what depends on it is trained again.
"""

from __future__ import annotations

from torch import Tensor, nn


class Net(nn.Module):
    """Two convolutions and a linear layer; replace them by your network.

    Parameters
    ----------
    input_shape
        Channels, rows and columns of an item; (1, 1, length) for a vector. Items are normalised.
    n_classes
        Number of classes.
    width
        Number of filters. This and further parameters are yours.
    """

    def __init__(self, input_shape: tuple[int, int, int], n_classes: int, width: int = 16) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(input_shape[0], width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(32 * width, n_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map items, shape (B, channels, rows, columns), to logits, shape (B, n_classes); softmax is not applied."""
        logits: Tensor = self.body(x)
        return logits
