"""Compilation of a document with the installed LaTeX, or a message about what to do."""

from __future__ import annotations

import logging
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

DOCUMENT_NAME = "report.tex"
PDF_NAME = "report.pdf"
TIMEOUT = 180.0
"""Limit on the total time of LaTeX, in s."""

_NEEDED = (".tex", ".pdf")
# TeX reads and writes only below its own folder, and no hidden files.
_PARANOID = {"openin_any": "p", "openout_any": "p"}
_KEPT = re.compile(r"PATH|HOME|USER|LOGNAME|TMPDIR|TZ|LANG|LANGUAGE|LC_\w+")
_TREE = re.compile(r"TEXMF(?:HOME|VAR|CONFIG|LOCAL)")
# TeX's own error mark, or file, line and message.
_ERROR = re.compile(r"!|\S+:\d+: ")
_logger = logging.getLogger(__name__)


def compile_pdf(
    files: Mapping[str, bytes],
    folder: Path,
    *,
    document: str = DOCUMENT_NAME,
    say: Callable[[str], None] = _logger.warning,
    timeout: float = TIMEOUT,
) -> bytes | None:
    """Compile one of the generated ``files`` with LaTeX and return the PDF, or None where that is not possible.

    LaTeX runs in a temporary folder that holds the generated LaTeX and figures and nothing else: in the report's own
    folder it would use a booktabs.sty, a latexmkrc or a link that somebody put there. latexmk is used if installed,
    else pdflatex three times; without shell escape or start-up file, without reading or writing outside the folder
    except for the TeX installation and the user's own TeX trees (TEXMFHOME, by default ~/texmf), without the rest of
    the user's environment, stopping at the first error.

    Parameters
    ----------
    files
        Generated files by path within the folder; LaTeX and PDF files are used.
    folder
        The report's folder, where the message of ``say`` suggests running LaTeX.
    document
        Path of the LaTeX document among ``files``.
    say
        Called with one message if there is no PDF: what to install and run, or LaTeX's own error.
    timeout
        Limit on the time of all LaTeX runs together, in s.
    """
    commands, pdf_name = _commands(), Path(document).with_suffix(".pdf").name
    if not commands:
        say(
            f"No LaTeX found, so {pdf_name} was not made. Install latexmk and pdflatex (Debian: apt install latexmk "
            f"texlive-latex-recommended lmodern) and give the same command again, or run: {_how(folder, document)}"
        )
        return None
    end = time.monotonic() + timeout
    try:
        with tempfile.TemporaryDirectory(prefix="harness-latex-", ignore_cleanup_errors=True) as made:
            aside = Path(made)
            for name, content in files.items():
                if Path(name).suffix in _NEEDED:
                    (aside / name).parent.mkdir(exist_ok=True)
                    (aside / name).write_bytes(content)
            for command in commands:
                failure = _run([*command, document], aside, end)
                if failure is not None:
                    say(
                        f"LaTeX could not compile {folder / document}: {failure} "
                        f"To see all of it, run: {_how(folder, document)}"
                    )
                    return None
            return (aside / pdf_name).read_bytes()
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        say(f"{pdf_name} was not made: {error.strerror or error}{where}. Then run: {_how(folder, document)}")
        return None


def _commands() -> list[list[str]]:
    options = ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "-file-line-error"]
    latexmk, pdflatex = shutil.which("latexmk"), shutil.which("pdflatex")
    if latexmk and pdflatex:
        # -norc: a latexmkrc is executed, and there may be one in any folder.
        return [[latexmk, "-norc", "-pdf", *options]]
    # The widths of tables that break over pages are final after the third run.
    return [[pdflatex, *options]] * 3 if pdflatex else []


def _how(folder: Path, document: str) -> str:
    """Return the command that compiles the document by hand, as safely as possible in a folder with other files."""
    paranoid = " ".join(f"{name}={value}" for name, value in _PARANOID.items())
    command = f"{paranoid} latexmk -norc -pdf -no-shell-escape {shlex.quote(document)}"
    return f"cd {shlex.quote(str(folder))} && {command}"


def _environment() -> dict[str, str]:
    """Return the environment of LaTeX: no secrets, and no TEXINPUTS or similar that lead to other files."""
    kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
    trees = {name: value for name, value in os.environ.items() if _TREE.fullmatch(name) and Path(value).is_absolute()}
    return {**kept, **trees, **_PARANOID, "max_print_line": "1000"}


def _run(command: list[str], folder: Path, end: float) -> str | None:
    """Run LaTeX until ``end`` on the monotonic clock at most; return None, or why it failed in one sentence."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environment(),
        # latexmk starts pdflatex: a timeout must kill both.
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return "it was stopped after its time limit."
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    if process.returncode == 0:
        return None
    lines = output.decode("utf-8", "replace").splitlines()
    errors = [line for line in lines if _ERROR.match(line)]
    return (errors[0] if errors else f"exit code {process.returncode}").rstrip(".") + "."
