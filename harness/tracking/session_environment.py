"""The environment of a study: Python, packages, hardware, code and command; no environment variables or passwords."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

import harness
from harness.devices import processor_name
from harness.own_code import OwnCode
from harness.system.redaction import mask_secrets
from harness.tracking.git import git_facts, git_warning

LOCK_FILE = Path("requirements/dev.lock")


@dataclass(frozen=True)
class Environment:
    """The environment of a study.

    Attributes
    ----------
    facts
        JSON data: ``harness`` (version); ``python`` {version, implementation}; ``packages`` {name: version}, all that
        are installed; ``hardware`` {cpu, cores_physical, cores_logical, cores_usable, memory_bytes, gpus: [{name,
        memory_bytes}]}; ``platform``; ``git`` {commit, branch, dirty, untracked, diff_digest, unknown}, null
        if git gave no answer, for the reason ``unknown``; ``command``; ``overrides``; ``digests`` {lock}.
    diff
        Uncommitted changes of the code.
    sources
        Source files of the user's own code that the study names, by relative path.
    warnings
        Messages for the user before the study runs.
    """

    facts: dict[str, Any]
    diff: str = ""
    warnings: tuple[str, ...] = ()
    sources: Mapping[str, bytes] = field(default_factory=dict)


def collect_environment(
    command: str,
    overrides: Sequence[str] = (),
    own: OwnCode | None = None,
    networks: Mapping[str, Sequence[Any]] | None = None,
) -> Environment:
    """Return the environment of this process; ``command`` is the exact command line, ``overrides`` the values of --set.

    ``own`` is the user's own code that the study names, ``networks`` the layer tables of its arms' networks: rows of
    the columns of :func:`harness.models.describe.describe_model`.

    GPUs are detected through torch if it is already imported, else through NVIDIA's library if that is installed.
    """
    package = Path(harness.__file__).resolve().parent
    git = git_facts(package)
    facts = {
        "harness": harness.__version__,
        "python": {"version": platform.python_version(), "implementation": platform.python_implementation()},
        "packages": installed_packages(),
        "hardware": {
            "cpu": processor_name(),
            "cores_physical": psutil.cpu_count(logical=False),
            "cores_logical": psutil.cpu_count(),
            "cores_usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
            "gpus": gpus(),
        },
        "platform": platform.platform(),
        "git": {
            "commit": git.commit,
            "branch": git.branch,
            "dirty": git.dirty,
            "untracked": None if git.untracked is None else list(git.untracked),
            "diff_digest": hashlib.sha256(git.diff.encode()).hexdigest() if git.diff else git.diff,
            "unknown": git.unknown,
        },
        "command": mask_secrets(command),
        "overrides": [mask_secrets(override) for override in overrides],
        "digests": {"lock": lock_digest(package.parent)},
    }
    if own is not None:
        facts["code"] = own.record() | {"networks": {arm: list(rows) for arm, rows in (networks or {}).items()}}
    warnings = (git_warning(package, git.unknown),) if git.unknown else ()
    return Environment(facts, git.diff or "", warnings, own.sources if own is not None else {})


def installed_packages() -> dict[str, str]:
    """Return the version of every installed distribution, by name, ascending."""
    # Each access to ``metadata`` or ``version`` parses the entire file, including the package's long description.
    parsed = (distribution.metadata for distribution in importlib.metadata.distributions())
    found = {str(metadata["Name"]): str(metadata["Version"]) for metadata in parsed if metadata["Name"]}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def lock_digest(root: Path) -> str:
    """Return the SHA-256, hex, of the lock file below ``root``; empty when there is none (an installed package)."""
    try:
        return hashlib.sha256((root / LOCK_FILE).read_bytes()).hexdigest()
    except OSError:
        return ""


def gpus() -> list[dict[str, Any]]:
    """Return name and memory (bytes) of every CUDA device.

    torch is asked only if it is already imported, since importing it takes seconds.
    """
    torch = sys.modules.get("torch")
    if torch is not None:
        if not torch.cuda.is_available():
            return []
        properties = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
        return [{"name": str(each.name), "memory_bytes": int(each.total_memory)} for each in properties]
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # Not installed, or a machine without NVIDIA's driver.
        return []
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        return [
            {"name": _text(pynvml.nvmlDeviceGetName(each)), "memory_bytes": pynvml.nvmlDeviceGetMemoryInfo(each).total}
            for each in handles
        ]
    finally:
        pynvml.nvmlShutdown()


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
