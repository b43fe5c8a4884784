"""Text for Markdown: tables, and everything that comes from a study escaped here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.text.printable import printable

_SPECIALS = re.compile(r"([\\`*_\[\]|#~$])")
_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# What would make a line a list, a heading's underline or a rule.
_BLOCK = re.compile(r"^([0-9]*)(?=[-+=.)](?:[-+=\s]|$))")


def escape(text: object) -> str:
    """Return ``text`` on one line, as Markdown that shows it as it stands; control characters are escapes
    (:mod:`harness.text.printable`)."""
    return _BLOCK.sub(r"\1\\", _cell(text))


def table(headers: Sequence[object], rows: Iterable[Sequence[object]], words: int = 1) -> str:
    """Return a table of plain cells; the first ``words`` columns are set flush left, the others flush right."""
    rule = ["---" if column < words else "---:" for column in range(len(headers))]
    lines = [map(_cell, headers), rule, *(map(_cell, row) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _cell(text: object) -> str:
    flat = printable(" ".join(str(text).split()))
    return _SPECIALS.sub(r"\\\1", "".join(_MARKUP.get(sign, sign) for sign in flat))
