"""Commands that messages and documents advise: each exists, and the important ones are executed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from mlflow.cli import cli as mlflow_cli

from harness.cli import cli
from harness.errors import TrackingError
from harness.tracking.schema import schema_fault
from harness.tracking.store import open_store

HOUSE = Path(__file__).parents[1]
PROGRAMS: dict[str, click.Command] = {"harness": cli, "mlflow": mlflow_cli}
# A command ends with what quotes it, with the sentence, or with its line; one that is to be run is given whole.
_COMMAND = re.compile(r"(?P<whole>\brun `|: )?(?<![\w./-])(?P<command>(?:harness|mlflow) [a-z][^`;,()\n]*)")
_CODE = re.compile(r"`[^`\n]+`|^    \S.*$", re.MULTILINE)


@dataclass(frozen=True)
class Advice:
    """A command with the file that advises it; ``whole`` tells whether it is to be typed as it is."""

    place: str
    command: str
    whole: bool

    def __str__(self) -> str:
        return f"{self.place}: {self.command}"


def texts(file: Path) -> list[str]:
    """Return the code of a document; of a source its text, with X for what is filled in."""
    content = file.read_text("utf-8")
    if file.suffix == ".md":
        return _CODE.findall(content)
    whole = [
        "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        if isinstance(node, ast.JoinedStr)
        else node.value
        for node in ast.walk(ast.parse(content))
        if isinstance(node, ast.JoinedStr | ast.Constant)
    ]
    return [text for text in whole if isinstance(text, str)]


def advised() -> list[Advice]:
    """Return every command that our documents and sources name."""
    files = [file for pattern in ("*.md", "*/*.md", "harness/**/*.py") for file in sorted(HOUSE.glob(pattern))]
    found = {
        Advice(str(file.relative_to(HOUSE)), match["command"].strip(), bool(match["whole"]))
        for file in files
        for text in texts(file)
        for match in _COMMAND.finditer(text)
        if resolved(match["command"])[1] is not None
    }
    # Part of an f-string is a constant of its own, cut where something is filled in.
    return sorted((each for each in found if not any(cut(each, other) for other in found)), key=str)


def cut(one: Advice, other: Advice) -> bool:
    return one.place == other.place and one.command != other.command and other.command.startswith(one.command)


def resolved(command: str) -> tuple[list[str], click.Command | None]:
    """Return the words after the command proper, and click's command; None where there is none of that name."""
    program, *words = command.split()
    found: click.Command | None = PROGRAMS[program]
    while isinstance(found, click.Group) and words:
        if (name := words[0].rstrip(".:'")) not in found.commands:
            break
        found = found.commands[name]
        words.pop(0)
    return words, None if found in PROGRAMS.values() else found


ADVISED = advised()


def test_commands_are_found() -> None:
    found = " ".join(each.command for each in ADVISED)
    for command in ("harness run-study", "harness data fetch", "harness ui", "mlflow experiments restore", "mlflow db"):
        assert command in found
    assert len(ADVISED) > 40


@pytest.mark.parametrize("advice", ADVISED, ids=str)
def test_an_advised_command_is_one_that_exists_with_its_options(advice: Advice) -> None:
    words, found = resolved(advice.command)
    assert found is not None
    own, _, passed_on = " ".join(words).partition(" -- ")
    # What harness slurm passes on are options of run-study.
    for given, command in ((own, found), (passed_on, cli.commands["run-study"])):
        options = {word.partition("=")[0].rstrip(".:'\"") for word in given.split() if word.startswith("--")}
        assert options <= {name for parameter in command.params for name in parameter.opts} | {"--help"}
    if advice.whole and advice.place.endswith(".py"):
        assert not isinstance(found, click.Group), "a group is no command"
        arguments = [each for each in found.params if isinstance(each, click.Argument) and each.required]
        assert len([word for word in words if not word.startswith("-")]) >= len(arguments), "an argument is missing"


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run an advised command as somebody would who copies it into a shell, in ``folder``."""
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    environment = {"PATH": path, "HOME": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true"}
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_a_deleted_experiment_is_restored_by_what_is_advised(tmp_path: Path) -> None:
    folder = tmp_path / "what? 100% #1"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    store = open_store(f"sqlite:///{folder}/mlflow.db", create=True)
    number = store.ensure_experiment("tiny", "")
    store.client.delete_experiment(number)
    with pytest.raises(TrackingError, match="was deleted in MLflow") as caught:
        store.ensure_experiment("tiny", "")
    advice = re.search(r"restore it \((MLFLOW_TRACKING_URI=.*--experiment-id \d+)\)", str(caught.value))
    assert advice is not None
    done = run(advice[1], elsewhere)
    assert done.returncode == 0, done.stderr
    assert store.ensure_experiment("tiny", "") == number
    # Nothing was made anywhere else: neither where the command was given nor in a folder of another name.
    assert list(elsewhere.iterdir()) == []
    assert sorted(each.name for each in tmp_path.iterdir()) == ["elsewhere", folder.name]
    # The same of the command for a store of an older MLflow.
    told = schema_fault("found version 451aebb31d03, but expected 0123456789ab", store.shown)
    upgrade = re.search(r"then run: (mlflow db upgrade .*)$", told)
    assert upgrade is not None
    done = run(upgrade[1], elsewhere)
    assert done.returncode == 0, done.stderr
    assert sorted(each.name for each in tmp_path.iterdir()) == ["elsewhere", folder.name]
