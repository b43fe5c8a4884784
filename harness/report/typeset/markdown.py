"""Text for Markdown, and README.md: a report's front page where folders are viewed in a browser.

All text that comes from a study is escaped here; every sentence of the page is generated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.record import shown_git
from harness.report import wording
from harness.report.evidence import Evidence
from harness.report.report_section import Command, Facts, Findings, Items, Prose, Section, Table
from harness.terminal.progress import duration
from harness.text.printable import printable

_SPECIALS = re.compile(r"([\\`*_\[\]|#~$])")
_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# Beginnings of a line that make it a list, a heading's underline or a rule.
_BLOCK = re.compile(r"^([0-9]*)(?=[-+=.)](?:[-+=\s]|$))")

FRONT = "README.md"
_OURS = "<!-- Generated: edits are lost when the report is written again. -->"


def escape(text: object) -> str:
    """Return ``text`` on one line, as Markdown that shows it literally.

    Control characters are escapes (:mod:`harness.text.printable`).
    """
    return _BLOCK.sub(r"\1\\", _cell(text))


def table(headers: Sequence[object], rows: Iterable[Sequence[object]], words: int = 1) -> str:
    """Return a table of plain cells; the first ``words`` columns are aligned left, the others right."""
    rule = ["---" if column < words else "---:" for column in range(len(headers))]
    lines = [map(_cell, headers), rule, *(map(_cell, row) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _cell(text: object) -> str:
    flat = printable(" ".join(str(text).split()))
    return _SPECIALS.sub(r"\\\1", "".join(_MARKUP.get(sign, sign) for sign in flat))


def front_page(evidence: Evidence, sections: Sequence[Section], *, pdf: bool = True) -> str:
    """Return README.md: findings, the first section with tables for the front page, protocol, and how it was made."""
    record = evidence.record
    question = record.spec.study.question
    by_key = {section.key: section for section in sections}
    parts = [_OURS, f"# {escape(record.name)}"]
    if question:
        parts.append(f"*{escape(question)}*")
    parts += ["## Findings", *_prose(by_key["findings"].before)]
    leading = next(section for section in sections if section.front)
    parts += [f"![{escape(each.caption.partition(': ')[0])}](figures/{each.name}.png)" for each in leading.figures]
    parts += [f"{escape(each.caption)}\n\n{_printed(each)}" for each in leading.front]
    parts += ["## Protocol", *_prose(by_key["protocol"].before)]
    parts += ["## How it was made", *_prose(_made(evidence))]
    parts.append(
        "[report.html](report.html) has all tables and figures, and the clips behind every confusion; it is one file "
        "that needs no network."
        + (" [report.pdf](report.pdf) has the same for printing." if pdf else "")
        + " [tables](tables) has the tables as LaTeX and CSV; "
        "[results.json](results.json) has every number and the environment; "
        "[predictions.parquet](predictions.parquet) has the predictions from which they can be computed. "
        "`harness replay` with this folder repeats the trainings and compares clip by clip."
    )
    return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"


def is_own(path: Path) -> bool:
    """Return whether a page was generated, so that it may be overwritten."""
    try:
        return path.read_text(encoding="utf-8").startswith(_OURS)
    except (OSError, UnicodeDecodeError):
        return False


def _made(evidence: Evidence) -> Prose:
    record = evidence.record
    environment = record.environment
    parts, one_machine = environment.get("parts") or (), wording.hardware(environment.get("hardware") or {})
    packages: Mapping[str, Any] = environment.get("packages") or {}
    facts = [
        ("time in all", duration(record.seconds) if record.seconds else ""),
        *(wording.joined_parts(parts) if parts else [("hardware", one_machine)]),
        ("versions", ", ".join(filter(None, (_python(environment), *_versions(packages))))),
        ("commit", "" if parts else wording.commit(shown_git(environment))),
    ]
    known = Facts(tuple(fact for fact in facts if fact[1]), "results.json")
    return (*map(Command, wording.commands(environment)), known)


def _python(environment: Mapping[str, Any]) -> str:
    version = (environment.get("python") or {}).get("version")
    return f"Python {version}" if version else ""


def _versions(packages: Mapping[str, Any]) -> list[str]:
    shown = ("torch", "torchaudio", "numpy", "scikit-learn", "statsmodels", "optuna", "mlflow")
    return [f"{name} {packages[name]}" for name in shown if name in packages]


def _prose(blocks: Prose) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Items | Findings):
            if block.heading:
                yield f"**{escape(block.heading)}**"
            yield "\n".join(f"- {escape(item)}" for item in block.items)
        elif isinstance(block, Command):
            yield f"    {printable(' '.join(block.line.split()))}"
        elif isinstance(block, Facts):
            yield table(("", ""), block.rows, words=2)
        else:
            heading = f"**{escape(block.heading)}** " if block.heading else ""
            yield heading + escape(" ".join(block.sentences))


def _printed(shown: Table) -> str:
    headers = [tuple(map(str, name)) if isinstance(name, tuple) else ("", str(name)) for name in shown.printed]
    lowest = [header[-1] for header in headers]
    # A group's name is needed only if two headers would otherwise be equal.
    columns = [
        f"{name} ({group})" if group and lowest.count(name) > 1 else name
        for group, name in ((header[0], header[-1]) for header in headers)
    ]
    return table(columns, shown.printed.to_numpy().tolist(), shown.text_columns)
