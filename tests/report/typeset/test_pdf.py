"""Compiling: with LaTeX, without it, and when it fails or hangs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from harness.report.typeset.pdf import compile_pdf

needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")


def document(body: str = "Text.", head: str = "") -> dict[str, bytes]:
    return {"report.tex": f"\\documentclass{{article}}{head}\\begin{{document}}{body}\\end{{document}}".encode()}


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have LaTeX's temporary folders made where a test sees them."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))


def test_without_latex_it_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    assert compile_pdf(document(), tmp_path / "r", say=said.append) is None
    assert len(said) == 1
    assert "No LaTeX found" in said[0]
    assert said[0].endswith(
        f"cd {tmp_path}/r && openin_any=p openout_any=p latexmk -norc -pdf -no-shell-escape report.tex"
    )


@needs_latex
@pytest.mark.parametrize("program", ["latexmk", "pdflatex"])
def test_makes_the_pdf_and_leaves_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    if program == "latexmk" and shutil.which("latexmk") is None:
        pytest.skip("needs latexmk")
    if program == "pdflatex":
        real = shutil.which("pdflatex")
        monkeypatch.setattr(shutil, "which", lambda name: real if name == "pdflatex" else None)
    made = compile_pdf(document(), tmp_path / "r é", say=pytest.fail)
    assert made is not None
    assert made.startswith(b"%PDF-")
    assert [path.name for path in tmp_path.rglob("*")] == ["tmp"]


@needs_latex
def test_a_faulty_document_quotes_latex_and_how_to_see_more(tmp_path: Path) -> None:
    said: list[str] = []
    assert compile_pdf(document(r"\nosuchcommand"), tmp_path, say=said.append) is None
    assert "Undefined control sequence" in said[0]
    assert "openin_any=p openout_any=p latexmk -norc -pdf -no-shell-escape report.tex" in said[0]


@needs_latex
@pytest.mark.parametrize(
    "attack",
    [
        r"\immediate\write18{touch MADE}",
        r"\input{|touch MADE}",
        r"\newwrite\f\immediate\openout\f=MADE \immediate\write\f{x}\immediate\closeout\f",
    ],
)
def test_the_document_can_neither_run_programs_nor_write_elsewhere(tmp_path: Path, attack: str) -> None:
    mark = tmp_path / "made.txt"
    compile_pdf(document(attack.replace("MADE", str(mark)) + "Text."), tmp_path, say=lambda _: None)
    assert not mark.exists()


@needs_latex
@pytest.mark.parametrize("secret", ["secret.txt", ".hidden"])
def test_the_document_reads_no_file_outside(tmp_path: Path, secret: str) -> None:
    (tmp_path / secret).write_text("s3cret")
    body = rf"\newread\f\openin\f={tmp_path / secret} \ifeof\f\else\nosuchcommand\fi Text."
    assert compile_pdf(document(body), tmp_path, say=pytest.fail) is not None
    said: list[str] = []
    assert compile_pdf(document(rf"\input{{{tmp_path / secret}}}"), tmp_path, say=said.append) is None
    assert "not found" in said[0] or "Emergency stop" in said[0]


@needs_latex
def test_the_environment_leads_latex_nowhere_and_tells_it_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tmp_path / "planted"
    planted.mkdir()
    (planted / "booktabs.sty").write_text(r"\nosuchcommand")
    (planted / "texmf.cnf").write_text("openout_any = a\nshell_escape = t\n")
    (planted / "latexmkrc").write_text(f"system('touch {tmp_path}/made');\n")
    for name in ("TEXINPUTS", "TEXMFCNF", "TEXMFDOTDIR", "TEXFORMATS"):
        monkeypatch.setenv(name, f"{planted}:")
    monkeypatch.setenv("TEXMFHOME", "planted")
    monkeypatch.setenv("LATEXMKRCSYS", str(planted / "latexmkrc"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret-s3cret")
    monkeypatch.chdir(tmp_path)
    seen: list[dict[str, str]] = []
    popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda *given, **named: seen.append(named["env"]) or popen(*given, **named)
    )
    assert compile_pdf(document(head=r"\usepackage{booktabs}"), planted, say=pytest.fail) is not None
    assert not (tmp_path / "made").exists()
    for environment in seen:
        assert "s3cret-s3cret" not in environment.values()
        assert not [value for value in environment.values() if "planted" in value]
        assert environment["HOME"] == os.environ["HOME"]


def test_a_latex_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pdflatex").write_text("#!/bin/sh\n/bin/sleep 60 & wait\n")
    (programs / "pdflatex").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    said: list[str] = []
    started = time.monotonic()
    assert compile_pdf(document(), tmp_path / "r", say=said.append, timeout=0.5) is None
    assert time.monotonic() - started < 20
    assert "stopped after" in said[0]
    assert not list((tmp_path / "tmp").iterdir())


def test_a_full_temporary_folder_costs_the_pdf_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pdflatex").write_text("")
    (tmp_path / "bin" / "pdflatex").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    said: list[str] = []
    assert compile_pdf(document(), tmp_path / "r", say=said.append) is None
    assert said[0].startswith(f"report.pdf was not made: No such file or directory ({tmp_path}/none")
