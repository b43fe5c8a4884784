"""Reading a claims file as a Paper, or failing with one message that names every fault."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from harness.claims.paper import NOT_STATED, Paper
from harness.errors import ClaimsError
from harness.section import Section, as_tuples, section_of
from harness.text.messages import near, shortened
from harness.text.toml_file import read_toml


def load_paper(path: Path) -> Paper:
    """Read one claims file.

    Raises
    ------
    ClaimsError
        When it does not exist, is not TOML, or a field is missing, unknown or invalid; every fault is named.
    """
    return parse_paper(read_toml(path, "claims file", ClaimsError), str(path))


def parse_paper(document: Mapping[str, Any], name: str) -> Paper:
    """Check the parsed ``document`` of a claims file; ``name`` names it in messages.

    Raises
    ------
    ClaimsError
        When a field is missing, unknown or invalid; every fault is named.
    """
    try:
        return Paper.model_validate(as_tuples(document))
    except ValidationError as error:
        faults = [f"  {_place(fault['loc'], document)}: {_told(fault)}" for fault in error.errors()]
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise ClaimsError(f"{name}: {count}", *faults) from None


def _place(location: tuple[int | str, ...], node: Any) -> str:
    """Return the location of a fault, with entries of arrays by name where they have one."""
    words: list[str] = []
    for step in location:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            node = None
        if isinstance(step, str):
            words.append(step)
            continue
        names = [node.get(key) for key in ("id", "name", "layer")] if isinstance(node, Mapping) else []
        words[-1] += f" {next((name for name in names if isinstance(name, str) and name), step + 1)}"
    return ", ".join(words) or "file"


def _told(fault: Any) -> str:
    """Return what is wrong, the value received and what to do."""
    kind, received, keys = fault["type"], fault["input"], [step for step in fault["loc"] if isinstance(step, str)]
    field = _fields(keys[:-1]).get(keys[-1]) if keys else None
    if kind == "missing" and field is not None:
        unstated = (
            f'; where the source does not say, write "{NOT_STATED}"' if NOT_STATED in str(field.annotation) else ""
        )
        return f"is missing. What belongs here: {' '.join(str(field.description).split()).removesuffix('.')}{unstated}"
    if kind == "extra_forbidden":
        known = _fields(keys[:-1])
        return f"unknown key{near(keys[-1], known)}; known here: {', '.join(known)}"
    if kind == "string_type" and type(received) in (int, float):
        return f"write it in quotes, as printed, so that no printed digit is lost; received the number {received!r}"
    if kind == "tuple_type":
        brackets = "write its title in double brackets" if isinstance(received, Mapping) else "write a list in brackets"
        return f"{brackets}, {_header(keys, field)}; received {shortened(repr(received))}"
    if kind == "model_type":
        return f"write keys and values below a title, {_header(keys, field)}; received {shortened(repr(received))}"
    message = str(fault["msg"]).removeprefix("Value error, ")
    return message if isinstance(received, Mapping) else f"{message}; received {shortened(repr(received))}"


def _fields(keys: list[str]) -> dict[str, FieldInfo]:
    """Return the fields, by their names in the file, of the section that ``keys`` lead to."""
    # Only a faulty file needs it, and it imports the complete model of study files.
    section: type[Section] | None = Paper
    for key in keys:
        field = _named(section).get(key)
        section = section_of(field.annotation) if field else None
    return _named(section)


def _named(section: type[Section] | None) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in section.model_fields.items()} if section else {}


def _header(keys: list[str], field: FieldInfo | None) -> str:
    """Return the table header under which the place that ``keys`` lead to is written in a file."""
    if field is None or section_of(field.annotation) is None:
        return f'such as {keys[-1]} = ["...", "..."]'
    title = ".".join(keys)
    return f"such as [[{title}]]" if "tuple" in str(field.annotation) else f"such as [{title}]"
