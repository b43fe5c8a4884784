"""A terminal of a given width."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from harness.cli import cli

Shown = Callable[..., list[str]]


@pytest.fixture
def shown() -> Shown:
    """Return a function that runs a command on a terminal of ``width`` columns and returns the printed lines."""

    def run(width: int, *arguments: str) -> list[str]:
        terminal = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(width), "NO_COLOR": ""}
        result = CliRunner(env=terminal).invoke(cli, list(arguments))
        assert result.exit_code == 0, result.output
        return [line.rstrip() for line in re.sub("\x1b\\[[0-9;]*m", "", result.output).splitlines()]

    return run
