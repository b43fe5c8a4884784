"""README.md of a report: its front page where folders are viewed in a browser; every sentence of it is generated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.record import shown_git
from harness.report import markdown, wording
from harness.report.conclusions import findings
from harness.report.evidence import Evidence
from harness.report.gallery import FigureEntry
from harness.report.results import command
from harness.report.table import Table
from harness.terminal.progress import duration
from harness.text.printable import printable

FRONT = "README.md"
_OURS = "<!-- Generated: edits are lost when the report is written again. -->"
_GIB = 2**30
# The most informative figures come first.
_LEADING = ("protocols", "folds")


def front_page(
    evidence: Evidence, tables: Mapping[str, Sequence[Table]], figures: Mapping[str, Sequence[FigureEntry]]
) -> str:
    """Return the front page; ``tables`` and ``figures`` are by topic, as in
    :func:`~harness.report.document.document_tex`."""
    record = evidence.record
    question = record.spec.study.question
    parts = [_OURS, f"# {markdown.escape(record.name)}"]
    if question:
        parts.append(f"*{markdown.escape(question)}*")
    parts.append(markdown.escape(" ".join(wording.protocol_sentences(record, evidence.scores))))
    parts += ["## Findings", _items(findings(evidence))]
    if evidence.marks:
        parts += ["**Read with care.**", _items(evidence.marks)]
    topic = next((topic for topic in _LEADING if figures[topic] or tables[topic]), _LEADING[-1])
    parts += [f"![{_first_sentence(each.caption)}](figures/{each.name}.png)" for each in figures[topic]]
    for each in tables[topic]:
        parts.append(f"{markdown.escape(wording.without_marks(each.caption, evidence.marks))}\n\n{_table(each)}")
    parts += ["## How it was made", _made(evidence)]
    parts.append(
        "`harness replay` with this folder trains them again and compares clip by clip. [report.pdf](report.pdf) has "
        "all tables and figures, [tables](tables) the same as LaTeX and CSV, "
        "[results.json](results.json) every number with the whole environment, and "
        "[predictions.parquet](predictions.parquet) the predictions from which each of them can be computed."
    )
    return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"


def is_own(path: Path) -> bool:
    """Return whether a page was generated, so that it may be overwritten."""
    try:
        return path.read_text(encoding="utf-8").startswith(_OURS)
    except (OSError, UnicodeDecodeError):
        return False


def _made(evidence: Evidence) -> str:
    record = evidence.record
    environment = record.environment
    hardware: Mapping[str, Any] = environment.get("hardware") or {}
    packages: Mapping[str, Any] = environment.get("packages") or {}
    facts = [
        ("time in all", duration(record.seconds) if record.seconds else ""),
        ("hardware", _hardware(hardware)),
        ("versions", ", ".join(filter(None, (_python(environment), *_versions(packages))))),
        ("commit", _commit(shown_git(environment))),
    ]
    ran = command(record)
    shown = f"    {printable(' '.join(ran.split()))}\n\n" if ran else ""
    return shown + markdown.table(("", ""), [fact for fact in facts if fact[1]], words=2)


def _commit(git: Mapping[str, Any]) -> str:
    commit, dirty = str(git.get("commit") or ""), git.get("dirty")
    if isinstance(dirty, str):
        return commit if commit == dirty else f"{commit}, uncommitted changes {dirty}"
    return f"{commit}{', with uncommitted changes' if dirty else ''}"


def _hardware(hardware: Mapping[str, Any]) -> str:
    parts = [str(hardware.get("cpu") or "")]
    if hardware.get("cores_usable"):
        parts.append(f"{hardware['cores_usable']} cores")
    if hardware.get("memory_bytes"):
        parts.append(f"{hardware['memory_bytes'] / _GIB:.0f} GiB memory")
    gpus = hardware.get("gpus") or ()
    parts.append(", ".join(str(gpu.get("name", gpu)) if isinstance(gpu, Mapping) else str(gpu) for gpu in gpus))
    return ", ".join(filter(None, parts)) + ("" if gpus or not parts[0] else ", no GPU")


def _python(environment: Mapping[str, Any]) -> str:
    version = (environment.get("python") or {}).get("version")
    return f"Python {version}" if version else ""


def _versions(packages: Mapping[str, Any]) -> list[str]:
    shown = ("torch", "torchaudio", "numpy", "scikit-learn", "statsmodels", "optuna", "mlflow")
    return [f"{name} {packages[name]}" for name in shown if name in packages]


def _items(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {markdown.escape(sentence)}" for sentence in sentences)


def _first_sentence(text: str) -> str:
    return markdown.escape(text.partition(": ")[0])


def _table(table: Table) -> str:
    headers = [tuple(map(str, name)) if isinstance(name, tuple) else ("", str(name)) for name in table.printed]
    lowest = [header[-1] for header in headers]
    # A group's name is needed only if two headers would otherwise be equal.
    columns = [
        f"{name} ({group})" if group and lowest.count(name) > 1 else name
        for group, name in ((header[0], header[-1]) for header in headers)
    ]
    return markdown.table(columns, table.printed.to_numpy().tolist(), table.text_columns)
