"""One HTML file from sections: template, style sheet and script of this folder, everything inline.

The page requests nothing: its content security policy forbids every request and every script but its own. Text is
escaped by the template; only SVG that this package draws, and links to the glossary, are inserted as markup.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from harness.report.glossary import GLOSSARY, Term, terms_in
from harness.report.report_section import (
    Command,
    Confusion,
    Curves,
    Drawing,
    Facts,
    Finding,
    Findings,
    Items,
    Section,
    Table,
    row_percent,
)
from harness.text.printable import printable

_FOLDER = Path(__file__).parent / "templates"
_LONGEST_LINE = 32
"""Letters of a cell that does not wrap."""


@dataclass(frozen=True)
class Page:
    """What a page shows.

    Attributes
    ----------
    title, question
        The heading, and the line below it.
    sections
        In their order; empty ones are left out.
    plots
        By name of a figure, its SVG.
    elsewhere
        By name of a figure that cannot be drawn again, its file in the folder of the page.
    data
        For the script, by name.
    notes
        Sentences at the end of the page.
    extra
        Markup after the sections: see :mod:`harness.report.page.clip_player`.
    links
        By complete text of a cell, the address that it leads to.
    ways
        Names and addresses of other pages, shown below the heading.
    style
        Rules that follow the style sheet of all pages.
    """

    title: str
    question: str
    sections: Sequence[Section]
    plots: Mapping[str, Markup]
    elsewhere: Mapping[str, str]
    data: Mapping[str, Any]
    notes: Sequence[str] = ()
    extra: Markup | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    ways: Sequence[tuple[str, str]] = ()
    style: Markup | None = None

    @property
    def terms(self) -> bool:
        """Whether the page explains its terms, so that their first uses can lead there."""
        return any(section.key == "terms" for section in self.sections)

    def shown(self) -> list[Section]:
        """Return the sections that have contents on this page."""
        return [
            section
            for section in self.sections
            if section.before or section.tables or section.after or any(map(self.has, section.figures))
        ]

    def has(self, figure: Drawing) -> bool:
        """Return whether a figure has a form on this page."""
        known = figure.name in self.plots or figure.name in self.elsewhere
        return known or isinstance(figure, Confusion)


@dataclass(frozen=True)
class Heading:
    """A cell of a table's head: its text, how many columns and rows it spans, and whether it is over numbers."""

    text: str
    columns: int
    rows: int
    number: bool


