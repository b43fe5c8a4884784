"""The fields of a study file on the terminal."""

from __future__ import annotations

import inspect
from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from harness.cli.output.screen_table import console, table
from harness.errors import HarnessError


def show_fields(section: str | None) -> None:
    """Print the fields of a study file, or only those of ``section`` if given."""
    from pydantic import BaseModel

    from harness.registry import DATASETS, NETWORKS, PLANES, SPLITS, options_of
    from harness.section import section_of
    from harness.study.spec import StudySpec

    terminal = console()
    sections: list[tuple[str, str, type[BaseModel]]] = []

    def visit(path: str, model: type[BaseModel], of: str = "") -> None:
        if path and model.model_fields:
            brackets = f"[[{path}]]" if path in ("arms", "compare") else f"[{path}]"
            sections.append((path, f"{brackets}{of}", model))
        for name, field in model.model_fields.items():
            inner = section_of(field.annotation)
            if inner is not None and name != "planes":
                visit(f"{path}.{name}" if path else name, inner)

    visit("", StudySpec)
    for plane in PLANES:
        visit(f"features.planes.{plane.name}", options_of(plane))
    for dataset in DATASETS:
        visit(f"data.{dataset.name}", options_of(dataset))
    for rule in SPLITS:
        visit("protocol", options_of(rule), f" of split {rule.name}")
    networks: dict[type[BaseModel], list[str]] = {}
    for network in NETWORKS:
        networks.setdefault(options_of(network), []).append(network.name)
    for options, names in networks.items():
        visit("model", options, f" of {', '.join(names)}")
    known = dict.fromkeys(path for path, _, _ in sections)
    if section is not None and section not in known:
        raise HarnessError(f"a study file has no section {section!r}; allowed: {', '.join(known)}")
    for path, heading, model in sorted(sections, key=lambda each: list(known).index(each[0])):
        if section is not None and path != section and not path.startswith(f"{section}."):
            continue
        rows = [
            (
                field.alias or name,
                _type(field.annotation),
                "required" if field.is_required() else _default(field),
                _line(field.description),
            )
            for name, field in model.model_fields.items()
            if section_of(field.annotation) is None
        ]
        summary = (inspect.getdoc(model) or "").partition("\n\n")[0]
        terminal.print(
            table(
                f"{heading}  {_line(summary)}",
                ("field", "takes", "default", "meaning"),
                rows,
                left=4,
            )
        )


def _line(description: str | None) -> str:
    return " ".join((description or "").split())


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    return "-" if value is None else str(list(value) if isinstance(value, tuple) else value)


def _type(annotation: Any) -> str:
    """Return the type of a field's value: ``int``, ``list of str``, or the words to choose from."""
    inner = [each for each in get_args(annotation) if each is not type(None)]
    origin = get_origin(annotation)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return " | ".join(annotation)
    if origin is Annotated:
        return _type(inner[0])
    if origin in (Union, UnionType):
        return " | ".join(map(_type, inner))
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return f"table of {_type(inner[1])}"
    return "any" if annotation is Any else str(getattr(annotation, "__name__", annotation))
