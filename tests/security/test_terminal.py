"""Names and messages of others on the terminal: no escape sequence, no forged line, no markup."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import cli
from harness.tracking.study_reader import list_studies
from tests.security.conftest import House
from tests.stores import record_tiny

# Title, clipboard, clear screen (also as C1), cursor, overwriting, reordering, a line of its own, rich's markup.
ATTACK = (
    "x\x1b]0;owned\x07\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b2J\x1b[31m\u202eevil\u2066\u200f\rEQUAL\x08\x7f\u2028\x85\n"
    "EQUAL: all 3\n[red]b[/red][link=http://x]y[/link]:smile: ü中👩‍🔬"
)
TOML = '"' + "".join(f"\\U{ord(sign):08x}" for sign in ATTACK) + '"'
LITERAL = "[red]b[/red][link=http://x]y[/link]:smile:ü中"
EXAMPLE = Path(__file__).parents[1] / "claims" / "example.toml"


def assert_harmless(result: Result, *shown: str) -> None:
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    output = result.output
    acting = {sign for sign in output if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert acting <= {"\n", "\u200d"}, acting
    # Wide names are folded in their column of a table.
    flat = "".join(output.split())
    assert r"\x1b]0;owned\x07" in flat, output
    for words in shown:
        assert "".join(words.split()) in flat, (words, output)
    assert not [line for line in output.splitlines() if line.startswith(("EQUAL", "EQUAL: all"))]


def harness(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(each) for each in arguments])


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """Return a score file of two arms, one with a hostile name."""
    quoted = '"' + ATTACK.replace('"', '""') + '"'
    lines = ["fold,arm,accuracy", *(f"{fold},{arm},8{fold}.5" for arm in (quoted, "b") for fold in range(1, 6))]
    file = tmp_path / "scores.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    return file


def test_arms_of_a_score_file(scores: Path) -> None:
    claim = harness("compare", "--scores", scores, "--claim", "piczak2015cnn:ESC-10/CNN")
    assert claim.exit_code == 0
    assert_harmless(claim, LITERAL)
    contrast = harness("compare", "--scores", scores, "--contrast", ATTACK, "b")
    assert contrast.exit_code == 0, contrast.output
    assert_harmless(contrast, LITERAL)
    assert_harmless(harness("compare", "--scores", scores, "--contrast", "b", f"{ATTACK}?"), LITERAL)
    data = harness("compare", "--scores", scores, "--claim", "piczak2015cnn:ESC-10/CNN", "--json")
    assert data.output.isascii()
    assert ATTACK in {entry["arm"] for entry in json.loads(data.stdout)["comparisons"]}


def test_what_a_user_was_given_to_type(tmp_path: Path) -> None:
    for command in (["compare", "--scores", tmp_path / ATTACK.replace("/", "|"), "--contrast", "a", "b"], [ATTACK]):
        result = harness(*command)
        assert result.exit_code == 2
        assert_harmless(result)


def test_titles_and_notes_of_a_claims_file(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for plain in (
        '"Classes & folds: 100_% of what_is printed"',
        '"Two systems, three classes, five folds"',
        '"Three classes of fifty are printed."',
        '"a network of three layers"',
        '"Weights and activations"',
        '"made up for this file"',
    ):
        assert plain in text
        text = text.replace(plain, TOML)
    folder = tmp_path / "claims"
    folder.mkdir()
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    for command in (
        ("show", "example2020", "--claims", folder),
        ("show", "example2020:T1/network", "--claims", folder),
        ("audit", "example2020", "--claims", folder, "--output", tmp_path / "audit"),
    ):
        result = harness("claims", *command)
        assert result.exit_code == 0, result.output
        assert_harmless(result)
    # What is written is text as well: no byte of it can reach a terminal by way of cat.
    harness("claims", "audit", "--claims", folder, "--output", tmp_path / "audits")
    harness("claims", "site", file, "--only", "--output", tmp_path / "site")
    written = [path for name in ("audits", "site") for path in (tmp_path / name).rglob("*.[hm][td]*")]
    assert len(written) > 4
    assert not any(b"\x1b" in path.read_bytes() for path in written)
    file.write_text(text.replace('"T1"', TOML, 1), encoding="utf-8")
    refused = harness("claims", "check", file)
    assert refused.exit_code == 2
    assert r"\x1b" in refused.output
    assert "\x1b" not in refused.output


def test_names_of_clips_and_classes(house: House) -> None:
    house.rows[0]["filename"] = f"{ATTACK.replace('/', '|')}.wav"
    house.save()
    assert_harmless(house.check())


@pytest.mark.slow
def test_recorded_hardware_commits_and_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    study = record_tiny(tmp_path)
    (summary,) = list_studies(study.uri)
    for number, folder in enumerate((tmp_path / "mlruns").rglob("environment.json")):
        found = json.loads(folder.read_text(encoding="utf-8"))
        found["hardware"] = {"cpu": ATTACK, "gpus": [{"name": ATTACK}]}
        found["git"] = {"commit": f"{ATTACK}{number}", "dirty": False}
        folder.write_text(json.dumps(found), encoding="utf-8")
    other = tmp_path / "other"
    record_tiny(other)
    with closing(sqlite3.connect(tmp_path / "mlruns" / "mlflow.db")) as database, database:
        (fold,) = database.execute("SELECT run_uuid FROM tags WHERE key = 'level' AND value = 'fold'").fetchone()
        database.execute("INSERT OR REPLACE INTO tags VALUES ('error', ?, ?)", (ATTACK, fold))
        database.execute("UPDATE tags SET value = ? WHERE key = 'mlflow.runName'", (ATTACK,))
        database.execute("UPDATE runs SET name = ?", (ATTACK,))
    report = harness("report", "tiny", "--tracking-uri", study.uri)
    assert report.exit_code == 0, report.output
    page = (tmp_path / "reports" / "tiny" / "README.md").read_text(encoding="utf-8")
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "\\\\x1b\\]0;owned\\\\x07" in page
    assert not [line for line in page.splitlines() if line.startswith("EQUAL")]
    with closing(sqlite3.connect(tmp_path / "mlruns" / "mlflow.db")) as database, database:
        database.execute("UPDATE runs SET status = 'FAILED' WHERE run_uuid = ?", (fold,))
    for command in (["report", "tiny"], ["diff", summary.run_id, fold], ["replay", fold]):
        result = harness(*command, "--tracking-uri", study.uri)
        acting = {sign for sign in result.output if unicodedata.category(sign) in ("Cc", "Cf")}
        assert acting <= {"\n", "\u200d"}, (command, acting)


def test_a_study_file(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text(f"[study]\nname = {TOML}\nunknown = 1\n{TOML} = 2\n", encoding="utf-8")
    result = harness("run-study", file)
    assert result.exit_code == 2
    assert_harmless(result)
