"""What is printed where the stream is not UTF-8: every command says what it has to say, without a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli
from tests.stores import record_tiny
from tests.test_cli import leaves

SCORES = "fold,accuracy\n1,80\n2,81\n3,79\n4,82\n5,80\n"
CLAIM = "piczak2015cnn:ESC-10/CNN"

# Of every command a call, and signs that its output holds, in a folder that is called é−: where something is missing
# there, its error names it.
CALLS = {
    ("run-study",): (["none.toml"], "none.toml: cannot read"),
    ("plan",): (["none.toml"], "none.toml: cannot read"),
    ("report",): (["tiny", "--reports", "reports"], "folds x seeds"),
    ("overview",): (["none"], "none"),
    ("predict",): (["abcd", "none.wav"], "no run has the id"),
    ("export",): (["abcd", "--output", "out"], "no run has the id"),
    ("sync",): ([], "no runs are waiting"),
    ("replay",): (["abcd"], "no run has the id"),
    ("diff",): (["abcd", "abce"], "no run has the id"),
    ("compare",): (["--scores", "scores.csv", "--claim", CLAIM], "+-2 points"),
    ("claims", "list"): ([], "TSCNN-DS"),
    ("claims", "show"): (["su2019"], "Su"),
    ("claims", "audit"): (["su2019", "--output", "audit"], "audit"),
    ("claims", "site"): (["--output", "é−"], "claims of"),
    ("claims", "check"): (["none.toml"], "none.toml"),
    ("features", "show"): (["none.wav", "--output", "é.png"], "no such file"),
    ("fields",): ([], "train"),
    ("list",): (["splits"], "official"),
    ("new",): (["network", "é−"], "use a letter"),
    ("schema",): (["study"], "properties"),
    ("data", "list"): (["--data-root", "."], "esc10"),
    ("data", "check"): (["esc10", "--data-root", "."], "has no folder"),
    ("data", "fetch"): (["esc10", "--data-root", ".", "--url", "ftp://é.example/−"], "ftp://"),
    ("data", "synth"): (["--data-root", "made", "--clips", "1"], "made"),
    ("data", "duplicates"): (["none.csv"], "none.csv"),
    ("splits", "check"): (["--metadata", "none.csv", "--split", "official"], "none.csv"),
    ("slurm",): (["none.toml", "--time", "1:00:00", "--output", "é.sh"], "none.toml"),
    ("cache",): (["--cache", "."], "cached"),
    ("ui",): (["--tracking-uri", "sqlite:///none/é.db"], "no tracking store"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with scores and a store that holds a study, both called what no other encoding can print."""
    folder = tmp_path_factory.mktemp("x") / "é− ± μ"
    folder.mkdir()
    (folder / "scores.csv").write_text(SCORES)
    record_tiny(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
@pytest.mark.parametrize("command", leaves(cli), ids=" ".join)
def test_every_command_prints_in_every_encoding(
    folder: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], encoding: str
) -> None:
    arguments, said = CALLS[command]
    monkeypatch.chdir(folder)
    result = CliRunner(charset=encoding).invoke(cli, [*command, *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    shown = "".join(f"{stream.decode(encoding)}" for stream in (result.stdout_bytes, result.stderr_bytes))
    assert said.replace("+-", "±" if encoding == "cp1252" else "+-").replace(
        " x ", " × " if encoding == "cp1252" else " x "
    ) in " ".join(shown.split())


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_json_stays_json(folder: Path, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    monkeypatch.chdir(folder)
    arguments = ["compare", "--scores", "scores.csv", "--claim", CLAIM, "--json"]
    result = CliRunner(charset=encoding).invoke(cli, arguments)
    (entry,) = json.loads(result.stdout_bytes.decode(encoding))["comparisons"]
    assert "±2 points" in entry["reason"]


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_output_to_a_file_is_not_cut_off(folder: Path, variables: dict[str, str]) -> None:
    script = "from harness.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "compare", "--scores", "scores.csv", "--claim", CLAIM],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode("cp1252").rstrip().endswith("adjustment: 1.")


def test_bytes_of_a_path_that_are_no_text_are_printed_as_escapes(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["plan", f"{tmp_path}/caf\udce9.toml"])
    assert result.exit_code == 2
    assert "caf\\udce9.toml: cannot read the study file" in result.output
