"""Standard output and error that print every text, whatever encoding they have."""

from __future__ import annotations

import codecs
import io
import sys

import click

_HANDLER = "harness.plain"
_PLAIN = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "—": "-",
        "±": "+-",
        "×": "x",
        "²": "^2",
        "…": "...",
        "→": "->",
        "≤": "<=",
        "≥": ">=",
        "≈": "~",
        "≠": "!=",
        "∞": "inf",
        "•": "*",
        "‘": "'",
        "’": "'",
        # A double quote would end a string of JSON.
        "“": "'",
        "”": "'",
        "€": "EUR",
        "\u00a0": " ",
        "\u202f": " ",
    }
)


def print_in_any_encoding() -> None:
    """Make standard output and error replace the characters that their encoding lacks, instead of raising.

    Typographic signs become ASCII (``−`` becomes ``-``, ``±`` becomes ``+-``), others an escape such as ``\\u03bc``.
    That includes bytes of a path that are no text, which UTF-8 refuses as well. The encoding itself stays.
    """
    codecs.register_error(_HANDLER, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def say(text: object, *, err: bool = False) -> None:
    """Print ``text``: click by itself would write UTF-8 to a stream whose encoding is ASCII."""
    click.echo(text, file=sys.stderr if err else sys.stdout)


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_PLAIN)
    # What the encoding of the stream has is left to it: the escapes of the rest are ASCII.
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end
