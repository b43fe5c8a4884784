"""Reading a TOML file and its overrides as a validated StudySpec, or failing with one clear message."""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from harness.errors import StudyError
from harness.registry import DATASETS, PLANES, SPLITS, SplitRule, code, options_of
from harness.section import keys_of, section_of
from harness.study.bounds import require_bounded
from harness.study.dotted import path_of
from harness.study.protocol_section import ProtocolSection
from harness.study.sections import DataSection
from harness.study.spec import StudySpec
from harness.study.split_files import with_split_files
from harness.study.toml import as_toml
from harness.text.messages import near, shortened
from harness.text.toml_file import read_toml


def load_study(path: Path, overrides: Sequence[str] = ()) -> StudySpec:
    """Read the study file at ``path`` and apply ``overrides`` such as ``"train.epochs=3"``.

    The value of an override is read as TOML (``3``, ``0.1``, ``true``, ``[1, 2, 10]``), and as plain text where it is
    not TOML. An arm is addressed by its name or position: ``arms.LMCNet.features=MC``.

    Raises
    ------
    StudyError
        Naming the file, the key, the value received and what is allowed.
    """
    document = read_toml(path, "study file", StudyError)
    given = {_set(document, override): override for override in overrides}
    spec = parse_study(with_split_files(_resolved(document, path), path.parent), str(path), given)
    require_bounded(spec, str(path))
    return spec


def parse_protocol(split: str, stated: Sequence[str], folder: Path) -> ProtocolSection:
    """Return the protocol with the rule ``split`` and ``stated`` options such as ``"n=5"``, outside of a study; its
    files are relative to ``folder``.

    Raises
    ------
    StudyError
        Naming the option, the value received and what is allowed.
    DataError
        When a file is missing or faulty.
    """
    document: dict[str, Any] = {"protocol": {"split": split}}
    given = {_set(document, f"protocol.{override}"): override for override in stated}
    document = with_split_files(document, folder)
    try:
        return ProtocolSection.model_validate_json(json.dumps(document["protocol"], default=str))
    except ValidationError as error:
        within = {place[1:]: text for place, text in given.items()}
        raise StudyError(
            *(f"--split {split}: {line}" for line in _explain(error, document["protocol"], within))
        ) from None


def parse_study(
    document: dict[str, Any], source: str, overrides: Mapping[tuple[int | str, ...], str] | None = None
) -> StudySpec:
    """Validate a parsed ``document``, except for the bounds of its values, which a record may exceed; ``source`` names
    it in messages. Raises StudyError.

    ``overrides`` are those set over it, each by its place in the document: messages say how to write them.
    """
    try:
        # Through JSON, where lists represent tuples: strict validation of the Python objects would refuse them.
        return StudySpec.model_validate_json(json.dumps(document, default=str))
    except RecursionError:
        raise StudyError(f"{source}: lists or tables are nested too deeply; correct the file") from None
    except ValidationError as error:
        lines = _explain(error, document, overrides or {})
        raise StudyError(*(f"{source}: {line}" for line in lines)) from None


