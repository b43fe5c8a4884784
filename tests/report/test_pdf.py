"""Compiling: with LaTeX, without it, and when it fails or hangs."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from harness.report.pdf import compile_pdf

needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")


def document(folder: Path, body: str = "Text.") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "report.tex").write_text(f"\\documentclass{{article}}\\begin{{document}}{body}\\end{{document}}")
    return folder


def test_without_latex_it_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    assert compile_pdf(document(tmp_path / "r"), say=said.append) is None
    assert len(said) == 1
    assert "No LaTeX found" in said[0]
    assert "latexmk -pdf report.tex" in said[0]


@needs_latex
@pytest.mark.parametrize("program", ["latexmk", "pdflatex"])
def test_makes_the_pdf_and_leaves_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    if program == "latexmk" and shutil.which("latexmk") is None:
        pytest.skip("needs latexmk")
    if program == "pdflatex":
        real = shutil.which("pdflatex")
        monkeypatch.setattr(shutil, "which", lambda name: real if name == "pdflatex" else None)
    folder = document(tmp_path / "r é")
    made = compile_pdf(folder, say=pytest.fail)
    assert made == folder / "report.pdf"
    assert made.read_bytes().startswith(b"%PDF-")
    assert sorted(path.name for path in folder.iterdir()) == ["report.pdf", "report.tex"]


@needs_latex
def test_a_faulty_document_keeps_the_old_pdf_and_quotes_latex(tmp_path: Path) -> None:
    folder = document(tmp_path / "r", r"\nosuchcommand")
    (folder / "report.pdf").write_bytes(b"old")
    said: list[str] = []
    assert compile_pdf(folder, say=said.append) is None
    assert "Undefined control sequence" in said[0]
    assert (folder / "report.pdf").read_bytes() == b"old"


@needs_latex
def test_the_document_cannot_run_programs(tmp_path: Path) -> None:
    folder = document(tmp_path / "r", r"\immediate\write18{touch made-by-latex}Text.")
    compile_pdf(folder, say=pytest.fail)
    assert not (folder / "made-by-latex").exists()


@needs_latex
def test_a_latexmkrc_in_the_folder_is_not_run(tmp_path: Path) -> None:
    folder = document(tmp_path / "r")
    (folder / "latexmkrc").write_text("system('touch made-by-rc');\n")
    assert compile_pdf(folder, say=pytest.fail) is not None
    assert not (folder / "made-by-rc").exists()


def test_a_latex_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pdflatex").write_text("#!/bin/sh\n/bin/sleep 60 & wait\n")
    (programs / "pdflatex").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    said: list[str] = []
    started = time.monotonic()
    assert compile_pdf(document(tmp_path / "r"), say=said.append, timeout=0.5) is None
    assert time.monotonic() - started < 20
    assert "stopped after" in said[0]
