"""The kinds of text in a claims file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field

from harness.claims.printed import Printed

_Many = TypeVar("_Many", bound=Sequence[object])


def _name(name: str) -> str:
    if not name or len(name) > 100 or name != name.strip() or "/" in name or not name.isprintable():
        raise ValueError("a name has 1 to 100 characters, no slash, and no space at its ends")
    return name


def _key(key: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", key):
        raise ValueError("a key has 1 to 60 characters out of A-Z, a-z, 0-9, _ and -")
    return key


def _doi(doi: str) -> str:
    if not re.fullmatch(r"10\.[0-9]{4,9}/\S+", doi):
        raise ValueError("a DOI begins with 10. and has a slash, such as 10.3390/s19071733; write it without https://")
    return doi


def _number(text: str) -> str:
    number = Printed.parse(text)
    if number.value < 0:
        raise ValueError("numbers in a claims file must not be negative")
    return number.text


def at_least_one(entries: _Many) -> _Many:
    """Return ``entries``. Raises ValueError when there are none.

    It runs after the entries have been checked, unlike a minimum length, which also counts a faulty entry as missing.
    """
    if not entries:
        raise ValueError("write at least one")
    return entries


def distinct(what: str, names: Sequence[str]) -> None:
    """Raise ValueError when one of the ``names`` of several ``what`` occurs more than once."""
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{what} {name!r} occurs {names.count(name)} times; names must be unique")


Name = Annotated[str, AfterValidator(_name)]
"""A name that an address can hold."""
Key = Annotated[str, AfterValidator(_key)]
Doi = Annotated[str, AfterValidator(_doi)]
Number = Annotated[str, AfterValidator(_number)]
"""A number as printed: text, so that no digit is lost."""
Words = Annotated[str, Field(min_length=1)]
