"""Options of planes and data sets within a study file, each checked by the class that its description names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import create_model

from harness.section import Section, as_tuples


def stated(given: Any, kinds: Mapping[str, type[Section]]) -> Any:
    """Return the tables of options in ``given``, by name, each as the class that ``kinds`` has for its name.

    Anything but a table of tables is returned unchanged, for pydantic to refuse.

    Raises
    ------
    pydantic.ValidationError
        With every fault at its own place; an unknown name is an extra key.
    """
    if not isinstance(given, Mapping):
        return given
    found = _model(tuple(kinds.items())).model_validate(as_tuples(dict(given)))
    return {name: getattr(found, name) for name in given}


@lru_cache(maxsize=8)
def _model(kinds: tuple[tuple[str, type[Section]], ...]) -> type[Section]:
    fields: Any = {name: (kind | None, None) for name, kind in kinds}
    return create_model("Options", __base__=Section, **fields)
