"""Files that a training needs on another machine: features, weights to start from and the user's own code, by content.

A file is looked for at the path that it has where the study was started, which a shared folder or the same machine has;
then in this machine's own cache of features; then among the files received earlier. Wherever it is found, its SHA-256
decides. What is missing is received once per machine and written atomically.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import TrainingError
from harness.own_code import OwnCode
from harness.system.writing import write_atomically
from harness.training.task import FoldTask


@dataclass(frozen=True)
class Content:
    """A file by its content: the ``path`` where the study was started, and its SHA-256, hex."""

    path: str
    sha256: str


class Contents:
    """Contents of files by path; each file is read once."""

    def __init__(self) -> None:
        self._known: dict[str, Content] = {}

    def of(self, tasks: Sequence[FoldTask]) -> tuple[Content, ...]:
        """Return the files that ``tasks`` of one training need."""
        task = tasks[0]
        paths = [*task.features.files, *([task.settings.weights] if task.weights and task.settings.weights else [])]
        return tuple(self._of(path) for path in dict.fromkeys(paths))

    def _of(self, path: str) -> Content:
        if path not in self._known:
            self._known[path] = Content(path, _sha256(Path(path)))
        return self._known[path]


class NodeFiles:
    """The files of one machine.

    Parameters
    ----------
    cache
        This machine's folder of features; received files are in ``received/`` below it.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._found: dict[str, Path] = {}

    def find(self, content: Content) -> Path | None:
        """Return where the content is on this machine, or None."""
        if content.sha256 not in self._found:
            there = Path(content.path)
            for path in (there, self._cache / there.parent.name / there.name, self._received(content)):
                try:
                    same = path.is_file() and _sha256(path) == content.sha256
                except OSError:
                    same = False
                if same:
                    self._found[content.sha256] = path
                    break
        return self._found.get(content.sha256)

    def receive(self, content: Content, data: Any) -> None:
        """Write a file that this machine lacks.

        Parameters
        ----------
        content
            What the file is.
        data
            Its bytes, as any buffer.

        Raises
        ------
        TrainingError
            When what has arrived is something else.
        """
        if hashlib.sha256(data).hexdigest() != content.sha256:
            raise TrainingError(
                f"{content.path}: what arrived on this machine differs from the original in its SHA-256"
            )
        write_atomically(self._received(content), lambda path: path.write_bytes(data))

    def localised(self, tasks: Sequence[FoldTask], contents: Sequence[Content]) -> tuple[FoldTask, ...]:
        """Return ``tasks`` with this machine's paths of ``contents``, all of which it has."""
        paths = {content.path: str(self.find(content)) for content in contents}

        def local(task: FoldTask) -> FoldTask:
            features = replace(task.features, files=tuple(paths[file] for file in task.features.files))
            settings = task.settings
            if settings.weights in paths:
                settings = settings.model_copy(update={"weights": paths[settings.weights]})
            return replace(task, features=features, settings=settings)

        return tuple(map(local, tasks))

    def _received(self, content: Content) -> Path:
        return self._cache / "received" / content.sha256[:32] / Path(content.path).name


def missing_code(own: OwnCode | None) -> str:
    """Return what this machine lacks of the user's own code, in words; empty if nothing."""
    files: Mapping[str, str] = own.record()["files"] if own is not None else {}
    for name, sha256 in files.items():
        path = own.folder / name if own is not None else Path(name)
        if not path.is_file():
            return f"{path} is missing there; copy the study's folder to that machine, or use a shared folder"
        if _sha256(path) != sha256:
            return f"{path} differs there; copy the study's folder to that machine again"
    return ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
