"""Printed: a number as printed, whose digits show how far it may have been rounded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

# No publication prints more digits, and Decimal's arithmetic (28 digits) is exact for this many.
_NUMBER = re.compile(r"(?P<digits>-?(?:[0-9]{1,12}(?:\.[0-9]{0,12})?|\.[0-9]{1,12}))\s?(?P<suffix>[KkM]?)")
_SUFFIXES = {"": Decimal(1), "K": Decimal(1_000), "k": Decimal(1_000), "M": Decimal(1_000_000)}


@dataclass(frozen=True)
class Printed:
    """A printed number.

    Attributes
    ----------
    text
        As printed: ``"95.2"``, ``".03121"``, ``"15.9 M"``.
    value
        The number, in the unit of its table.
    step
        One unit of the last printed digit: 0.1 for ``"95.2"``, 100,000 for ``"15.9 M"``.
    """

    text: str
    value: Decimal
    step: Decimal

    @classmethod
    def parse(cls, text: str) -> Printed:
        """Read a number as printed; K (or k) and M are thousands and millions.

        Raises
        ------
        ValueError
            When ``text`` is not one number.
        """
        match = _NUMBER.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a printed number, such as '95.2', '.03121' or '15.9 M'")
        factor = _SUFFIXES[match["suffix"]]
        places = len(match["digits"].partition(".")[2])
        return cls(text.strip(), Decimal(match["digits"]) * factor, Decimal(1).scaleb(-places) * factor)

    @property
    def decimals(self) -> int:
        """Digits printed after the point."""
        return len(self.text.rstrip("KkM ").partition(".")[2])

    @property
    def low(self) -> Decimal:
        """The smallest number that rounds to this one."""
        return self.value - self.step / 2

    @property
    def high(self) -> Decimal:
        """The largest number that rounds to this one."""
        return self.value + self.step / 2
