"""The content of a file before its format is known: JSON, text or a table, bounded and never executed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.comparisons.systems.system import AnySystem
from harness.errors import ComparisonError
from harness.text.delimited import Table, TableError, read_table
from harness.text.messages import shortened

MOST_BYTES = 1 << 30
_MOST_TEXT = 64 << 20
"""JSON files and logs; predictions of 1 GiB are tables."""

_PICKLES = {".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt"}


@dataclass(frozen=True)
class Content:
    """What a file holds.

    Attributes
    ----------
    path
        The file.
    document
        What its JSON says, if it is JSON; else None.
    """

    path: Path
    document: Any = field(default=None, repr=False)

    @property
    def is_json(self) -> bool:
        """Whether it is a JSON document."""
        return self.path.suffix.lower() == ".json"

    @cached_property
    def text(self) -> str:
        """Its text, empty where it is not UTF-8 or is longer than any log."""
        try:
            if self.path.stat().st_size > _MOST_TEXT:
                return ""
            return self.path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return ""

    @cached_property
    def table(self) -> Table | TableError:
        """Its table, or what is wrong with it as one."""
        try:
            return read_table(self.path, comments=True)
        except OSError as error:
            return TableError(f"cannot be read ({error.strerror or error})")
        except TableError as error:
            return error

    def refuse(self, fault: str) -> ComparisonError:
        """Return an error about the file."""
        return ComparisonError(f"{self.path}: {fault}")


@dataclass(frozen=True)
class Format:
    """A format of results.

    Attributes
    ----------
    title
        What messages call it.
    recognises
        Whether a file has this format, from its content.
    read
        Returns its systems, given the content and the name of a task (empty for the only one); raises ComparisonError.
    """

    title: str
    recognises: Callable[[Content], bool]
    read: Callable[[Content, str], tuple[AnySystem, ...]]


def open_content(path: Path) -> Content:
    """Return what ``path`` holds.

    Raises
    ------
    ComparisonError
        When it cannot be read, is too large, is a pickle, or is JSON with a fault.
    """
    if path.suffix.lower() in _PICKLES:
        raise ComparisonError(
            f"{path}: is a pickle, which is never loaded, since loading it runs code of its author; load it where it "
            "was made and write a CSV with the columns clip, y_true and y_pred"
        )
    try:
        if not path.is_file():
            raise ComparisonError(f"{path}: cannot be read (no such file)")
        size = path.stat().st_size
        is_json = path.suffix.lower() == ".json"
        if size > (_MOST_TEXT if is_json else MOST_BYTES):
            raise ComparisonError(f"{path}: has more than {(_MOST_TEXT if is_json else MOST_BYTES) >> 20:,} MiB")
        return Content(path, _parsed(path, path.read_bytes()) if is_json else None)
    except OSError as error:
        raise ComparisonError(f"{path}: cannot be read ({error.strerror or error})") from None


def _parsed(path: Path, content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise ComparisonError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except ValueError as error:  # also raised for an integer of thousands of digits
        raise ComparisonError(f"{path}: is not valid JSON: {error}") from None
    except RecursionError:
        raise ComparisonError(f"{path}: is not valid JSON: nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {shown(next(name for name in names if names.count(name) > 1))} is given twice")
    return found


def shown(value: object) -> str:
    """Return a received value for a message, on one line and cut short."""
    return shortened(repr(value))


def percent(content: Content, value: object, where: str) -> float:
    """Return an accuracy that is a fraction in the file as percent.

    Raises
    ------
    ComparisonError
        When it is no number in 0..1.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= 1:
        raise content.refuse(f"{where}: received {shown(value)}, expected an accuracy from 0 to 1")
    return 100 * float(value)
