"""Parts of error messages: received values cut short, and names that may have been meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def shortened(text: str, most: int = 80) -> str:
    """Return ``text`` cut to ``most`` characters, the last three of which are then dots."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def near(name: str, known: Iterable[str]) -> str:
    """Return a hint at the name in ``known`` that ``name`` resembles; empty if there is none."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
