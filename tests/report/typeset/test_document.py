"""report.tex: prose of every kind, escaped, around tables and figures."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest
from matplotlib.figure import Figure

from harness.report.evidence import Evidence
from harness.report.report_section import (
    Command,
    Curves,
    Drawing,
    Facts,
    Finding,
    Findings,
    Items,
    Paragraph,
    Section,
    Table,
)
from harness.report.typeset.document import document_tex
from harness.report.typeset.markdown import front_page

PROSE = (
    Paragraph(("One & only.", "A_b.")),
    Paragraph(("Why not?",), "Head 1 %."),
    Paragraph(("A paper.",), "Source."),
    Items(("first_x", "50 %"), "Read & see."),
    Items(("plain",)),
    Command("harness report --check a_b"),
    Facts((("cpu", "A&1"), ("cores", "2")), "a_b.json"),
)
TABLE = Table("t", "T", "Caption of 1 %.", pd.DataFrame({"x": ["1"]}), pd.DataFrame({"x": [1]}))
DRAWING = Drawing("f", "Figure: 1 %.", Figure)


def section(key: str, **parts: object) -> Section:
    return Section(key, f"Title of {key} & more", **parts)  # type: ignore[arg-type]


def test_prose_tables_and_figures_in_their_order(evidence: Evidence) -> None:
    text = document_tex(evidence, [section("one", before=PROSE, tables=(TABLE,), after=PROSE[1:2], figures=(DRAWING,))])
    body = text.partition(r"\end{center}" + "\n")[2]
    assert body == (
        "\\section{Title of one \\& more}\n"
        "One \\& only.\nA\\_b.\n"
        "\\paragraph{Head 1 \\%.\\allowbreak{}} Why not?\n"
        "\\paragraph{Source.} A paper.\\allowbreak{}\n"
        "\n\\textbf{Read \\& see.}\n"
        "\\begin{itemize}\\setlength{\\itemsep}{0pt}\n\\item first\\_\\allowbreak{}x\n\\item 50 \\%\n\\end{itemize}\n"
        "\\begin{itemize}\\setlength{\\itemsep}{0pt}\n\\item plain\n\\end{itemize}\n"
        "Command: {\\raggedright \\texttt{harness report -{}-check a\\_\\allowbreak{}b}\\par}\n"
        "\n{\\footnotesize\n\\begin{longtable}[l]{@{}>{\\raggedright\\arraybackslash}p{48mm}"
        ">{\\raggedright\\arraybackslash}p{104mm}@{}}\n\\toprule\n"
        "cpu & A\\&1 \\\\\ncores & 2 \\\\\n\\bottomrule\n\\end{longtable}}\n"
        "The complete contents are in \\texttt{a\\_b.json}.\n"
        "\\input{tables/t}\n"
        "\\paragraph{Head 1 \\%.\\allowbreak{}} Why not?\n"
        "\\begin{figure}\n\\centering\n\\includegraphics{figures/f}\n\\caption{Figure: 1 \\%.}\n\\end{figure}\n"
        "\\end{document}\n"
    )


def test_a_document_of_many_arms_leaves_out_what_each_has_of_its_own(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Curves("curves-a", "Curves of A.", Figure, "A", pd.DataFrame())
    tables = (TABLE, *(replace(TABLE, name=name, caption="B.", further=name == "b-2") for name in ("b", "b-2")))
    shown = section("one", tables=tables, figures=(DRAWING, own))
    assert "everything" not in document_tex(evidence, [shown])
    monkeypatch.setattr("harness.report.typeset.document.MOST_ARMS", len(evidence.stems) - 1)
    text = document_tex(evidence, [shown])
    printed = re.sub(r"\\ifeverything\n.*?\n\\fi\n", "", text, flags=re.DOTALL)
    assert r"\newif\ifeverything \everythingfalse" in text.partition(r"\begin{document}")[0]
    assert ("tables/t}" in printed, "tables/b}" in printed, "tables/b-2}" in printed) == (True, False, False)
    assert ("figures/f}" in printed, "figures/curves-a}" in printed) == (True, False)
    assert "tables/b}" in text
    assert "figures/curves-a}" in text
    assert f"With {len(evidence.stems)} arms, this document leaves out" in printed


def test_the_same_prose_on_the_front_page(evidence: Evidence) -> None:
    leading = section("x", front=(TABLE,), figures=(DRAWING,))
    found = Findings((Finding("A_b is better.", "higher"), Finding("Plain.")))
    page = front_page(evidence, [section("protocol", before=PROSE), section("findings", before=(found,)), leading])
    lines = page.splitlines()
    start = lines.index("## Findings")
    assert lines[start : lines.index("## How it was made")] == [
        *("## Findings", "", r"- Higher: A\_b is better.", "- Plain.", "", "![Figure](figures/f.png)", ""),
        *("Caption of 1 %.", "", "| x |", "| --- |", "| 1 |", "", "## Protocol", ""),
        r"One &amp; only. A\_b.",
        *(
            "",
            "**Head 1 %.** Why not?",
            "",
            "**Source.** A paper.",
            "",
            "**Read &amp; see.**",
            "",
            r"- first\_x",
            "- 50 %",
            "",
            "- plain",
        ),
        *(
            "",
            "    harness report --check a_b",
            "",
            "|  |  |",
            "| --- | --- |",
            "| cpu | A&amp;1 |",
            "| cores | 2 |",
            "",
        ),
    ]
