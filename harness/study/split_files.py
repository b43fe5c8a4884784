"""Files that splits name: what a study must know of them is read with the study file and recorded with the study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.registry import SPLITS, code
from harness.study.protocol_section import FOUND

_PROTOCOL = "protocol"


def with_split_files(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a study as parsed from TOML with what the files of its splits, those of arms too, say of themselves.

    Parameters
    ----------
    document : dict
        The study.
    folder : Path
        The folder to which the files are relative.

    Raises
    ------
    DataError
        When a file is missing or faulty.
    """
    table, entries = document.get(_PROTOCOL, {}), document.get("arms", [])
    if not isinstance(table, dict) or not isinstance(entries, list):
        return document
    found = _found(table, folder)
    resolved = {_PROTOCOL: table if found is None else {**table, FOUND: found}} if table else {}
    return document | resolved | ({"arms": [_with_file(entry, table, folder) for entry in entries]} if entries else {})


def _with_file(entry: Any, table: Mapping[str, Any], folder: Path) -> Any:
    """Return an arm whose own split names a file with what that says of itself."""
    own = entry.get("set") if isinstance(entry, dict) else None
    if not isinstance(own, dict):
        return entry
    prefix = f"{_PROTOCOL}."
    given = {key.removeprefix(prefix): value for key, value in own.items() if key.startswith(prefix)}
    inherits = given.get("split", table.get("split")) == table.get("split")
    found = _found({**(table if inherits else {}), **given}, folder) if given else None
    return entry if found is None else {**entry, "set": {**own, f"{prefix}{FOUND}": found}}


def _found(table: Mapping[str, Any], folder: Path) -> Any:
    """Return what the file of a split says of itself; None for a split without one."""
    split = table.get("split")
    rule = SPLITS.get(split) if isinstance(split, str) and split in SPLITS else None
    return code(rule.resolve)(table, folder)[FOUND] if rule is not None and rule.resolve else None
