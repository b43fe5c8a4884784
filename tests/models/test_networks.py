"""Every built-in network runs the conformance tests; one in a file outside the package serves a study as they do."""

from __future__ import annotations

import pytest

from harness.features.sets import plane_rows
from harness.registry import NETWORKS, feature_set
from harness.study import FeaturesSection
from harness.testing.networks import NetworkConformance

_ROWS = {plane: (rows.start, rows.stop) for plane, rows in plane_rows(feature_set("MLMC"), FeaturesSection()).items()}


class TestSu4(NetworkConformance):
    network = "su4"
    input_shapes = ((1, 85, 41), (1, 60, 30))


@pytest.mark.slow
class TestSu6(NetworkConformance):
    network = "su6"
    input_shapes = ((1, 85, 41),)


@pytest.mark.slow
class TestSu8(NetworkConformance):
    network = "su8"
    input_shapes = ((1, 85, 41),)


class TestSu4Stacked(NetworkConformance):
    network = "su4-stacked"
    input_shapes = ((1, 145, 41),)
    plane_rows = _ROWS


@pytest.mark.slow
class TestSu6Stacked(TestSu4Stacked):
    network = "su6-stacked"


@pytest.mark.slow
class TestSu8Stacked(TestSu4Stacked):
    network = "su8-stacked"


class TestLinear(NetworkConformance):
    network = "linear"
    input_shapes = ((1, 1, 512), (1, 20, 41))


class TestMlp(NetworkConformance):
    network = "mlp"
    input_shapes = ((1, 1, 512), (3, 8, 8))


class TestResnet18(NetworkConformance):
    network = "resnet18"
    input_shapes = ((1, 64, 64), (3, 48, 80))


def test_every_network_is_tested() -> None:
    tested: set[str] = set()
    kinds: list[type[NetworkConformance]] = [NetworkConformance]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        tested |= {kind.network} if "network" in vars(kind) else set()
    assert tested >= {network.name for network in NETWORKS if network.build.startswith("harness.")}
