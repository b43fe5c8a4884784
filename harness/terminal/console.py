"""The terminal as laid out by rich; control characters in texts are escaped as in :mod:`harness.terminal.printing`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from harness.text.printable import one_line, printable


class Screen(Console):
    """A console that prints strings as they are, without markup, emoji codes or colours of its own.

    A string is one line (wrapped if long). The output for strings and other objects contains no control characters but
    rich's own.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, "highlight": False, **options})

    def render_str(self, text: str, **options: Any) -> Text:
        """Return ``text`` in the way rich renders strings: arguments of print, cells and headers of tables."""
        return super().render_str(one_line(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of any object; those that hold rich's own control codes are marked as such."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


def words(text: object, style: str = "") -> Text:
    """Return ``text`` as one line of rich's text, for cells and lines with a style."""
    return Text(one_line(text), style=style)


def lines(texts: Iterable[object]) -> Text:
    """Return ``texts`` as rich's text, each on a line of its own."""
    return Text("\n").join(map(words, texts))
