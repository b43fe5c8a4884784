"""Conditions of a training, as named text, and which of them differ between two trainings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.record import NO_CHECKOUT, shown_git

PACKAGE, SETTING = "package", "setting"
ABSENT = {PACKAGE: "not installed", SETTING: "not known"}
"""Conditions that are lists, by the first word of their names, and the text for an entry that one side lacks."""

# Packages that compute features and train; all others are listed after these.
_NUMERIC = ("torch", "torchaudio", "torchvision", "numpy", "scipy", "soxr", "soundfile", "scikit-learn")
_WORKERS = re.compile(r"--workers[= ]+'?(\d+)")
_SHOWN_DIGEST = 12
_SHOWN_ENTRIES = 4


@dataclass(frozen=True)
class Difference:
    """A condition with its two values, as text."""

    name: str
    before: str
    after: str


def run_conditions(environment: Mapping[str, Any]) -> dict[str, str]:
    """Return the conditions recorded in ``environment.json``, by name; missing ones are left out.

    ``code commit``, ``uncommitted changes`` (digest of the diff), ``harness``, ``python``, ``processor``, ``GPUs``,
    ``operating system``, ``workers`` (if named on the command line), and ``package <name>`` for each installed package.
    """
    git = shown_git(environment)
    hardware, python = environment.get("hardware", {}), environment.get("python", {})
    known = {
        "code commit": git.get("commit"),
        "uncommitted changes": _changes(git),
        "harness": environment.get("harness"),
        "python": " ".join(filter(None, (python.get("implementation"), python.get("version")))),
        "processor": hardware.get("cpu"),
        "GPUs": ", ".join(gpu["name"] for gpu in hardware["gpus"]) or "none" if "gpus" in hardware else None,
        "operating system": environment.get("platform"),
    }
    if workers := _WORKERS.search(environment.get("command", "")):
        known["workers"] = workers[1]
    code = {f"code {path}": sha for path, sha in environment.get("code", {}).get("files", {}).items()}
    packages = {f"{PACKAGE} {name}": version for name, version in environment.get("packages", {}).items()}
    return {name: str(value) for name, value in known.items() if value} | code | packages


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return the conditions that differ, those that affect numbers first.

    A condition of one side only is a difference if it belongs to a list that both sides have: a package that is not
    installed, a setting that the other version of the code did not have. Any other condition must be known on both
    sides.
    """
    lists = {
        prefix: (any(name.startswith(prefix) for name in before) and any(name.startswith(prefix) for name in after))
        for prefix in ABSENT
    }
    found = []
    for name in {**before, **after}:
        prefix = name.partition(" ")[0]
        if (name in before and name in after) or lists.get(prefix, False):
            missing = ABSENT.get(prefix, "")
            found.append(Difference(name, before.get(name, missing), after.get(name, missing)))
    return tuple(sorted((each for each in found if each.before != each.after), key=_rank))


def is_numeric_package(name: str) -> bool:
    """Whether a condition is the version of a package that computes features or trains."""
    return name.removeprefix(f"{PACKAGE} ") in _NUMERIC


def is_package(name: str) -> bool:
    """Whether a condition is the version of a package."""
    return name.startswith(f"{PACKAGE} ")


def short(value: str) -> str:
    """Return a condition's value for display: a digest or commit by its first letters, a long list by its first
    entries."""
    entries = re.sub(rf"\b([0-9a-f]{{{_SHOWN_DIGEST}}})[0-9a-f]{{20,}}\b", r"\1", value).split(", ")
    more = [f"{len(entries) - _SHOWN_ENTRIES} more"] if len(entries) > _SHOWN_ENTRIES else []
    return ", ".join(entries[:_SHOWN_ENTRIES] + more)


def leaves(tree: Any, path: str = "") -> dict[str, str]:
    """Return every value of JSON data by dotted name; entries of a list by their ``name`` or number."""
    if isinstance(tree, Mapping):
        items: Iterable[tuple[Any, Any]] = tree.items()
    elif isinstance(tree, list) and any(isinstance(each, Mapping) for each in tree):
        items = (
            (each.get("name", number) if isinstance(each, Mapping) else number, each)
            for number, each in enumerate(tree)
        )
    else:
        return {path: str(tree)}
    found: dict[str, str] = {}
    for key, value in items:
        found |= leaves(value, f"{path}.{key}" if path else str(key))
    return found


def _changes(git: Mapping[str, Any]) -> str | None:
    """Return the uncommitted changes of the code in words; None if the code was not in a checkout."""
    if git.get("commit") in (None, "", NO_CHECKOUT):
        return None
    dirty = git.get("dirty")
    if isinstance(dirty, str):
        return dirty
    if not dirty:
        return "none"
    unknown = git.get("untracked", ())
    parts = [f"diff {git['diff_digest']}"] if git.get("diff_digest") else []
    parts += [f"new files {', '.join(unknown)}"] if unknown else []
    return "; ".join(parts) or "some"


def _rank(each: Difference) -> tuple[int, int]:
    if not is_package(each.name):
        return 0, 0
    name = each.name.removeprefix(f"{PACKAGE} ")
    return (1, _NUMERIC.index(name)) if name in _NUMERIC else (2, 0)
