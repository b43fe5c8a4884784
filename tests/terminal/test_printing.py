"""The door to the terminal, also for what others print in this process; and that there is no other."""

from __future__ import annotations

import ast
import json
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness
from harness.errors import HarnessError
from harness.terminal.printing import guard_streams, say, say_error, say_lines

PACKAGE = Path(harness.__file__).parent
DOORS = {"terminal/printing.py", "terminal/console.py"}
# Called in any form: name, attribute, or imported from its module.
FORBIDDEN = {
    "print", "input", "sys.stdout.write", "sys.stderr.write", "sys.__stdout__.write", "sys.__stderr__.write",
    "os.write", "click.echo", "click.secho", "click.echo_via_pager", "click.style", "rich.print",
    "rich.console.Console", "rich.text.Text", "rich.markup.render", "logging.basicConfig", "logging.StreamHandler",
    "traceback.print_exc", "traceback.print_exception", "traceback.print_stack", "pprint.pprint", "tqdm.write",
    "warnings.warn",
}  # fmt: skip
HOSTILE = "a\x1b]0;title\x07\nEQUAL: all"
SHOWN = r"a\x1b]0;title\x07\nEQUAL: all"


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return f"{_dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def prints(source: str) -> Iterator[str]:
    """Yield every use in ``source`` of a way to print that is not the door."""
    tree = ast.parse(source)
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {each.asname: each.name for each in node.names if each.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {(each.asname or each.name): f"{node.module}.{each.name}" for each in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call | ast.Attribute | ast.Name):
            name = _dotted(node.func if isinstance(node, ast.Call) else node)
            first, dot, rest = name.partition(".")
            full = f"{names.get(first, first)}{dot}{rest}"
            if full in FORBIDDEN or any(full.endswith(f".{each}") for each in FORBIDDEN if "." in each):
                yield f"line {node.lineno}: {full}"
        # Colours and links of rich's markup are for constants, and there are none.
        if isinstance(node, ast.keyword) and node.arg == "markup" and _constant(node.value) is not False:
            yield f"line {node.value.lineno}: markup"


def _constant(node: ast.AST) -> object:
    return node.value if isinstance(node, ast.Constant) else node


def test_the_package_prints_through_the_door_alone() -> None:
    # Templates become a user's own scripts.
    sources = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent.name != "templates"]
    found = {
        path.relative_to(PACKAGE).as_posix(): told
        for path in sources
        if path.relative_to(PACKAGE).as_posix() not in DOORS and (told := list(prints(path.read_text("utf-8"))))
    }
    assert not found


@pytest.mark.parametrize(
    "source",
    [
        "print(1)",
        "import sys\nsys.stderr.write('x')",
        "from sys import stderr\nstderr.write('x')",
        "import sys\nwrite = sys.stdout.write",
        "import click\nclick.echo(1)",
        "from rich.console import Console\nConsole().print(1)",
        "from rich import print as show\nshow(1)",
        "from rich.text import Text\nText('x')",
        "import traceback\ntraceback.print_exc()",
        "column(markup=True)",
    ],
)
def test_the_search_finds_what_it_looks_for(source: str) -> None:
    assert list(prints(source))


def test_one_line_is_one_line_and_json_keeps_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)
    say(HOSTILE, err=True)
    say_lines(json.dumps({"arm": HOSTILE}, indent=1))
    out, err = capsys.readouterr()
    line, *rest = out.splitlines()
    assert (line, err) == (SHOWN, f"{SHOWN}\n")
    assert json.loads("\n".join(rest)) == {"arm": HOSTILE}


def test_an_error_has_the_lines_that_its_author_gave(capsys: pytest.CaptureFixture[str]) -> None:
    error = HarnessError(f"2 faults in {HOSTILE}", "  https://me:s3cret@host")
    say_error(error)
    assert str(error) == f"2 faults in {HOSTILE}\n  https://me:s3cret@host"
    assert capsys.readouterr().err == f"error: 2 faults in {SHOWN}\n  https://me:***@host\n"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (OSError(28, "No space left on device"), "cannot read or write a file or stream: No space left on device"),
        (OSError(28, "No space left on device", "/a\x1b/b"), r"/a\x1b/b: No space left on device"),
        (OSError("read timed out"), "read timed out"),
    ],
)
def test_a_file_error_is_one_sentence(error: OSError, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    say_error(error)
    assert capsys.readouterr().err == f"error: {shown}\n"


def test_log_messages_and_warnings_are_one_line_without_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "lastResort", None)
    monkeypatch.setattr(warnings, "showwarning", None)
    monkeypatch.setattr(sys, "excepthook", None)
    guard_streams()
    logger = logging.Logger("apart")
    logger.warning("%s https://me:s3cret@host", HOSTILE)
    warnings.showwarning(UserWarning(HOSTILE), UserWarning, "x.py", 3)
    assert capsys.readouterr().err.splitlines() == [f"{SHOWN} https://me:***@host", f"x.py:3: UserWarning: {SHOWN}"]


def test_a_traceback_is_harmless() -> None:
    start = "from harness.terminal.printing import guard_streams; guard_streams(); "
    script = start + "raise ValueError('\\x1b]0;x\\x07\\u202e')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, env={**os.environ})
    assert done.returncode == 1
    assert b"Traceback" in done.stderr
    assert done.stderr.rstrip().endswith(rb"ValueError: \x1b]0;x\x07\u202e")
