"""Data sets and their checks on the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli


def test_data_list_tells_what_is_there(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["data", "list", "--data-root", str(tmp_path)])
    assert result.exit_code == 0
    assert "harness data fetch urbansound8k" in result.output
    assert "8,732" in result.output


@pytest.mark.slow
def test_data_list_and_check_know_real_copies(urbansound_root: Path, esc_root: Path) -> None:
    listed = CliRunner().invoke(cli, ["data", "list", "--data-root", str(urbansound_root)])
    assert "1, 2, 10" in listed.output
    checked = CliRunner().invoke(cli, ["data", "check", "esc10", "--data-root", str(esc_root)])
    assert checked.exit_code == 0, checked.output
    assert "400 files decoded" in checked.output
    assert "0 errors, 6 warnings" in checked.output


@pytest.mark.slow
def test_a_partial_data_set_fails_its_check(urbansound_root: Path) -> None:
    result = CliRunner().invoke(cli, ["data", "check", "urbansound8k", "--data-root", str(urbansound_root)])
    assert result.exit_code == 2
    assert "error: count" in result.output
