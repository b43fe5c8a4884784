"""Rich's console with strings that are nobody's markup."""

from __future__ import annotations

import io

import pytest
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.cli.output.screen_table import table
from harness.terminal.console import Screen, words

HOSTILE = "[red]a[/red][link=http://x]b[/link]:smile:\x1b[2J\nEQUAL: all"
SHOWN = r"[red]a[/red][link=http://x]b[/link]:smile:\x1b[2J\nEQUAL: all"


def _grid() -> Table:
    grid = Table.grid()
    grid.add_row(HOSTILE)
    return grid


@pytest.mark.parametrize(
    "thing",
    [HOSTILE, words(HOSTILE), Padding(words(HOSTILE), 1), table("t", ("a", "b"), [(HOSTILE, 1)]),
     table(HOSTILE, ("a",), [("x" * 90,)]), table("t", (HOSTILE,), [("x",)]), _grid()],
)  # fmt: skip
@pytest.mark.parametrize("terminal", [True, False])
def test_everything_is_printed_as_it_is(thing: object, terminal: bool) -> None:
    stream = io.StringIO()
    Screen(file=stream, width=150, force_terminal=terminal).print(thing)
    assert SHOWN in stream.getvalue()
    assert "\x1b[2J" not in stream.getvalue()
    assert ("\x1b" in stream.getvalue()) <= terminal


def test_text_made_elsewhere_holds_no_controls_either() -> None:
    stream = io.StringIO()
    Screen(file=stream, width=80).print(Text("a\x1b]0;x\x07\u202eb"), _grid())
    assert "\x1b" not in stream.getvalue()
    assert r"\x1b]0;x" in stream.getvalue()
