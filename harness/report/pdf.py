"""Compiling a document with what the machine has, or saying how."""

from __future__ import annotations

import logging
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

DOCUMENT_NAME = "report.tex"
PDF_NAME = "report.pdf"
TIMEOUT = 180.0
"""Seconds that LaTeX may take in all."""

# TeX's own mark, or file, line and message.
_ERROR = re.compile(r"!|\S+:\d+: ")
_logger = logging.getLogger(__name__)


def compile_pdf(
    folder: Path,
    *,
    document: str = DOCUMENT_NAME,
    say: Callable[[str], None] = _logger.warning,
    timeout: float = TIMEOUT,
) -> Path | None:
    """Compile ``document`` (report.tex) in ``folder`` to a PDF beside it and return its path.

    latexmk is used where found, else pdflatex three times. No shell escape, no start-up file of the user or the folder,
    stop at the first error, at most ``timeout`` seconds a program. Where there is no LaTeX, or it fails, None is
    returned and ``say`` receives one message: what to install and run, or LaTeX's own error.
    """
    commands, pdf_name = _commands(), Path(document).with_suffix(".pdf").name
    if not commands:
        say(
            f"No LaTeX found, so {pdf_name} was not made. Install latexmk and pdflatex (Debian: apt install latexmk "
            f"texlive-latex-recommended lmodern), then run: {_how(folder, document)}"
        )
        return None
    with tempfile.TemporaryDirectory(prefix=f".latex-{os.getpid()}-", dir=folder) as aside:
        for command in commands:
            failure = _run([*command, f"-output-directory={Path(aside).name}", document], folder, timeout)
            if failure is not None:
                say(
                    f"LaTeX could not compile {folder / document}: {failure} "
                    f"To see all of it, run: {_how(folder, document)}"
                )
                return None
        made = Path(aside) / pdf_name
        with made.open("rb") as file:
            os.fsync(file.fileno())
        return made.replace(folder / pdf_name)


def _commands() -> list[list[str]]:
    options = ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "-file-line-error"]
    latexmk, pdflatex = shutil.which("latexmk"), shutil.which("pdflatex")
    if latexmk and pdflatex:
        # -norc: a latexmkrc is a program, and one may lie in any folder.
        return [[latexmk, "-norc", "-pdf", *options]]
    # The third run settles the widths of tables that break over pages.
    return [[pdflatex, *options]] * 3 if pdflatex else []


def _how(folder: Path, document: str) -> str:
    return f"cd {shlex.quote(str(folder))} && latexmk -pdf {shlex.quote(document)}"


def _run(command: list[str], folder: Path, timeout: float) -> str | None:
    """Run LaTeX; return None, or why it failed in one sentence."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "max_print_line": "1000", "openout_any": "p"},
        # latexmk starts pdflatex: a timeout must end both.
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"it was stopped after {timeout:.0f} seconds."
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    if process.returncode == 0:
        return None
    lines = output.decode("utf-8", "replace").splitlines()
    errors = [line for line in lines if _ERROR.match(line)]
    return (errors[0] if errors else f"exit code {process.returncode}").rstrip(".") + "."
