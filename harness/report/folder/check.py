"""Checks that a report agrees with its own predictions: every number is recomputed and compared with the published one,
without training and without writing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from markupsafe import Markup

from harness.errors import ReportError
from harness.report.evidence import gather
from harness.report.folder.read import ReportFolder, open_report, record_of_report
from harness.report.folder.results_file import RESULTS
from harness.report.page.report_page import AUDIO_BEGINS, AUDIO_ENDS, PAGE_NAME
from harness.report.results import SCHEMA, results_json
from harness.report.topics import sections_of
from harness.report.topics.network_layers import layer_tables
from harness.report.typeset.markdown import FRONT, is_own
from harness.report.typeset.pdf import PDF_NAME
from harness.report.write import report_texts
from harness.study import StudySpec

RECORDED = (
    "spec", "environment", "command", "study.run_id", "study.status", "study.seconds", "selection.chosen", "searches",
    "leakage", "stopped_early", "failures", "devices", "arms[].learnt",
)  # fmt: skip
"""Parts of results.json from the record of the study, not checked because they do not follow from predictions."""

_TOLERANCE = 1e-9
"""Relative tolerance; other versions of numpy or other processors may sum in another order."""
_NOTHING = 1e-12
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_MISSING = object()
_LONGEST = 120
_SPARE = 10_000
_MOST_PAGE = 2**28
"""Limit on the size of a page in bytes; its drawings and audio are not compared."""
_PLOT = '<svg class="plot"'
_DRAWN = f"{_PLOT}></svg>"
# How a page looks may change between versions without any number.
_LOOKS = (
    re.compile("<style>.*?</style>", re.DOTALL),
    re.compile("<script>.*?</script>", re.DOTALL),
    re.compile("'sha256-[^']*'"),
)


@dataclass(frozen=True)
class Mismatch:
    """One published value that does not follow from the predictions: ``place`` is a JSON path or a line."""

    file: str
    place: str
    published: str
    computed: str


@dataclass(frozen=True)
class ReportCheck:
    """The result of recomputing a report.

    Attributes
    ----------
    numbers
        How many numbers of results.json were compared.
    files
        The files that were compared, by path in the folder.
    mismatches
        Every value of results.json, and every line of the other files, that differs.
    uncovered
        Files of the folder that were not compared: compiled, drawn, or not written by the harness.
    note
        A possible explanation of the mismatches; else empty.
    """

    folder: Path
    numbers: int
    files: tuple[str, ...]
    mismatches: tuple[Mismatch, ...]
    uncovered: tuple[str, ...]
    note: str = ""

    @property
    def equal(self) -> bool:
        """Whether everything that was compared follows from the predictions."""
        return not self.mismatches


def check_report(
    report: Path | ReportFolder, study: StudySpec | None = None, claims: Mapping[str, Any] | None = None
) -> ReportCheck:
    """Recompute every number of a report from its predictions, and compare results.json, tables, page, front page and
    document.

    Of the page, its drawings, learning curves, audio, style and script are not compared.

    Consistent changes of both predictions and numbers are not detected; only training again detects them.

    Parameters
    ----------
    study, claims
        As in :func:`harness.report.write.rewrite_report`.

    Raises
    ------
    ReportError
        When the report cannot be read, or was written by a version whose results.json had another layout.
    """
    opened = report if isinstance(report, ReportFolder) else open_report(report)
    folder = opened.folder
    if opened.results.version != SCHEMA:
        raise ReportError(
            f"{folder / RESULTS}: $.schema is {opened.results.version}, expected {SCHEMA}: an earlier version "
            f"computed its numbers in another way; write it again from its predictions first: harness report {folder}"
        )
    record = replace(record_of_report(opened, study), claims=dict(claims or {}))
    evidence = gather(record, layer_tables(record))
    drawn = _figures(folder)
    plots = dict.fromkeys(drawn, Markup(_DRAWN))
    files = report_texts(evidence, sections_of(evidence), drawn, plots, pdf=_links_pdf(folder / FRONT))
    if (folder / FRONT).exists() and not is_own(folder / FRONT):
        # A page that was not generated, which a report leaves alone.
        del files[FRONT]
    computed = json.loads(results_json(evidence))
    compared = list(_values(opened.found, computed))
    found = [each for each in compared if each is not None]
    for name, content in files.items():
        found += _lines(folder, name, content.decode("utf-8"))
    note = ""
    if evidence.claims_refused and not opened.found.get("comparisons_refused"):
        note = (
            f"{evidence.claims_refused}; claims of your own are read next to the study file: --declarations STUDY.toml"
        )
    elif found:
        note = (
            "either somebody changed the report, or another version of harness wrote it; harness report "
            f"{folder} writes it again from its predictions"
        )
    return ReportCheck(folder, len(compared), (RESULTS, *files), tuple(found), _others(folder, files), note)


def _figures(folder: Path) -> set[str]:
    """Return the names of the report's figures: of their files, and those in the document (files may be missing)."""
    document = folder / "report.tex"
    text = document.read_text(encoding="utf-8", errors="replace") if document.is_file() else ""
    files = {path.stem for path in (folder / "figures").glob("*") if path.is_file()}
    return files | set(re.findall(r"\\includegraphics\{figures/([^{}/]+)\}", text))


