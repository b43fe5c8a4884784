"""ResNet-18 (K. He et al., "Deep residual learning for image recognition", 2016, table 1), trained from scratch.

Layers, their names and their initial weights are those of torchvision's ``resnet18``, as the tests check. Torchvision
itself is not imported: it would load torch's compiler and its operators for object detection into every process.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class _Block(nn.Module):
    """Two 3 x 3 convolutions with a shortcut, which is the identity where possible."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(n_out, n_out, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)
        self.downsample = None
        if stride != 1 or n_in != n_out:
            projection = nn.Conv2d(n_in, n_out, kernel_size=1, stride=stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(n_out))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        residual: Tensor = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x_BCHW)))))
        residual += x_BCHW if self.downsample is None else self.downsample(x_BCHW)
        out: Tensor = self.relu(residual)
        return out


class ResNet18(nn.Module):
    """Eighteen layers from images to logits: x_BCHW, shape (B, 3, H, W), to (B, n_classes)."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = nn.Sequential(_Block(64, 64, 1), _Block(64, 64, 1))
        self.layer2 = nn.Sequential(_Block(64, 128, 2), _Block(128, 128, 1))
        self.layer3 = nn.Sequential(_Block(128, 256, 2), _Block(256, 256, 1))
        self.layer4 = nn.Sequential(_Block(256, 512, 2), _Block(512, 512, 1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512, n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                _initialise(module)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        x_BCHW = self.maxpool(self.relu(self.bn1(self.conv1(x_BCHW))))
        x_BCHW = self.layer4(self.layer3(self.layer2(self.layer1(x_BCHW))))
        logits: Tensor = self.fc(torch.flatten(self.avgpool(x_BCHW), 1))
        return logits


def resnet18(input_shape: tuple[int, int, int], n_classes: int) -> nn.Module:
    """Return a ResNet-18 with random weights for 1 or 3 image channels: x_BCHW to logits.

    With 3 channels and 5 classes it has 11,179,077 parameters; with one channel the stem has a third of its weights.
    """
    model = ResNet18(n_classes)
    if input_shape[0] != 3:
        # Replaced here, not chosen above, so that a seed gives the same weights as in earlier versions.
        model.conv1 = nn.Conv2d(input_shape[0], 64, kernel_size=7, stride=2, padding=3, bias=False)
        _initialise(model.conv1)
    return model


def _initialise(convolution: nn.Conv2d) -> None:
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
