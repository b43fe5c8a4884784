"""Text for Markdown: tables, and everything that comes from a study escaped here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SPECIALS = re.compile(r"([\\`*_\[\]|#~$])")
_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escape(text: object) -> str:
    """Return ``text`` on one line, as Markdown that shows it as it stands."""
    flat = " ".join(str(text).split())
    return _SPECIALS.sub(r"\\\1", "".join(_MARKUP.get(sign, sign) for sign in flat))


def table(headers: Sequence[object], rows: Iterable[Sequence[object]], words: int = 1) -> str:
    """Return a table of plain cells; the first ``words`` columns are set flush left, the others flush right."""
    rule = ["---" if column < words else "---:" for column in range(len(headers))]
    lines = [map(escape, headers), rule, *(map(escape, row) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
