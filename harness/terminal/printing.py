"""Printing to the terminal: all text for standard output and error passes through here, or through
:mod:`harness.terminal.console` if it is laid out by rich.

Control characters are escaped (:mod:`harness.text.printable`), and characters that the encoding of the stream lacks are
replaced.
"""

from __future__ import annotations

import codecs
import errno
import io
import logging
import os
import sys
import traceback
import warnings
from contextlib import suppress
from types import TracebackType
from typing import TextIO

import click

from harness.errors import HarnessError
from harness.system.redaction import mask_secrets
from harness.text.printable import one_line, printable

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


def guard_streams() -> None:
    """Escape control characters in the output of other code in this process as well.

    That is log messages without a handler, Python's warnings and tracebacks of uncaught exceptions. The streams replace
    characters that their encoding lacks instead of raising.

    Typographic characters become ASCII (``−`` becomes ``-``, ``±`` becomes ``+-``), others an escape such as
    ``\\u03bc``. That includes bytes of a path that are not text, which UTF-8 rejects as well. The encoding itself is
    unchanged.
    """
    codecs.register_error(_HANDLER, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)
    logging.lastResort = _LastResort(logging.WARNING)
    warnings.showwarning = _show_warning
    sys.excepthook = _show_uncaught


def say(text: object, *, err: bool = False) -> None:
    """Print ``text`` as one line, on standard error with ``err``.

    Raises
    ------
    OSError
        When the stream cannot be written.
    """
    _write(one_line(text), err)


def say_lines(text: object, *, err: bool = False) -> None:
    """Print ``text`` that contains line feeds of its own: JSON, a traceback. Raises as :func:`say`."""
    _write(printable(text), err)


def say_error(error: HarnessError | OSError) -> None:
    """Print an error on standard error: a line for each argument of a HarnessError, without secrets."""
    lines = error.args if isinstance(error, HarnessError) else (_file_error(error),)
    for number, line in enumerate(lines):
        say(f"{'' if number else 'error: '}{mask_secrets(str(line))}", err=True)


def _write(text: str, err: bool) -> None:
    # click by itself would write UTF-8 to a stream whose encoding is ASCII.
    click.echo(text, file=sys.stderr if err else sys.stdout)


def _file_error(error: OSError) -> str:
    if error.strerror is None:
        return str(error)
    if error.filename is None:
        return f"cannot read or write a file or stream: {error.strerror}"
    return f"{error.filename}: {error.strerror}"


def drop_unwritable_output() -> None:
    """Discard the rest of standard output if it cannot be written (a full disk).

    Python would otherwise try again at exit, and report the error there.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        if error.errno == errno.EPIPE:
            return
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)


class _LastResort(logging.Handler):
    """Prints log messages for which no handler is set up."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            say(mask_secrets(record.getMessage()), err=True)
            if record.exc_info and record.exc_info[1] is not None:
                say_lines("".join(traceback.format_exception(record.exc_info[1])).rstrip("\n"), err=True)
        except Exception:
            self.handleError(record)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if file is not None:
        file.write(warnings.formatwarning(message, category, filename, lineno, line))
        return
    with suppress(OSError):
        say(f"{filename}:{lineno}: {category.__name__}: {message}", err=True)


def _show_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    say_lines("".join(traceback.format_exception(kind, error, trace)).rstrip("\n"), err=True)


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_PLAIN)
    # Characters in the stream's encoding are kept; all others become ASCII escapes.
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end
