"""Values written in the syntax of other languages, converted to TOML."""

from __future__ import annotations

import json
import re
import tomllib

_NUMBERS = (
    (re.compile(r"(?<![\w.])([+-]?)\.(?=\d)"), r"\g<1>0."),  # .5
    (re.compile(r"(?<=\d)\.(?!\d)"), ".0"),  # 5.
    (re.compile(r"(?<![\w.])([+-]?)0+(?=\d)"), r"\g<1>"),  # 007
)


def as_toml(text: str) -> str:
    """Return the TOML value that the invalid ``text`` was probably meant to be; empty when none is found.

    ``True`` is ``true``, ``.001`` is ``0.001``, ``5.`` is ``5.0``, ``1,2`` is ``[1, 2]`` and ``[a, b]`` is
    ``["a", "b"]``.
    """
    for pattern, better in _NUMBERS:
        text = pattern.sub(better, text)
    text = re.sub(r"\b(?:True|TRUE|False|FALSE)\b", lambda match: match[0].lower(), text)
    parts = [part.strip() for part in text.strip("()[] ").split(",") if part.strip()]
    # Parts of a list that are not values are unquoted words.
    listed = ", ".join(part if _is_value(part) else json.dumps(part, ensure_ascii=False) for part in parts)
    several = len(parts) > 1 or text.startswith(("[", "("))
    return next((each for each in (text, f"[{listed}]" if several else "") if each and _is_value(each)), "")


def _is_value(text: str) -> bool:
    try:
        return list(tomllib.loads(f"value = {text}")) == ["value"]
    except (ValueError, RecursionError):
        return False
