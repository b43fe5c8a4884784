"""Text for Markdown: tables; all text that comes from a study is escaped here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.text.printable import printable

_SPECIALS = re.compile(r"([\\`*_\[\]|#~$])")
_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# Beginnings of a line that make it a list, a heading's underline or a rule.
_BLOCK = re.compile(r"^([0-9]*)(?=[-+=.)](?:[-+=\s]|$))")


def escape(text: object) -> str:
    """Return ``text`` on one line, as Markdown that shows it literally.

    Control characters are escapes (:mod:`harness.text.printable`).
    """
    return _BLOCK.sub(r"\1\\", _cell(text))


def table(headers: Sequence[object], rows: Iterable[Sequence[object]], words: int = 1) -> str:
    """Return a table of plain cells; the first ``words`` columns are aligned left, the others right."""
    rule = ["---" if column < words else "---:" for column in range(len(headers))]
    lines = [map(_cell, headers), rule, *(map(_cell, row) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _cell(text: object) -> str:
    flat = printable(" ".join(str(text).split()))
    return _SPECIALS.sub(r"\\\1", "".join(_MARKUP.get(sign, sign) for sign in flat))
