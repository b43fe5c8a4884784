"""report.tex: a complete document that inputs the report's tables and figures; every sentence in it is generated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.report.evidence import Evidence
from harness.report.report_section import (
    Command,
    Confusion,
    Curves,
    Drawing,
    Facts,
    Findings,
    Items,
    Prose,
    Section,
    Table,
)
from harness.report.typeset.latex import breakable, code, escape
from harness.report.typeset.latex_table import PACKAGES

PREAMBLE = (
    r"""\documentclass[10pt,a4paper]{article}
% The same bytes from the same numbers: no dates and no random names in the PDF.
\ifdefined\pdfinfoomitdate\pdfinfoomitdate=1 \pdftrailerid{}\pdfsuppressptexinfo=-1 \fi
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage[margin=25mm]{geometry}
\usepackage{"""
    + ",".join(PACKAGES)
    + r"""}
\usepackage[font=small,labelfont=bf,skip=4pt]{caption}
\usepackage[hidelinks]{hyperref}
\IfFileExists{microtype.sty}{\usepackage{microtype}}{}
% Tables and figures are placed where they are described.
\usepackage{float}
\floatplacement{table}{H}\floatplacement{figure}{H}
\setlength{\parindent}{0pt}\setlength{\parskip}{4pt}
\setlength{\emergencystretch}{3em}
"""
)
"""Everything before the beginning of the document; A4, and the same bytes from the same numbers."""

MOST_ARMS = 12
"""With more arms the PDF leaves out figures of single arms and tables that most readers skip: 40 arms of 50 classes
would fill a hundred pages with them. They remain in report.tex, and ``\\everythingtrue`` prints them."""

_EVERYTHING = r"""% \everythingtrue prints the figures of single arms and further tables as well; there are many.
\newif\ifeverything \everythingfalse"""


def document_tex(evidence: Evidence, sections: Sequence[Section]) -> str:
    """Return report.tex."""
    record = evidence.record
    question = record.spec.study.question
    briefly = len(evidence.stems) > MOST_ARMS
    parts = [
        PREAMBLE + (_EVERYTHING if briefly else ""),
        r"\begin{document}",
        rf"\begin{{center}}{{\LARGE {breakable(record.name)}\par}}",
    ]
    if question:
        parts.append(rf"\medskip{{\large\itshape {escape(question)}\par}}")
    parts.append(r"\end{center}")
    for section in sections:
        parts += [rf"\section{{{escape(section.title)}}}", *_prose(section.before)]
        # A table that continues in a further one, with the same caption, is left out with it.
        left_out = {one.caption for one in section.tables if one.further} if briefly else set()
        parts += (_if_everything(_table(one), one.caption in left_out) for one in section.tables)
        parts += _prose(section.after)
        parts += (_if_everything(_figure(one), briefly and _of_one_arm(one)) for one in section.figures)
        if left_out or (briefly and any(map(_of_one_arm, section.figures))):
            parts.append(
                rf"\ifeverything\else With {len(evidence.stems)} arms, this document leaves out figures of single arms "
                "and tables that most readers skip; \\texttt{report.html} and the folders \\texttt{figures} and "
                "\\texttt{tables} have them.\\fi"
            )
    parts.append(r"\end{document}")
    return "\n".join(parts) + "\n"


def _table(table: Table) -> str:
    return rf"\input{{tables/{table.name}}}"


def _figure(figure: Drawing) -> str:
    return (
        f"\\begin{{figure}}\n\\centering\n\\includegraphics{{figures/{figure.name}}}\n"
        f"\\caption{{{escape(figure.caption)}}}\n\\end{{figure}}"
    )


def _of_one_arm(figure: Drawing) -> bool:
    return isinstance(figure, Confusion | Curves)


def _if_everything(text: str, condition: bool) -> str:
    return f"\\ifeverything\n{text}\n\\fi" if condition else text


def _prose(blocks: Prose) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Items | Findings):
            if block.heading:
                yield f"\n\\textbf{{{escape(block.heading)}}}"
            yield r"\begin{itemize}\setlength{\itemsep}{0pt}"
            yield from (rf"\item {breakable(item)}" for item in block.items)
            yield r"\end{itemize}"
        elif isinstance(block, Command):
            yield rf"Command: {{\raggedright {code(block.line)}\par}}"
        elif isinstance(block, Facts):
            yield (
                "\n{\\footnotesize\n\\begin{longtable}[l]{@{}>{\\raggedright\\arraybackslash}p{48mm}"
                ">{\\raggedright\\arraybackslash}p{104mm}@{}}\n\\toprule\n"
                + "\n".join(rf"{breakable(name)} & {breakable(value)} \\" for name, value in block.rows)
                + "\n\\bottomrule\n\\end{longtable}}"
            )
            yield rf"The complete contents are in \texttt{{{escape(block.source)}}}."
        elif block.heading:
            # A heading of one word needs no line breaks.
            heading = breakable(block.heading) if " " in block.heading else escape(block.heading)
            yield rf"\paragraph{{{heading}}} {breakable(' '.join(block.sentences))}"
        else:
            # A line of the file for each sentence, so that a changed sentence changes one line.
            yield "\n".join(map(escape, block.sentences))
