"""Claims and audits on terminals that people have: nothing that will be typed again or read as a number is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.claims import load_library
from tests.cli.output.conftest import Shown

WIDTHS = pytest.mark.parametrize("width", [80, 120])


@WIDTHS
def test_every_address_stands_whole_beside_its_accuracy(shown: Shown, width: int) -> None:
    lines = shown(width, "claims", "list")
    assert max(map(len, lines)) <= width
    for claim in load_library().claims():
        line = next(line for line in lines if f" {claim.address} " in line)
        assert line.endswith(f" {claim.percent_text}")


@WIDTHS
@pytest.mark.parametrize("key", ["su2019", "piczak2015cnn"])
def test_a_paper_fits(shown: Shown, width: int, key: str) -> None:
    lines = shown(width, "claims", "show", key)
    assert max(map(len, lines)) <= width
    expected = {"su2019": "95.15 ± 3.121 over classes", "piczak2015cnn": "73.13, SD over folds 4.03"}
    assert any(line.endswith(expected[key]) for line in lines)


@WIDTHS
def test_a_claim_is_a_column_of_names_beside_a_column_of_values(shown: Shown, width: int) -> None:
    lines = shown(width, "claims", "show", "su2019:T2/LMCNet")
    assert max(map(len, lines)) <= width
    edge = lines[0].index("su2019:T2/LMCNet")
    assert all(line[edge - 1] == " " and line[edge] != " " for line in lines)
    assert "accuracy  95.2 % (printed 95.2)" in lines[1]


def test_files_of_an_audit_are_one_line_each_however_long(shown: Shown, tmp_path: Path) -> None:
    folder = tmp_path / ("a folder with a long name " * 4).strip()
    lines = shown(80, "claims", "audit", "piczak2015esc", "--output", str(folder))
    assert f"written  {folder} (LaTeX, CSV, JSON)" in lines
