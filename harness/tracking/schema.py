"""Tracking databases of another MLflow version: reported in one sentence, and never upgraded without being asked."""

from __future__ import annotations

import re
import shlex
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from harness.system.sqlite_uri import sqlalchemy_uri

_REVISIONS = re.compile(r"found version (?P<found>\w+), but expected (?P<expected>\w+)")


def schema_fault(text: str, shown: str) -> str:
    """Return what is wrong and what to do if ``text`` is MLflow's message about a database of another version, else
    empty.

    MLflow calls every other version out of date and advises an upgrade, which is not possible from a newer one.
    ``shown`` is the store as it may be printed.
    """
    match = _REVISIONS.search(text)
    if match is None:
        return ""
    found, installed = match["found"], version("mlflow")
    if _known(found):
        return (
            f"its tables were created by an older MLflow (schema {found}) than the installed {installed} (schema "
            f"{match['expected']}), and nothing was changed; make a copy of the store, then run: mlflow db upgrade "
            f"{shlex.quote(sqlalchemy_uri(shown))}"
        )
    return (
        f"its tables have schema {found}, which is unknown to the installed MLflow {installed} and therefore from a "
        "newer version; nothing was changed: upgrade MLflow (pip install --upgrade mlflow), or choose another store "
        "with --tracking-uri"
    )


@cache
def newest_schema() -> str | None:
    """Return the schema of the stores that the installed MLflow creates; None if its migrations cannot be read."""
    from alembic.script import ScriptDirectory
    from alembic.util.exc import CommandError

    migrations = _migrations()
    try:
        return None if migrations is None else ScriptDirectory(str(migrations)).get_current_head()
    except CommandError:
        return None


def _known(revision: str) -> bool:
    """Return whether the installed MLflow has the migration to ``revision``."""
    migrations = _migrations()
    return migrations is not None and any((migrations / "versions").glob(f"{revision}_*.py"))


def _migrations() -> Path | None:
    """Return the folder of the installed MLflow's migrations."""
    spec = find_spec("mlflow")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "store" / "db_migrations"
