r"""Text that is safe to display: control characters are replaced by visible escapes such as ``\x1b``.

Names, titles and messages come from study files, score files, stores, servers and reports that others may have written.
A terminal executes escape sequences in them (they set its title and clipboard, clear the screen, move the cursor), and
Unicode's bidirectional controls display text in another order than it has (CVE-2021-42574). Everything that is printed
or written into Markdown or LaTeX is escaped here first; for HTML, ``html.escape`` follows.
"""

from __future__ import annotations

import unicodedata

# Controls (C0, C1 and DEL), format characters (bidirectional, invisible), lone surrogates, line separators.
_ACTIVE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Format characters that are part of words and emoji: the zero-width non-joiner and joiner.
_SPELLING = "\u200c\u200d"


def printable(text: object) -> str:
    """Return ``text`` with every control character but the line feed as an escape; letters of all scripts stay."""
    shown = str(text)
    if shown.isprintable():
        return shown
    return "\n".join("".join(map(_sign, line)) for line in shown.split("\n"))


def one_line(text: object) -> str:
    r"""Return :func:`printable` of ``text`` with its line feeds as ``\n`` too: a name cannot forge a line."""
    return printable(text).replace("\n", r"\n")


def _sign(sign: str) -> str:
    if sign.isprintable() or sign in _SPELLING or unicodedata.category(sign) not in _ACTIVE:
        return sign
    return sign.encode("unicode_escape").decode("ascii")
