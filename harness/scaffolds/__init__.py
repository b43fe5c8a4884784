"""First versions of a user's own files: a study, claims, data, a network, a feature.

Each template is one file in ``templates/`` that works as it is; ``${name}`` in it is the name that the user gives. Its
opening (the docstring, or the first comment) says how to go on, and is shown when it has been written.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from harness.claims.library import FOLDER
from harness.errors import HarnessError
from harness.own_code import installed_as
from harness.scaffolds.schemas import schema_json

_TEMPLATES = Path(__file__).parent / "templates"
_CODE = ".py"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")


@dataclass(frozen=True)
class Scaffold:
    """What was written.

    Attributes
    ----------
    files
        The files, the one to edit first.
    opening
        Its opening: what it is and how to use it.
    """

    files: tuple[Path, ...]
    opening: str


@dataclass(frozen=True)
class _Kind:
    """Template, folder that the file belongs into, and the schema that its first line names."""

    template: str
    folder: str = ""
    schema: str = ""


_KINDS: Mapping[str, _Kind] = {
    "study": _Kind("study.toml", schema="study"),
    "claims": _Kind("claims.toml", FOLDER, schema="claims"),
    "dataset": _Kind("dataset.py"),
    "network": _Kind("network.py"),
    "feature": _Kind("feature.py"),
}
KINDS = tuple(_KINDS)


def write_scaffold(kind: str, name: str, folder: Path) -> Scaffold:
    """Write the file of a ``kind`` (see :data:`KINDS`) called ``name`` into ``folder``; no file is overwritten.

    Raises
    ------
    HarnessError
        When the name cannot be used, the file exists, or it cannot be written.
    """
    known = _KINDS[kind]
    template = _TEMPLATES / known.template
    _check_name(name, template.suffix == _CODE)
    place = folder / known.folder
    path = place / f"{name}{template.suffix}"
    text = Template(template.read_text(encoding="utf-8")).substitute(name=name)
    place.mkdir(parents=True, exist_ok=True)
    if not _write_new(path, text):
        raise HarnessError(f"{path}: exists already and was not changed; choose another name, or move the file")
    files = [path]
    schema = place / f"{known.schema}.schema.json"
    # One that is there may belong to other files, and is replaced by `harness schema --output`.
    if known.schema and _write_new(schema, schema_json(known.schema)):
        files.append(schema)
    return Scaffold(tuple(files), _opening(text, template.suffix))


def _check_name(name: str, is_code: bool) -> None:
    if not _NAME.fullmatch(name):
        raise HarnessError(
            f"name {name!r}: use a letter, then letters, digits, '_' or '-', 60 characters at most; no folder or suffix"
        )
    if not is_code:
        return
    if not name.isidentifier() or keyword.iskeyword(name):
        raise HarnessError(f"name {name!r}: Python cannot import a file of this name; use letters, digits and '_'")
    if installed := installed_as(name):
        raise HarnessError(f"name {name!r}: a module of this name is installed ({installed}); choose another name")


def _write_new(path: Path, text: str) -> bool:
    """Write a file unless it exists; return whether it was written."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _opening(text: str, suffix: str) -> str:
    """Return the docstring of a module, or the first comment of a TOML file."""
    if suffix == _CODE:
        return ast.get_docstring(ast.parse(text)) or ""
    lines = text.splitlines()[1:]
    end = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines[:end])
