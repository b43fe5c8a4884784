"""Tables as LaTeX: rules, headers, and that each stands alone in a document."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from harness.report.report_section import Table
from harness.report.typeset.latex_table import LONGEST_FLOAT, PACKAGES, table_tex

needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
NASTY = r"A_b & 100 % #1 é ~^\{}$ [x] – «ž» α→β 音"


def make(rows: int = 3, numbers: int = 3, name: str = NASTY, *, grouped: bool = True) -> Table:
    headers = [("", "Arm"), *(("Group & Co", f"{name} {column}") for column in range(numbers))]
    columns = pd.MultiIndex.from_tuples(headers) if grouped else [header[1] for header in headers]
    cells = [[f"{name} {row}", *["100.0"] * numbers] for row in range(rows)]
    printed = pd.DataFrame(cells, columns=columns)
    return Table("name", f"Title {name}", f"Caption {name}", printed, printed, rules=(rows - 1,))


def compiled(tex: str, folder: Path, packages: str = ",".join(PACKAGES)) -> str:
    """Compile ``tex`` inside the smallest document and return LaTeX's log."""
    (folder / "t.tex").write_text(
        "\\documentclass[a4paper]{article}\\usepackage[T1]{fontenc}\\usepackage[utf8]{inputenc}\n"
        f"\\usepackage[margin=25mm]{{geometry}}\\usepackage{{{packages}}}\\usepackage{{caption}}\n"
        f"\\begin{{document}}\n{tex}\n\\end{{document}}\n",
        encoding="utf-8",
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "t.tex"]
    for _ in range(2):
        ran = subprocess.run(command, check=False, cwd=folder, capture_output=True, timeout=60)
        assert ran.returncode == 0, ran.stdout.decode("latin1")[-2000:]
    return (folder / "t.log").read_text("latin1")


def test_booktabs_rules_and_group_headers() -> None:
    tex = table_tex(make(name="n"), "tab:x")
    assert tex.count(r"\toprule") == tex.count(r"\bottomrule") == 1
    assert r"\multicolumn{3}{c}{Group \& Co}" in tex
    assert r"\cmidrule(lr){2-4}" in tex
    assert r"\midrule n 2 &" in tex
    assert r"\label{tab:x}" in tex
    assert "|" not in tex
    assert r"\hline" not in tex


def test_caption_has_the_short_title_for_a_list_of_tables() -> None:
    assert r"\caption[Title n]{Caption n}" in table_tex(make(name="n"), "tab:x")


def test_a_long_table_breaks_over_pages_and_says_so() -> None:
    tex = table_tex(make(rows=LONGEST_FLOAT + 1, name="n"), "tab:x")
    assert r"\begin{longtable}" in tex
    assert r"\begin{table}" not in tex
    assert r"\caption[]{Title n (continued).}" in tex
    assert r"\begin{longtable}" not in table_tex(make(rows=LONGEST_FLOAT, name="n"), "tab:x")


def test_rows_of_several_lines_count_as_such() -> None:
    """A float is not broken: what is below the end of the page would be lost."""
    words = "Dempster-Shafer of LMCNet validation = same-as-test and MCNet validation = same-as-test"
    assert r"\begin{longtable}" in table_tex(make(rows=LONGEST_FLOAT // 2 + 1, name=words), "tab:x")


def test_headers_turn_upright_only_when_they_must() -> None:
    assert r"\rotatebox" not in table_tex(make(numbers=3, name="LMCNet"), "tab:x")
    assert table_tex(make(numbers=12, name="TSCNN-DS long name"), "tab:x").count(r"\rotatebox{90}") == 12


def test_where_most_headers_are_turned_a_shorter_one_is_too() -> None:
    headers = ["Class", "MCNet", *(f"LMCNet with long name {n}" for n in range(11))]
    printed = pd.DataFrame([["dog", *["82.5"] * 12]], columns=headers)
    tex = table_tex(Table("n", "t", "c", printed, printed), "tab:x")
    assert r"\rotatebox{90}{MCNet}" in tex
    alone = pd.DataFrame(
        [["dog", *["82.50 to 90.00"] * 12]], columns=["Class", "MCNet", *(f"fold {n}" for n in range(11))]
    )
    assert r"\rotatebox" not in table_tex(Table("n", "t", "c", alone, alone), "tab:x")


def test_long_names_wrap_instead_of_running_over() -> None:
    assert r"p{" in table_tex(
        make(numbers=10, name="a rather long name of an arm, sixty letters in all, or so"), "tab:x"
    )


@needs_latex
@pytest.mark.parametrize("rows", [2, LONGEST_FLOAT + 10])
@pytest.mark.parametrize("numbers", [1, 12])
def test_stands_alone_and_fits_the_line(rows: int, numbers: int, tmp_path: Path) -> None:
    log = compiled(table_tex(make(rows=rows, numbers=numbers), "tab:x"), tmp_path)
    assert "Overfull" not in log
    assert "LaTeX Warning: Reference" not in log


@needs_latex
def test_every_latin_and_greek_letter_compiles(tmp_path: Path) -> None:
    signs = [*map(chr, range(0x20, 0x7F)), *map(chr, range(0xA0, 0x250)), *map(chr, range(0x391, 0x3CA))]
    signs += list("–—‘’“”…•€−→≤≥≠≈∞™§†😀音")
    rows = ["".join(signs[start : start + 30]) for start in range(0, len(signs), 30)]
    printed = pd.DataFrame({"Signs": rows})
    log = compiled(table_tex(Table("n", "t", "".join(signs[:95]), printed, printed), "tab:x"), tmp_path)
    assert "Missing character" not in log
