"""Progress of a study: bars with the remaining time on a terminal, one line per step elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from harness.system.redaction import mask_secrets
from harness.text.printable import one_line

if TYPE_CHECKING:
    from rich.progress import TaskID

    from harness.terminal.console import Screen


_WIDE = 110
"""Columns of a terminal that has room for everything."""


def duration(seconds: float) -> str:
    """Return ``seconds`` in readable form: 4.2 s, 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


class Progress(Protocol):
    """Where the steps of a study are reported."""

    def line(self, text: str) -> None:
        """Print a line that stays on the screen."""

    def begin(self, key: str, text: str, total: int) -> None:
        """Begin a step of ``total`` units, identified by ``key`` from now on."""

    def advance(self, key: str, done: int, note: str = "") -> None:
        """Set how many units of ``key`` are done; ``note`` is shown next to the bar."""

    def end(self, key: str) -> None:
        """End the step and remove its bar."""


class Silent:
    """Reports nothing."""

    def line(self, text: str) -> None:
        """Do nothing."""

    def begin(self, key: str, text: str, total: int) -> None:
        """Do nothing."""

    def advance(self, key: str, done: int, note: str = "") -> None:
        """Do nothing."""

    def end(self, key: str) -> None:
        """Do nothing."""


class Terminal:
    """Bars drawn by rich on standard error; if that is not a terminal (a log file, CI), only lines are printed.

    Bars that do not fit on the screen wait until others end; those that began first are shown.
    """

    def __init__(self, console: Screen | None = None) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars
        from rich.table import Column

        from harness.terminal.console import Screen

        def whole() -> Column:
            return Column(no_wrap=True)

        self._console = console or Screen(file=sys.stderr)
        self._tasks: dict[str, TaskID] = {}
        narrow = self._console.width < _WIDE
        self._bars = Bars(
            TextColumn("{task.description}", markup=False, table_column=whole()),
            BarColumn(bar_width=6 if narrow else 24),
            MofNCompleteColumn(table_column=whole()),
            *([] if narrow else [TimeElapsedColumn(table_column=whole())]),
            TextColumn("left", table_column=whole()),
            TimeRemainingColumn(table_column=whole()),
            # It takes the space that the others leave.
            TextColumn("{task.fields[note]}", markup=False, table_column=Column(ratio=1, no_wrap=True)),
            expand=True,
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
            refresh_per_second=4,
            speed_estimate_period=120,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def line(self, text: str) -> None:
        """Print ``text`` above the bars, without secrets that an error may quote."""
        self._console.print(mask_secrets(text), soft_wrap=True)

    def begin(self, key: str, text: str, total: int) -> None:
        """Add a bar."""
        self._tasks[key] = self._bars.add_task(one_line(text), total=total, note="", visible=self._has_room())

    def advance(self, key: str, done: int, note: str = "") -> None:
        """Move the bar."""
        if key in self._tasks:
            self._bars.update(self._tasks[key], completed=done, note=one_line(note))

    def end(self, key: str) -> None:
        """Remove the bar."""
        if key in self._tasks:
            self._bars.remove_task(self._tasks.pop(key))
            hidden = [task.id for task in self._bars.tasks if not task.visible]
            if hidden and self._has_room():
                self._bars.update(hidden[0], visible=True)

    def _has_room(self) -> bool:
        """Return whether one more bar fits on the screen, with room for a few lines of text."""
        return sum(task.visible for task in self._bars.tasks) < max(3, self._console.height - 6)


@contextmanager
def download_bar(name: str, done: int, total: int | None, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show the progress of a download on standard error if that is a terminal.

    Yields a function that sets how many bytes have arrived.

    Parameters
    ----------
    name
        Name of the download.
    done
        Bytes that have already arrived.
    total
        Size in bytes; None if the server does not say.
    shown
        Whether to show anything.
    """
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    from harness.terminal.console import Screen

    console = Screen(file=sys.stderr)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console, disable=not (shown and console.is_terminal), transient=True) as bars:
        task = bars.add_task(one_line(name), total=total, completed=done)
        yield lambda arrived: bars.update(task, completed=arrived)
