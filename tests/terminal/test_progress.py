"""Progress on a terminal and without one."""

from __future__ import annotations

import io

import pytest

from harness.terminal.console import Screen
from harness.terminal.progress import Terminal, duration


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0, "0.0 s"), (4.21, "4.2 s"), (45.4, "45 s"), (89.9, "90 s"), (150.0, "2 min"), (5399.0, "1 h 30 min"),
     (12_060.0, "3 h 21 min")],
)  # fmt: skip
def test_durations_are_said_as_a_person_would(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_lines_are_printed_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal() as progress:
        progress.begin("a", "a step", 2)
        progress.line("LMCNet fold 1: 80 %")
        progress.advance("a", 1, "note")
        progress.end("a")
        progress.end("never begun")
    assert capsys.readouterr().err == "LMCNet fold 1: 80 %\n"


def test_bars_on_a_terminal_show_step_count_and_time_left() -> None:
    stream = io.StringIO()
    with Terminal(Screen(file=stream, force_terminal=True, width=110)) as progress:
        progress.begin("a", "LMCNet fold 1 seed 0", 10)
        progress.advance("a", 4, "loss 0.512 val 71.2%")
    shown = stream.getvalue()
    for part in ("LMCNet fold 1 seed 0", "4/10", "loss 0.512 val 71.2%", "left"):
        assert part in shown


def test_a_hostile_step_moves_no_cursor_and_forges_no_line() -> None:
    stream = io.StringIO()
    with Terminal(Screen(file=stream, force_terminal=True, width=110)) as progress:
        progress.begin("a", "fold\n\x1b]0;title\x07", 10)
        progress.advance("a", 4, "\x1b[2J\rloss")
        progress.line("A\nEQUAL: all [red]x[/red]")
    shown = stream.getvalue()
    assert "\x1b]" not in shown
    assert "\x1b[2J" not in shown
    assert r"fold\n\x1b]0;title\x07" in shown
    assert r"A\nEQUAL: all [red]x[/red]" in shown