def html_of(page: Page) -> bytes:
    """Return ``page`` as UTF-8; equal bytes for equal pages."""
    script = _asset("page.js")
    template = environment().get_template("page.html")
    text = template.render(
        page=page,
        style=style_sheet() + (page.style or ""),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    return text.encode()


def style_sheet() -> Markup:
    """Return the style sheet of pages."""
    return Markup(_asset("page.css"))


@cache
def environment() -> jinja2.Environment:
    """Return the environment of the templates of pages, which escapes everything that is not markup."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    found.globals |= {
        "kind": _kind,
        "heads": heads,
        "body": body,
        "linked": linked,
        "cell": cell,
        "terms": lambda finding: list(terms_in(finding.sentence, finding.basis)),
        "anchors": {f"{term.name}.": term.anchor for term in GLOSSARY},
        "confusion_rows": confusion_rows,
        "json_block": json_block,
        "tone": _tone,
    }
    found.filters["plain"] = _plain
    found.filters["short"] = _short
    return found


@cache
def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _plain(text: object) -> str:
    """Return text on one line, with control characters visible."""
    return printable(" ".join(str(text).split()))


def _short(caption: str) -> str:
    """Return the beginning of a caption: what is shown."""
    return min(caption.partition(": ")[0], caption.partition(". ")[0], key=len).rstrip(".")


def _kind(block: object) -> str:
    kinds = {Items: "items", Findings: "findings", Command: "command", Facts: "facts", Confusion: "confusion"}
    return kinds.get(type(block), "curves" if isinstance(block, Curves) else "other")


def _tone(finding: Finding) -> str:
    """Return the class that colours a card, from the first word of its verdict."""
    return (finding.verdict or "none").split()[0]


def cell(text: object, links: Mapping[str, str]) -> Markup:
    """Return ``text`` escaped, as a link where ``links`` has an address for it."""
    shown, address = _plain(text), links.get(str(text))
    return Markup('<a href="{}">{}</a>').format(address, shown) if address else escape(shown)


def linked(text: str, *, terms: bool = True) -> Markup:
    """Return ``text`` escaped, with the first use of each term linked to the glossary if the page has ``terms``."""
    places: list[tuple[int, int, Term]] = []
    shown = _plain(text).replace(" %", "\u00a0%")
    if not terms:
        return escape(shown)
    for term in GLOSSARY:
        found = term.find(shown)
        if found and all(found.end() <= start or found.start() >= end for start, end, _ in places):
            places.append((found.start(), found.end(), term))
    parts, at = [Markup()], 0
    for start, end, term in sorted(places, key=lambda place: place[0]):
        link = Markup('<a class="term" href="#{}">{}</a>').format(term.anchor, shown[start:end])
        parts += [escape(shown[at:start]), link]
        at = end
    return Markup().join([*parts, escape(shown[at:])])


def heads(table: Table) -> list[list[Heading]]:
    """Return the rows of a table's head: one, or two if columns have groups."""
    names: list[Any] = list(table.printed.columns)
    pairs = [(str(name[0]), str(name[1])) if isinstance(name, tuple) else ("", str(name)) for name in names]
    number = [not table.holds_words(place) for place in range(len(pairs))]
    if not any(group for group, _ in pairs):
        return [[Heading(name, 1, 1, number[place]) for place, (_, name) in enumerate(pairs)]]
    above: list[Heading] = []
    below: list[Heading] = []
    for place, (group, name) in enumerate(pairs):
        if not group:
            above.append(Heading(name, 1, 2, number[place]))
            continue
        if place and pairs[place - 1][0] == group:
            above[-1] = Heading(group, above[-1].columns + 1, 1, number=True)
        else:
            above.append(Heading(group, 1, 1, number=True))
        below.append(Heading(name, 1, 1, number[place]))
    return [above, below]


def body(table: Table) -> Iterator[tuple[bool, list[tuple[str, str]]]]:
    """Yield each row: whether a rule is above it, and its cells with their classes.

    Where a name is printed only in the first row of a group, the other rows repeat it in class ``again``, so that they
    can be sorted.
    """
    above = ""
    for place, row in enumerate(table.printed.to_numpy().tolist()):
        cells = [(str(cell), _class(str(cell), table.holds_words(column))) for column, cell in enumerate(row)]
        if not cells[0][0] and above:
            cells[0] = (above, "again")
        else:
            above = cells[0][0]
        yield place in table.rules, cells


def _class(cell: str, words: bool) -> str:
    """Return the class of a cell: a number, words that may wrap, or none."""
    return ("w" if len(cell) > _LONGEST_LINE else "") if words else "n"


def confusion_rows(confusion: Confusion) -> Iterator[tuple[str, list[tuple[int, str, int]]]]:
    """Yield each true class with its cells: clips, percent of the class as text, and a tenth of it for the colour."""
    for name, counts, percents in zip(
        confusion.classes, confusion.counts.tolist(), row_percent(confusion.counts).tolist(), strict=True
    ):
        yield (
            name,
            [
                (count, "" if not count else "<1" if share < 0.5 else f"{share:.0f}", _tenth(share))
                for count, share in zip(counts, percents, strict=True)
            ],
        )


def _tenth(share: float) -> int:
    return 0 if not share > 0 else min(10, max(1, math.ceil(share / 10)))


def json_block(name: str, data: Any) -> Markup:
    """Return data for the script: JSON in one line that cannot end its element or begin a comment."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return Markup('<script type="application/json" id="data-{}">{}</script>').format(name, Markup(safe))