def _resolved(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return ``document`` with what the data of a study at ``path`` say of themselves.

    Raises
    ------
    DataError
        When its data are missing or faulty.
    """
    data = document.get("data")
    name = data.get("dataset") if isinstance(data, dict) else None
    if not isinstance(data, dict) or name not in DATASETS or not (resolve := DATASETS.get(str(name)).resolve):
        return document
    tabled = DataSection.tabled(data)
    table = tabled.get(str(name))
    try:
        found = code(resolve)(table if isinstance(table, dict) else {}, path.parent)
    except ValidationError:
        return document  # the study's own validation says what is wrong
    return {**document, "data": {**tabled, str(name): found}}


def _set(document: dict[str, Any], override: str) -> tuple[int | str, ...]:
    """Set the value of ``override`` in ``document``, and return where that is."""
    dotted, equals, text = override.partition("=")
    keys = path_of(dotted)
    if not equals or not all(keys):
        raise StudyError(f"--set {override}: expected section.key=value, e.g. train.epochs=3")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        value = text.strip()
    node: Any = document
    place: list[int | str] = []
    for key in keys[:-1]:
        inner = _child(node, key, override)
        place.append(node.index(inner) if isinstance(node, list) else key)
        node = inner
    if isinstance(node, list):
        raise StudyError(f"--set {override}: {keys[-1]!r} is an entry; set one of its keys instead")
    node[keys[-1]] = value
    return (*place, keys[-1])


def _child(node: Any, key: str, override: str) -> Any:
    if isinstance(node, list):
        for position, entry in enumerate(node):
            if key in (entry.get("name"), entry.get("arm"), str(position)):
                return entry
        names = [str(entry.get("name", position)) for position, entry in enumerate(node)]
        raise StudyError(f"--set {override}: no entry {key!r}; allowed: {', '.join(names)}")
    child = node.setdefault(key, {})
    if not isinstance(child, dict | list):
        raise StudyError(f"--set {override}: {key!r} is a value ({child!r}), not a section")
    return child


def _explain(
    error: ValidationError, document: dict[str, Any], overrides: Mapping[tuple[int | str, ...], str]
) -> list[str]:
    """Return one line a fault: key, what is wrong, value received, what is allowed."""
    lines = []
    faults = error.errors()
    for fault in faults:
        # An arm with a fault is also missing from the list of arms; one message is enough.
        inner = [other for other in faults if other["loc"][: len(fault["loc"])] == fault["loc"]]
        if fault["type"] == "too_short" and len(inner) > 1:
            continue
        where = _where(fault["loc"], document)
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            allowed = _fields_at(fault["loc"][:-1], document)
            hint = near(str(fault["loc"][-1]), allowed) or _moved(fault["loc"])
            lines.append(f"{where}: unknown key{hint}, received {_show(fault['input'])}; allowed: {', '.join(allowed)}")
        elif fault["type"] == "missing":
            lines.append(f"{where}: required but missing")
        elif fault["type"] == "value_error":
            # Such a message quotes values itself; what is allowed is at its end.
            told = message if len(message) <= 1_000 else f"{message[:500]} ... {message[-500:]}"
            lines.append(f"{where}: {told}" if where else told)
        else:
            hint = _how_to_write(fault, overrides)
            lines.append(f"{where}: {message[:1].lower()}{message[1:]}, received {_show(fault['input'])}{hint}")
    return lines


def _how_to_write(fault: ErrorDetails, overrides: Mapping[tuple[int | str, ...], str]) -> str:
    """Return how the override that the fault comes from is written in TOML, empty where that is not known."""
    override = next((text for place, text in overrides.items() if fault["loc"][: len(place)] == place), None)
    if override is None:
        return ""
    key, _, text = (part.strip() for part in override.partition("="))
    if fault["type"] == "string_type":
        return f"; text needs quotes inside the shell's quotes: --set {shlex.quote(f'{key}={json.dumps(text)}')}"
    if not isinstance(fault["input"], str) or fault["input"] != text:
        return ""
    if text.lower() in ("none", "null", "nil"):
        return f"; TOML has no {text}: omit --set {key} to use the default"
    written = as_toml(text)
    if not written:
        return ""
    return f"; {shortened(text)} is not valid TOML and was read as text: --set {shlex.quote(f'{key}={written}')}"


def _where(location: tuple[int | str, ...], document: dict[str, Any]) -> str:
    """Return the dotted key, with an arm's name in place of its position."""
    parts: list[str] = []
    node: Any = document
    for step in location:
        node = _step(node, step)
        name = node.get("name") if isinstance(step, int) and isinstance(node, dict) else None
        if isinstance(step, int):
            parts[-1] = f"{parts[-1]}[{shortened(name) if isinstance(name, str) and name.isprintable() else step}]"
        else:
            parts.append(shortened(step if step.isprintable() else repr(step)))
    return ".".join(parts)


def _step(node: Any, step: int | str) -> Any:
    try:
        return node[step]
    except (KeyError, IndexError, TypeError):
        return None


def _moved(location: tuple[int | str, ...]) -> str:
    """Return where a setting of planes belongs that is not a field of [features] or [features.image]."""
    if location[:1] != ("features",) or "planes" in location:
        return ""
    planes = [plane.name for plane in PLANES if location[-1] in options_of(plane).model_fields]
    tables = ", ".join(f"[features.planes.{name}]" for name in planes)
    return f" (a setting of planes: set it in {tables})" if planes else ""


def _fields_at(location: tuple[int | str, ...], document: dict[str, Any]) -> list[str]:
    """Return the keys that the section at ``location`` may have."""
    match location:
        case ("features", "planes"):
            return list(PLANES.names())
        case ("features", "planes", str(plane)) if plane in PLANES:
            return keys_of(options_of(PLANES.get(plane)))
        case ("protocol",):
            return [*keys_of(ProtocolSection), *keys_of(options_of(_split_of(document)))]
        case ("data", str(dataset)) if dataset in DATASETS:
            return keys_of(options_of(DATASETS.get(dataset)))
    model: Any = StudySpec
    for step in location:
        if isinstance(step, str) and isinstance(model, type) and issubclass(model, BaseModel):
            annotation = model.model_fields[step].annotation if step in model.model_fields else None
            model = section_of(annotation)
    keys = keys_of(model) if isinstance(model, type) and issubclass(model, BaseModel) else []
    dataset = str(_step(document.get("data"), "dataset")) if location == ("data",) else ""
    return [*keys, dataset] if dataset in DATASETS and options_of(DATASETS.get(dataset)).model_fields else keys


def _split_of(document: dict[str, Any]) -> SplitRule:
    name = _step(document.get("protocol"), "split")
    return SPLITS.get(name if isinstance(name, str) and name in SPLITS else "official")


def _show(value: Any) -> str:
    return shortened(repr(list(value) if isinstance(value, tuple) else value))
