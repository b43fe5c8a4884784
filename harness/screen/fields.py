"""The fields of a study file on the terminal."""

from __future__ import annotations

from typing import Any, get_args

from harness.errors import HarnessError
from harness.screen.table import console, table


def show_fields(section: str | None) -> None:
    """Print the fields of a study file; of one ``section`` when it is named."""
    from pydantic import BaseModel

    from harness.study.load import section_of
    from harness.study.spec import StudySpec

    terminal = console()
    sections: dict[str, tuple[str, type[BaseModel]]] = {}

    def visit(path: str, doc: str, model: type[BaseModel]) -> None:
        sections[path] = (doc, model)
        for name, field in model.model_fields.items():
            inner = section_of(field.annotation)
            if inner is not None:
                visit(f"{path}.{name}" if path else name, field.description or "", inner)

    visit("", "", StudySpec)
    sections.pop("")
    if section is not None and section not in sections:
        raise HarnessError(f"no section {section!r} in a study file; there are: {', '.join(sections)}")
    for path, (_, model) in sections.items():
        if section not in (None, path):
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
        heading = f"[[{path}]]" if path in ("arms", "compare") else f"[{path}]"
        terminal.print(
            table(
                f"{heading}  {(model.__doc__ or '').splitlines()[0]}",
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
    inner = get_args(annotation)
    if len(inner) == 2 and type(None) in inner:
        return _type(next(one for one in inner if one is not type(None)))
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    for old, new in (
        ("typing.", ""),
        (" | None", ""),
        ("Literal", ""),
        ("tuple[int, ...]", "list of int"),
        ("tuple[str, ...]", "list of str"),
        ("'", ""),
    ):
        text = text.replace(old, new)
    if "Annotated[" in text:
        text = "list of int" if "tuple" in text else text.split("Annotated[")[1].split(",")[0]
    return text.strip("[]").replace(", ", " | ") if text.startswith("[") else text
