"""Dotted names: how arms, searches, declarations and the command line name one value of a study (``train.lr``)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from harness.section import Section
from harness.study.protocol_section import ProtocolSection
from harness.study.sections import (
    DataSection,
    EvaluateSection,
    FeaturesSection,
    ModelSection,
    SearchSection,
    StudySection,
    TrackingSection,
    TrainSection,
)

Study = TypeVar("Study", bound=Section)

SECTIONS: dict[str, type[Section]] = {
    "study": StudySection,
    "data": DataSection,
    "protocol": ProtocolSection,
    "features": FeaturesSection,
    "model": ModelSection,
    "train": TrainSection,
    "search": SearchSection,
    "evaluate": EvaluateSection,
    "tracking": TrackingSection,
}
"""The sections of a study, by name."""

LISTS = ("arms", "compare")
"""The lists of a study; a dotted name refers to a complete list."""

_HOLD_DOTTED = ("space", "set")
"""Tables of a study file whose keys are dotted names themselves."""


@dataclass(frozen=True, order=True)
class Dotted:
    """The name of one field of a study; ``field`` is empty where ``section`` is one of :data:`LISTS`."""

    section: str
    field: str = ""

    @classmethod
    def parse(
        cls,
        text: str,
        sections: Sequence[str] = (*SECTIONS, *LISTS),
        options: Collection[str] | None = None,
        of_split: Collection[str] | None = None,
    ) -> Self:
        """Return the field that ``text`` names; ValueError, which lists the allowed names, when it is none of those of
        ``sections``. ``options`` are those of networks, which are fields of model, and ``of_split`` those of a split,
        which are fields of protocol; where they are not given, any is.

        >>> Dotted.parse("train.lr", ("train", "model"))
        Dotted(section='train', field='lr')
        """
        section, _, field = text.partition(".")
        more = {"model": options, "protocol": of_split}
        option = section in more and more[section] is None and field.isidentifier()
        known = section in sections and (text in LISTS or field in _fields(section, more.get(section) or ()) or option)
        if not known:
            *most, last = sections
            allowed = [f"{name}.{each}" for name in sections for each in _fields(name, more.get(name) or ())]
            raise ValueError(
                f"{text!r} is not a field of {', '.join(most)}{' or ' if most else ''}{last}; allowed: "
                f"{', '.join([*allowed, *(name for name in sections if name in LISTS)])}"
            )
        return cls(section, field)

    def __str__(self) -> str:
        return f"{self.section}.{self.field}" if self.field else self.section

    @property
    def model(self) -> type[Section]:
        """The section's model; KeyError for a list."""
        return SECTIONS[self.section]

    def of(self, owner: Any) -> Any:
        """Return the value that ``owner``, a study or the settings of an arm, has for this field; None for an option of
        a network that it does not state."""
        section = getattr(owner, self.section)
        return getattr(section, self.field, None) if self.field else section

    def set(self, spec: Study, value: Any) -> Study:
        """Return ``spec`` with ``value`` for this field, unchecked."""
        if self.field:
            value = getattr(spec, self.section).model_copy(update={self.field: value})
        return spec.model_copy(update={self.section: value})

    def takes_whole_numbers(self, owner: Any) -> bool:
        """Return whether this field of ``owner`` holds an integer."""
        value = self.of(owner)
        return isinstance(value, int) and not isinstance(value, bool)


def selection(names: Iterable[str]) -> dict[str, Any]:
    """Return ``names`` as pydantic's ``include`` and ``exclude`` take them: ``{"train": {"lr"}, "arms": True}``."""
    found: dict[str, Any] = {}
    for name in map(Dotted.parse, names):
        if name.field:
            found.setdefault(name.section, set()).add(name.field)
        else:
            found[name.section] = True
    return found


def path_of(text: str) -> list[str]:
    """Return the keys by which a study file holds the value that ``text`` names, outermost first.

    >>> path_of("arms.LMCNet.set.train.lr")
    ['arms', 'LMCNet', 'set', 'train.lr']
    """
    keys = text.strip().split(".")
    for depth, key in enumerate(keys):
        if key in _HOLD_DOTTED and depth + 2 < len(keys):
            rest = keys[depth + 1 :]
            return [*keys[: depth + 1], ".".join(rest[:2]), *rest[2:]]
    return keys


def _fields(section: str, options: Collection[str]) -> list[str]:
    own = list(SECTIONS[section].model_fields) if section in SECTIONS else []
    return [*own, *sorted(options)]
