"""Progress on a terminal and without one."""

from __future__ import annotations

import io
import re

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


@pytest.mark.parametrize("no_color", ["1", ""])
def test_without_colour_where_the_reader_wants_none(no_color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = io.StringIO()
    with Terminal(Screen(file=stream, force_terminal=True, width=110)) as progress:
        progress.begin("a", "LMCNet fold 1 seed 0", 10)
        progress.advance("a", 4)
    codes = re.findall(r"\x1b\[([\d;]+)m", stream.getvalue())
    colours = [code for code in codes if re.search(r"(^|;)(3\d|4\d|9\d)(;|$)", code)]
    assert bool(colours) == (not no_color)


def test_count_and_time_left_fit_into_80_columns() -> None:
    stream = io.StringIO()
    with Terminal(Screen(file=stream, force_terminal=True, width=80)) as progress:
        progress.begin("a", "MLMCNet-6 trial 3 fold 12 seed 0", 1320)
        progress.advance("a", 137, "loss 0.512 val 71.2%")
    (line,) = {line for line in stream.getvalue().splitlines() if "loss" in line and "137/" in line}
    for part in ("MLMCNet-6 trial 3 fold 12 seed 0", "137/1320", "left", "-:--:--"):
        assert part in line


def test_bars_that_do_not_fit_wait_until_others_end() -> None:
    stream = io.StringIO()
    screen = Screen(file=stream, force_terminal=True, width=80, height=12)
    with Terminal(screen) as progress:
        for number in range(20):
            progress.begin(str(number), f"step {number} of many", 10)
        shown = stream.getvalue()
        progress.end("3")
    assert "step 5 of many" in shown
    assert "step 6 of many" not in shown
    assert "step 6 of many" in stream.getvalue()
    assert "step 7 of many" not in stream.getvalue()


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
