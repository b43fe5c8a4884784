"""report.tex: a complete document that inputs the report's tables and figures; every sentence in it is generated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.claims.audit.audit_summary import summary
from harness.report import wording
from harness.report.conclusions import claim_note, cochran_sentence, findings, sources
from harness.report.environment import environment_tex
from harness.report.evidence import Evidence
from harness.report.gallery import FigureEntry
from harness.report.latex import breakable, escape
from harness.report.preamble import PREAMBLE
from harness.report.table import Table


def document_tex(
    evidence: Evidence, tables: Mapping[str, Sequence[Table]], figures: Mapping[str, Sequence[FigureEntry]]
) -> str:
    """Return report.tex.

    ``tables`` are by topic as :func:`~harness.report.tables.build_tables` returns them, ``figures`` as
    :func:`~harness.report.gallery.draw_all` does.
    """
    record = evidence.record
    question = record.spec.study.question
    parts = [PREAMBLE, r"\begin{document}", rf"\begin{{center}}{{\LARGE {breakable(record.name)}\par}}"]
    if question:
        parts.append(rf"\medskip{{\large\itshape {escape(question)}\par}}")
    parts.append(r"\end{center}")
    parts += [r"\section{Protocol}", "\n".join(map(escape, wording.protocol_sentences(record, evidence.scores)))]
    parts += [r"\section{Findings}", *_items(findings(evidence))]
    if evidence.marks:
        parts += ["\n\\textbf{Read with care.}", *_items(evidence.marks)]
    parts += _topic("What the protocol alone does", tables["protocols"], figures["protocols"])
    parts += _topic("Comparison with claims", tables["claims"], (), _claim_notes(evidence))
    parts += _topic("Claimed and measured classes", tables["claimed classes"], figures["claims"])
    cochran = cochran_sentence(evidence)
    parts += _topic(
        "Arms against each other", tables["contrasts"], figures["contrasts"], [escape(cochran)] if cochran else ()
    )
    parts += _topic("Accuracy", [*tables["accuracy"], *tables["folds"]], figures["folds"])
    parts += _topic("Classes", tables["classes"], figures["confusion"])
    parts += _topic("Hard clips", tables["clips"], figures["clips"])
    parts += _topic("Search", tables["search"], figures["search"])
    parts += _topic("Training", (), figures["curves"])
    parts += _topic("Leakage", tables["leakage"], ())
    parts += _topic("Networks", [*tables["parameters"], *tables["printed layers"]], ())
    for audit in evidence.audits:
        prose = [escape(audit.source.citation) + ".", *_items(summary(audit))]
        parts += _topic(f"Audit of {audit.source.key}", tables[f"audit {audit.source.key}"], (), before=prose)
    parts += _topic("Failures", tables["failures"], ())
    parts += [r"\section{Environment}", *environment_tex(record)]
    parts.append(r"\end{document}")
    return "\n".join(parts) + "\n"


def _claim_notes(evidence: Evidence) -> list[str]:
    notes = (claim_note(evidence, each) for each in evidence.claims)
    parts = [rf"\paragraph{{{breakable(heading)}}} {breakable(text)}" for heading, text in notes]
    return [*parts, *(rf"\paragraph{{Source.}} {breakable(source)}" for source in sources(evidence))]


def _items(sentences: Sequence[str]) -> list[str]:
    """Return sentences as a LaTeX list, or nothing if there are none."""
    if not sentences:
        return []
    items = (rf"\item {breakable(sentence)}" for sentence in sentences)
    return [r"\begin{itemize}\setlength{\itemsep}{0pt}", *items, r"\end{itemize}"]


def _topic(
    title: str,
    tables: Sequence[Table],
    figures: Sequence[FigureEntry],
    after: Sequence[str] = (),
    before: Sequence[str] = (),
) -> list[str]:
    """Return a section, or nothing if it is empty; ``before`` and ``after`` are LaTeX around its tables."""
    if not (tables or figures or after or before):
        return []
    parts = [rf"\section{{{escape(title)}}}", *before]
    parts += [rf"\input{{tables/{table.name}}}" for table in tables]
    parts += after
    parts += [
        "\\begin{figure}\n\\centering\n"
        f"\\includegraphics{{figures/{figure.name}}}\n\\caption{{{escape(figure.caption)}}}\n\\end{{figure}}"
        for figure in figures
    ]
    return parts
