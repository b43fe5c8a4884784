"""The user's own code that a study names as ``"module:name"``: networks, planes, losses, augmentations, optimisers.

A module is looked for beside the study file first, then among the installed packages. Nothing of it is imported before
:func:`activate` is called with what :func:`find_code` found, and then only what the study names: a name in a record or
a report never runs code by itself.

The digest of the source files joins that of every training that uses them, so that a change is seen by resume and by
replay.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import HarnessError, StudyError
from harness.registry import code, is_library

T = TypeVar("T")

_LARGEST = 10 << 20
"""Most bytes of a source file."""


@dataclass(frozen=True)
class OwnCode:
    """The code that a study names.

    Attributes
    ----------
    folder
        Folder of the study file.
    files
        By reference (``"module:name"``), the source files below ``folder`` that it imports, each with its SHA-256; of
        installed packages none.
    packages
        By reference, the installed distribution and its version, for example ``"torchvision 0.30.0"``.
    sources
        Contents of all source files, by path relative to ``folder``.
    """

    folder: Path
    files: Mapping[str, Mapping[str, str]]
    packages: Mapping[str, str]
    sources: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def references(self) -> tuple[str, ...]:
        """Everything that the study names."""
        return (*self.files, *self.packages)

    @property
    def modules(self) -> tuple[str, ...]:
        """Top-level names of the modules in ``folder``."""
        return tuple(sorted({path.partition("/")[0].removesuffix(".py") for path in self.sources}))

    def record(self) -> dict[str, Any]:
        """Return files with their SHA-256, and packages, as JSON data for the record."""
        files = {path: sha for found in self.files.values() for path, sha in found.items()}
        return {"files": dict(sorted(files.items())), "packages": sorted(set(self.packages.values()))}

    def digest_of(self, references: Iterable[str]) -> str:
        """Return the SHA-256, hex, of the code behind ``references``; empty when they name none of this code."""
        parts = [
            f"{reference} {sorted(self.files.get(reference, {}).items())} {self.packages.get(reference, '')}"
            for reference in sorted(set(references))
            if reference in self.files or reference in self.packages
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest() if parts else ""

    def lines(self) -> Iterator[str]:
        """Yield one line for each file and package, for the user to see what will run."""
        for path, sha in self.record()["files"].items():
            yield f"runs code of the study: {self.folder / path} (SHA-256 {sha[:12]})"
        for package in self.record()["packages"]:
            yield f"runs code of the study: {package}"


def find_code(places: Mapping[str, str], folder: Path) -> OwnCode | None:
    """Return the code that a study in ``folder`` names; None if it names none. Nothing is imported.

    Parameters
    ----------
    places
        Where the study names each reference, by reference: ``{"mynet:Net": "arm 'wide': model"}``.
    folder
        Folder of the study file.

    Raises
    ------
    StudyError
        When a module is neither in ``folder`` nor installed, is in both, or cannot be read.
    """
    if not places:
        return None
    folder = folder.resolve()
    files: dict[str, dict[str, str]] = {}
    packages: dict[str, str] = {}
    sources: dict[str, bytes] = {}
    for reference, place in places.items():
        parts = reference.partition(":")[0].split(".")
        top = parts[0]
        own, installed = _source_of(folder, parts) or _source_of(folder, parts[:1]), installed_as(top, folder)
        if own is None and not installed and is_library(reference):
            raise StudyError(
                f"{place} = {reference!r}: {top} is not installed; install it with: pip install 'harness[{top}]'"
            )
        if own is None and not installed:
            raise StudyError(
                f"{place} = {reference!r}: there is no {top}.py in {folder}, and no installed module of that name; "
                "put the file there, or correct the name"
            )
        if own is not None and installed:
            raise StudyError(
                f"{place} = {reference!r}: {own} has the name of an installed module ({installed}); rename the file"
            )
        if own is None:
            packages[reference] = installed
            continue
        found = _with_imports(folder, reference, place)
        sources |= found
        files[reference] = {path: hashlib.sha256(content).hexdigest() for path, content in found.items()}
    return OwnCode(folder, files, packages, sources)


_active: OwnCode | None = None


def activate(own: OwnCode | None) -> None:
    """Allow :func:`load` to import the code of ``own``; modules of an earlier study are forgotten.

    Idempotent; worker processes call it for each task.
    """
    global _active  # noqa: PLW0603 (what a process may run is a property of the process)
    if own == _active:
        return
    if _active is not None:
        for module in [name for name in sys.modules if name.partition(".")[0] in _active.modules]:
            del sys.modules[module]
        if str(_active.folder) in sys.path:
            sys.path.remove(str(_active.folder))
    if own is not None and own.modules:
        # Last, so that no file there can take the place of an installed module.
        sys.path.append(str(own.folder))
        importlib.invalidate_caches()
    _active = own


def active() -> OwnCode | None:
    """Return what :func:`activate` was called with last."""
    return _active


def digest(*references: str) -> str:
    """Return the SHA-256, hex, of the active code behind ``references``; empty when there is none."""
    return _active.digest_of(references) if _active is not None else ""


def load(reference: str, place: str) -> Any:
    """Return the object that ``reference`` names.

    Parameters
    ----------
    reference
        ``"module:name"``, one of those of the active code.
    place
        What names it, for messages: ``"model"``.

    Raises
    ------
    StudyError
        When the code is not active, its module fails to import, or lacks the name.
    """
    if _active is None or reference not in _active.references:
        raise StudyError(
            f"{place} = {reference!r} is code of the study's author, which runs only with the study file that names "
            "it; run the study, or give the folder of the code with --study-folder DIR"
        )
    module, _, name = reference.partition(":")
    try:
        return code(reference)
    except ValueError:
        found = sys.modules.get(module)
        public = ", ".join(sorted(each for each in vars(found) if not each.startswith("_"))[:20]) if found else ""
        raise StudyError(
            f"{place} = {reference!r}: the module {module} has no {name!r}; it has {public or 'nothing'}"
        ) from None
    except Exception as error:  # code of the user, which can raise anything
        raise StudyError(
            f"{place} = {reference!r}: importing {module} failed: {type(error).__name__}: {error}{_line_of(error)}"
        ) from error


def call(reference: str, place: str, *values: Any, **arguments: Any) -> Any:
    """Return what the object that ``reference`` names returns when it is called.

    Parameters
    ----------
    reference
        ``"module:name"``.
    place
        What names it, for messages.
    *values, **arguments
        Passed on.

    Raises
    ------
    StudyError
        As :func:`load`, and when the call raises, in one sentence with the file and line.
    """
    function = load(reference, place)
    return guarded(lambda: function(*values, **arguments), f"{place} = {reference!r}")


def guarded(run: Callable[[], T], what: str) -> T:
    """Return what ``run`` returns, which calls code of the user; its errors, but for a lack of memory, become a
    StudyError that begins with ``what``."""
    try:
        return run()
    except Exception as error:  # code of the user, which can raise anything
        from harness.devices import ran_out_of_memory

        if isinstance(error, HarnessError) or ran_out_of_memory(error):
            raise
        raise StudyError(f"{what}: the call failed: {type(error).__name__}: {error}{_line_of(error)}") from error


def _line_of(error: BaseException) -> str:
    """Return the place in the user's code at which ``error`` was raised; empty if it was raised elsewhere."""
    folder = str(_active.folder) if _active else ""
    place, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if folder and file.startswith(folder):
            place = f" ({Path(file).name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return place


