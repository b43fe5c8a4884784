"""ResNet-18 (He et al. 2016), trained from scratch on image channels."""

from __future__ import annotations

from harness.registry import Layout, Network, register

register(Network("resnet18", "harness.models.resnet:resnet18", (Layout.IMAGE,)))
