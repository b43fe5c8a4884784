"""Layer tables without torch in the process: equal to those made here, and made here where the other process cannot."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pandas as pd
import pytest

from harness.errors import StudyError
from harness.models import layers
from harness.models.build import build_model
from harness.models.describe import describe_model
from harness.models.layers import NamedNetwork
from harness.study import ModelSection

STACKED = {"MFCC": (0, 60), "LM": (60, 120), "chroma": (120, 132), "contrast": (132, 139), "tonnetz": (139, 145)}
NETWORKS = [
    NamedNetwork("su8", ModelSection(), (1, 85, 41), 10),
    NamedNetwork("resnet18", ModelSection(), (1, 64, 64), 50),
    NamedNetwork(
        "su4-stacked", ModelSection(), (1, 145, 41), 10, {name: slice(*rows) for name, rows in STACKED.items()}
    ),
]


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    layers._Other.end()


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.model_name)
def test_another_process_describes_the_same_layers(network: NamedNetwork) -> None:
    rows = layers._Other.rows_of(network)
    assert rows is not None
    model = build_model(network.model_name, network.model, network.input_shape, network.n_classes, network.plane_rows)
    table = describe_model(model, network.input_shape)
    pd.testing.assert_frame_equal(pd.DataFrame(rows, columns=list(layers.COLUMNS)), table)


def test_what_fails_there_fails_here_with_its_own_error() -> None:
    unknown = NamedNetwork("no-such-network", ModelSection(), (1, 85, 41), 10)
    assert layers._Other.rows_of(unknown) is None
    with pytest.raises((ValueError, StudyError), match="no-such-network"):
        layers._described(unknown)
    # It goes on answering.
    assert layers._Other.rows_of(NETWORKS[0]) is not None


def test_a_process_that_is_gone_is_done_without() -> None:
    assert layers._Other.rows_of(NETWORKS[0]) is not None
    assert layers._Other.running is not None
    layers._Other.running.kill()
    layers._Other.running.wait()
    assert layers._Other.rows_of(NETWORKS[0]) is None


def test_an_answer_that_is_no_table_is_done_without() -> None:
    layers._Other.running = subprocess.Popen(
        [sys.executable, "-c", "input(); print('a warning')"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert layers._Other.rows_of(NETWORKS[0]) is None


def test_a_report_loads_no_torch() -> None:
    script = """
import sys
import harness.report.write, harness.running.reports
from harness.claims import load_library
from harness.claims.audit.layer_tables import check_layers
assert any(check_layers(paper) for paper in load_library().papers.values())
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