def _source_of(folder: Path, module: list[str]) -> Path | None:
    """Return the file of ``module`` below ``folder``, by the parts of its dotted name; None if there is none."""
    base = folder.joinpath(*module)
    for path in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def installed_as(top: str, folder: Path | None = None) -> str:
    """Return the distribution, or the kind, of the installed module ``top``; empty if there is none outside of
    ``folder`` (by default the current one). Nothing is imported."""
    folder = folder or Path.cwd()
    if top in sys.builtin_module_names or top in sys.stdlib_module_names:
        return f"{top} of Python"
    elsewhere = [entry for entry in sys.path if Path(entry or ".").resolve() != folder]
    if PathFinder.find_spec(top, elsewhere) is None:
        return ""
    names = _distributions().get(top, [])
    return f"{names[0]} {version(names[0])}" if names else top


@lru_cache(maxsize=1)
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


def _with_imports(folder: Path, reference: str, place: str) -> dict[str, bytes]:
    """Return the source files that the module of ``reference`` consists of or imports from ``folder``, by relative
    path."""
    found: dict[str, bytes] = {}
    waiting = [reference.partition(":")[0].split(".")]
    while waiting:
        module = waiting.pop()
        for depth in range(1, len(module) + 1):
            path = _source_of(folder, module[:depth])
            if path is None:
                continue
            name = path.relative_to(folder).as_posix()
            if name in found:
                continue
            content = _read(path, f"{place} = {reference!r}")
            found[name] = content
            package = module[:depth] if path.name == "__init__.py" else module[: depth - 1]
            waiting += _imports(content, path, package, f"{place} = {reference!r}")
    return found


def _read(path: Path, place: str) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise StudyError(f"{place}: {path} has more than {_LARGEST >> 20} MiB, which no source file has")
        return path.read_bytes()
    except OSError as error:
        raise StudyError(f"{place}: {path} cannot be read: {error.strerror}; check its permissions") from None


def _imports(content: bytes, path: Path, package: list[str], place: str) -> list[list[str]]:
    """Return the modules that a source file imports, by the parts of their dotted names."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise StudyError(f"{place}: {path}{line} is not Python: {error.args[0]}; correct the file") from None
    modules = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules += [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = [*above, *(node.module.split(".") if node.module else [])]
            modules += [base, *([*base, alias.name] for alias in node.names)]
    return [module for module in modules if module]
