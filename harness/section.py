"""The base of every section of a study file, and of the options of a network, plane or data set.

The docstrings of fields document the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field

from harness.text.messages import shortened

Positive = Annotated[int, Field(gt=0)]
Natural = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


class Section(BaseModel):
    """A table of the study file: frozen, and closed to unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class NoOptions(Section):
    """The empty section, for items without options."""


class AnyOptions(Section):
    """The options of the user's own code: any, passed on as keyword arguments."""

    model_config = ConfigDict(extra="allow")


def takes_any(options: type[Section]) -> bool:
    """Return whether ``options`` accepts keys that it does not list."""
    return options.model_config.get("extra") == "allow"


@dataclass(frozen=True)
class Most:
    """The largest value of a field, or the greatest length of its text or list, and why; annotates the field.

    ``each`` is the bound on each entry of a list; None for no such bound.
    """

    limit: float
    why: str
    each: float | None = None

    def fault(self, value: Any) -> str:
        """Return what is wrong with ``value``; empty when nothing is."""
        if isinstance(value, bool) or value is None:
            return ""
        if isinstance(value, int | float):
            return (
                f"must be at most {_limit(self.limit)} ({self.why}), received {_cut(value)}"
                if value > self.limit
                else ""
            )
        if isinstance(value, str | tuple | dict) and len(value) > self.limit:
            kind = "characters" if isinstance(value, str) else "entries"
            return f"must have at most {_limit(self.limit)} {kind} ({self.why}), received {len(value)}"
        if self.each is not None and isinstance(value, tuple | dict):
            for one in value:
                size = one if isinstance(one, int | float) else len(one) if isinstance(one, str) else 0
                if size > self.each:
                    return f"each entry must be at most {_limit(self.each)} ({self.why}), received {_cut(one)}"
        return ""


def bound_of(model: type[BaseModel], field: str) -> Most | None:
    """Return the bound of a field; None where it has none."""
    return next((each for each in model.model_fields[field].metadata if isinstance(each, Most)), None)


def keys_of(model: type[BaseModel]) -> list[str]:
    """Return the keys of a section as a study file writes them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def section_of(annotation: Any) -> Any:
    """Return the model inside an annotation such as tuple[Arm, ...] or dict[str, Space]."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        found = section_of(inner)
        if found is not None:
            return found
    return None


def as_tuples(value: Any) -> Any:
    """Return JSON data with tuples for lists, as strict sections require."""
    if isinstance(value, Mapping):
        return {name: as_tuples(one) for name, one in value.items()}
    return tuple(as_tuples(one) for one in value) if isinstance(value, list) else value


def _limit(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def _cut(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value) if _writable(value) else "a very large number"
    return shortened(text, 40)


def _writable(value: Any) -> bool:
    """Whether Python can convert ``value`` to text, which it refuses for an integer of thousands of digits."""
    return not isinstance(value, int) or value.bit_length() < 1000
