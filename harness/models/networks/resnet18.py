"""ResNet-18 (He et al. 2016), torchvision's, trained from scratch on image channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.registry import Layout, Network, register

if TYPE_CHECKING:
    from torch import nn


def resnet18(input_shape: tuple[int, int, int], n_classes: int) -> nn.Module:
    """Return torchvision's ResNet-18 with random weights for 1 or 3 image channels: x_BCHW to logits.

    With 3 channels and 5 classes it has 11,179,077 parameters; one channel takes away two thirds of the stem.
    """
    # torchvision takes most of a second to import: only those who build a ResNet pay for it.
    from torch import nn
    from torchvision.models import resnet18 as torchvision_resnet18

    model: nn.Module = torchvision_resnet18(weights=None, num_classes=n_classes)
    if input_shape[0] != 3:
        stem = nn.Conv2d(input_shape[0], 64, kernel_size=7, stride=2, padding=3, bias=False)
        # As torchvision initialises the stem it replaces.
        nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
        model.conv1 = stem
    return model


register(Network("resnet18", "harness.models.networks.resnet18:resnet18", (Layout.IMAGE,)))
