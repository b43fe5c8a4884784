"""Text for LaTeX: all text that comes from a study is escaped here and nowhere else.

The document must have T1 fonts, UTF-8 input and the textcomp package.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from harness.text.printable import printable

_SPECIALS = {
    "\\": r"\textbackslash{}",
    # After the end of a row, LaTeX would read a bare bracket or star as its option.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "‘": r"\textquoteleft{}",
    "’": r"\textquoteright{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    "…": r"\ldots{}",
    "•": r"\textbullet{}",
    "€": r"\texteuro{}",
    "−": r"$-$",
    "→": r"$\to$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "≠": r"$\ne$",
    "≈": r"$\approx$",
    "∞": r"$\infty$",
    "\N{OHM SIGN}": r"$\Omega$",
}
_GREEK_SIGNS = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ"
_GREEK_NAMES = """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi
    chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"""
_GREEK = dict(zip(_GREEK_SIGNS, _GREEK_NAMES.split(), strict=True))
# Characters of Latin-1 and Latin Extended-A that T1 fonts lack.
_NOT_IN_T1 = set("ĦħĸĿŀŉŦŧſ\N{SOFT HYPHEN}")
# Pairs that T1 fonts join to a ligature: two hyphens would print as a dash and hide a command's option.
_LIGATURES = ("--", "''", ",,", "?`", "!`")


def escape(text: object) -> str:
    """Return ``text`` as LaTeX that prints it literally.

    Characters outside Latin, Greek and common punctuation lose their accents or, if nothing is left, print as their
    code point, since pdflatex would stop at them. Control characters are escapes (:mod:`harness.text.printable`).
    """
    flat = printable(" ".join(unicodedata.normalize("NFC", str(text)).split()))
    printed = "".join(map(_sign, flat))
    for pair in _LIGATURES:
        while pair in printed:
            printed = printed.replace(pair, f"{pair[0]}{{}}{pair[1]}")
    return printed


def breakable(text: object) -> str:
    """Return :func:`escape` of ``text``, with line breaks allowed inside names, after _ + - . / and =."""
    return _with_breaks(escape(text), (r"\_", "+", "-", ".", "/", "="))


def code(text: object) -> str:
    """Return a command in typewriter font, with line breaks allowed between the parts of its words.

    They are not allowed after the hyphens of an option.
    """
    typed = _with_breaks(escape(text), (r"\_", ".", "/", "=")).replace("'", r"\textquotesingle{}")
    return rf"\texttt{{{typed}}}"


def _with_breaks(tex: str, signs: Sequence[str]) -> str:
    """Allow a break after each of ``signs``, but neither inside a number nor after a sign in front of one."""
    for sign in map(re.escape, signs):
        tex = re.sub(rf"{sign}(?!\d)|(?<=[A-Za-z]){sign}", lambda match: match[0] + r"\allowbreak{}", tex)
    return tex


def printed_length(text: object) -> int:
    """Return the number of printed characters of ``text``, including those of code points."""
    return sum(8 if _sign(sign).startswith("{[}U+") else 1 for sign in str(text))


def _sign(sign: str) -> str:
    if sign in _SPECIALS:
        return _SPECIALS[sign]
    if sign in _GREEK:
        return rf"$\{_GREEK[sign]}$"
    if " " <= sign <= "~" or ("\xa0" <= sign <= "\u017f" and sign not in _NOT_IN_T1):
        return sign
    if unicodedata.category(sign).startswith("C"):
        return ""
    bare = [part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part)]
    if bare and all(" " <= part <= "~" for part in bare):
        return "".join(_SPECIALS.get(part, part) for part in bare)
    return f"{{[}}U+{ord(sign):04X}{{]}}"