def _values(published: Any, computed: Any, place: str = "$") -> Iterator[Mismatch | None]:
    """Yield None for each value that both sides have, else the mismatch."""
    if re.sub(r"\[\d+\]", "[]", place.removeprefix("$.")) in RECORDED:
        return
    if isinstance(published, dict) and isinstance(computed, dict):
        for name in {**published, **computed}:
            inner = f"{place}.{name}"
            yield from _values(published.get(name, _MISSING), computed.get(name, _MISSING), inner)
    elif isinstance(published, list) and isinstance(computed, list):
        for position, (before, after) in enumerate(zip_longest(published, computed, fillvalue=_MISSING)):
            yield from _values(before, after, f"{place}[{position}]")
    elif _alike(published, computed):
        yield None
    else:
        yield Mismatch(RESULTS, place, _shown(published), _shown(computed))


def _alike(published: Any, computed: Any) -> bool:
    numbers = [isinstance(value, int | float) and not isinstance(value, bool) for value in (published, computed)]
    if all(numbers):
        return math.isclose(published, computed, rel_tol=_TOLERANCE, abs_tol=_NOTHING)
    if isinstance(published, str) and isinstance(computed, str):
        return _same_line(published, computed)
    return type(published) is type(computed) and bool(published == computed)


def _lines(folder: Path, name: str, computed: str) -> Iterator[Mismatch]:
    """Yield the lines of a text file that differ."""
    path = folder / name
    try:
        if not path.is_file():
            yield Mismatch(name, "the file", "missing", "follows from the predictions")
            return
        most = _MOST_PAGE if name == PAGE_NAME else 2 * len(computed.encode()) + _SPARE
        if path.stat().st_size > most:
            yield Mismatch(name, "its length", f"{path.stat().st_size:,} bytes", f"{len(computed.encode()):,} bytes")
            return
        published = path.read_text(encoding="utf-8", errors="replace")
        if name == PAGE_NAME:
            published, computed = _contents_of(published), _contents_of(computed)
    except OSError as error:
        raise ReportError(
            f"{path}: cannot be read: {error.strerror}; take it from where it was published again"
        ) from None
    lines = (text.split("\n") for text in (published, computed))
    for number, (before, after) in enumerate(zip_longest(*lines), start=1):
        if before is None or after is None:
            texts = ("no such line" if text is None else text[:_LONGEST] for text in (before, after))
            yield Mismatch(name, f"line {number}", next(texts), next(texts))
        elif not _same_line(before, after):
            yield Mismatch(name, f"line {number}", *_around(before, after))


def _links_pdf(front: Path) -> bool:
    """Return whether the front page links a PDF; the document may have been compiled by hand since."""
    try:
        return f"]({PDF_NAME})" in front.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _contents_of(page: str) -> str:
    """Return a page without its drawings, audio, style and script: the part that follows from the predictions."""
    for pattern in _LOOKS:
        page = pattern.sub("", page, count=1)
    lines = [_DRAWN if line.startswith(_PLOT) else line for line in page.split("\n")]
    text = "\n".join(lines)
    before, begun, rest = text.partition(AUDIO_BEGINS)
    _, ended, after = rest.partition(AUDIO_ENDS)
    return (before + AUDIO_BEGINS + AUDIO_ENDS + after) if begun and ended else text


def _same_line(published: str, computed: str) -> bool:
    """Return whether two texts have the same words, and numbers that are equal up to the order of summation."""
    if published == computed:
        return True
    if _NUMBER.split(published) != _NUMBER.split(computed):
        return False
    pairs = zip(_NUMBER.findall(published), _NUMBER.findall(computed), strict=True)
    return all(
        before == after or math.isclose(float(before), float(after), rel_tol=_TOLERANCE, abs_tol=_NOTHING)
        for before, after in pairs
    )


def _around(published: str, computed: str) -> tuple[str, str]:
    """Return two lines, shortened to the part where they first differ."""
    same = next((i for i, (a, b) in enumerate(zip(published, computed, strict=False)) if a != b), 0)
    start = max(0, same - _LONGEST // 3)
    parts = (f"{'…' if start else ''}{text[start : start + _LONGEST]}" for text in (published, computed))
    return next(parts), next(parts)


def _shown(value: Any) -> str:
    text = "no such value" if value is _MISSING else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _others(folder: Path, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the other visible contents of the folder: pages, pictures and tables that were not compared."""
    compared = {RESULTS, "predictions.parquet", *files}
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return tuple(sorted(name for name in names if name not in compared and not Path(name).name.startswith(".")))
