"""The claims files that ship with the project, and the user's own next to a study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from harness.claims.claim import Claim
from harness.claims.claims_file import load_paper
from harness.claims.paper import Paper
from harness.errors import ClaimsError
from harness.text.messages import near

_T = TypeVar("_T")

BUILT_IN = Path(__file__).parent / "papers"
FOLDER = "claims"
"""Name of the folder next to a study file whose claims files its study may use."""


@dataclass(frozen=True)
class Library:
    """Papers by key, in the order of their files."""

    papers: Mapping[str, Paper]

    def paper(self, key: str) -> Paper:
        """Return the paper called ``key``.

        Raises
        ------
        ClaimsError
            When no file has that key.
        """
        if key not in self.papers:
            raise ClaimsError(
                f"no claims file has the key {key!r}; there are: {', '.join(self.papers)}{near(key, self.papers)}"
            )
        return self.papers[key]

    def claim(self, address: str) -> Claim:
        """Return the claim at ``paper:table/column`` or ``paper:table/column/class``.

        Raises
        ------
        ClaimsError
            When the address has another form, or there is nothing at it.
        """
        key, colon, rest = address.partition(":")
        parts = rest.split("/")
        if not colon or len(parts) not in (2, 3) or not all(parts):
            raise ClaimsError(
                f"{address!r} is not the address of a claim; write paper:table/column, such as su2019:T2/TSCNN-DS"
            )
        paper = self.paper(key)
        table = _found(address, "table of accuracies", parts[0], {table.id: table for table in paper.tables})
        column = _found(address, "column", parts[1], {column.name: column for column in table.columns})
        if len(parts) == 2:
            return Claim(paper.source, table, column)
        classes = dict(zip(table.classes, column.classes, strict=False))
        _found(address, "class", parts[2], classes)
        return Claim(paper.source, table, column, parts[2])

    def claims(self) -> Iterator[Claim]:
        """Yield every headline claim of every paper."""
        for paper in self.papers.values():
            yield from claims_of(paper)


def claims_of(paper: Paper) -> Iterator[Claim]:
    """Yield the headline claims of ``paper``, table by table."""
    for table in paper.tables:
        for column in table.columns:
            yield Claim(paper.source, table, column)


def load_library(folders: Sequence[Path] = (), files: Sequence[Path] = (), *, built_in: bool = True) -> Library:
    """Return the papers of claims files.

    Parameters
    ----------
    folders
        Folders whose ``*.toml`` files are read; a folder need not exist.
    files
        Single files.
    built_in
        Whether the files that ship with the project are read as well, before the others.

    Raises
    ------
    ClaimsError
        When a file cannot be read, or two files have the same key.
    """
    paths = []
    for folder in (*((BUILT_IN,) if built_in else ()), *folders):
        if folder.exists() and not folder.is_dir():
            raise ClaimsError(f"{folder}: claims files are read from a folder, and this is a file; give its folder")
        paths += sorted(folder.glob("[!.]*.toml"))
    papers: dict[str, Paper] = {}
    origins: dict[str, Path] = {}
    for path in (*paths, *files):
        paper = load_paper(path)
        key = paper.source.key
        if key in papers:
            taken = "ships with the project" if origins[key].parent == BUILT_IN else f"is that of {origins[key]}"
            raise ClaimsError(f"{path}: the key {key!r} {taken}; give this file another key")
        papers[key], origins[key] = paper, path
    return Library(papers)


def _found(address: str, what: str, name: str, known: Mapping[str, _T]) -> _T:
    if name not in known:
        names = f"there are: {', '.join(known)}{near(name, known)}" if known else "there is none"
        raise ClaimsError(f"{address!r}: no {what} {name!r}; {names}")
    return known[name]
