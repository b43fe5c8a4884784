"""A study as its run recorded it, brought to today's StudySpec whatever version recorded it.

A record holds every field that its version had. All versions so far added fields and none renamed or removed one, so a
field that a record lacks has today's default, which is what earlier versions did, but for those of :data:`_BEFORE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import StudyError
from harness.study.dotted import Dotted
from harness.study.load import parse_study
from harness.study.spec import StudySpec

_BEFORE = {"train.cuda_graphs": False}
"""What studies were trained with before the field was added, where today's default is another."""


def read_recorded(document: Mapping[str, Any], source: str, environment: Mapping[str, Any]) -> StudySpec:
    """Return the study that ``document``, as JSON data, records; its values may exceed the bounds of studies that run.

    Fields that the record does not state are missing from the ``model_fields_set`` of their sections, and from
    :func:`recorded_document`.

    Parameters
    ----------
    source
        Where the document is from, for messages.
    environment
        The record's environment, which names the version of the code.

    Raises
    ------
    StudyError
        When this version cannot read it, naming the field, the value and the version that recorded it.
    """
    try:
        return parse_study(_migrated(document), source)
    except StudyError as error:
        git = environment.get("git")
        commit = git.get("commit") if isinstance(git, Mapping) else None
        made = f"commit {commit}" if commit else f"version {environment.get('harness') or 'unknown'}"
        raise StudyError(
            *error.args, f"The study was recorded by {made} of the harness; read or replay it with that"
        ) from None


def recorded_document(spec: StudySpec) -> dict[str, Any]:
    """Return a recorded study as JSON data, without what its record did not state."""
    return spec.model_dump(mode="json", exclude_unset=True)


def _migrated(document: Mapping[str, Any]) -> dict[str, Any]:
    today = dict(document)
    for name, value in _BEFORE.items():
        dotted = Dotted.parse(name)
        section = today.get(dotted.section)
        if isinstance(section, Mapping) and dotted.field not in section:
            today[dotted.section] = {**section, dotted.field: value}
    return today
