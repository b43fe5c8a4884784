"""Claim: one published accuracy with everything stated about it, at its address ``paper:table/column[/class]``."""

from __future__ import annotations

from dataclasses import dataclass

from harness.choices import ReadAs
from harness.claims.paper import AccuracyTable, Column, Source
from harness.claims.printed import Printed


@dataclass(frozen=True)
class Claim:
    """One published accuracy.

    ``class_name`` is None for a column's headline number, else the class whose accuracy is meant.
    """

    source: Source
    table: AccuracyTable
    column: Column
    class_name: str | None = None

    @property
    def address(self) -> str:
        """``paper:table/column``, and ``/class`` for the accuracy of one class."""
        end = "" if self.class_name is None else f"/{self.class_name}"
        return f"{self.source.key}:{self.table.id}/{self.column.name}{end}"

    @property
    def printed(self) -> Printed:
        """The number as printed, in the table's unit."""
        if self.class_name is None:
            return Printed.parse(self.column.value)
        return Printed.parse(self.column.classes[self.table.classes.index(self.class_name)])

    @property
    def factor(self) -> int:
        """Percentage points in one unit of the table."""
        return 1 if self.table.unit == "percent" else 100

    @property
    def percent(self) -> float:
        """The accuracy in percent."""
        return float(self.printed.value * self.factor)

    @property
    def percent_text(self) -> str:
        """The accuracy in percent with the digits that are printed."""
        return f"{self.percent:.{max(0, self.printed.decimals - (0 if self.factor == 1 else 2))}f}"

    @property
    def class_percents(self) -> dict[str, float]:
        """Printed class accuracies in percent; empty where none are printed."""
        return {
            name: float(Printed.parse(text).value * self.factor)
            for name, text in zip(self.table.classes, self.column.classes, strict=False)
        }

    @property
    def fold_percents(self) -> tuple[float, ...]:
        """Printed fold accuracies in percent; empty where none are printed."""
        return tuple(float(Printed.parse(text).value * self.factor) for text in self.column.folds)

    @property
    def read_as(self) -> ReadAs:
        """The default meaning for an arm: a reference where its table is one."""
        return ReadAs.REFERENCE if self.table.role == "reference" else ReadAs.REPLICATION

    @property
    def estimand(self) -> str:
        """That of the table; ``class`` for the accuracy of one class."""
        return self.table.estimand if self.class_name is None else "class"
