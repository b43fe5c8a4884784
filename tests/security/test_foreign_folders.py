"""A folder that holds somebody's own files: what writes reports, audits and overviews deletes and replaces none."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "audit": ("claims", "audit", "naidu2019"),
    "audits": ("claims", "audit"),
    "site": ("claims", "site", "--only", str(ROOT / "tests/claims/example.toml")),
    "overview": ("overview", str(ROOT / "reports/protocols-esc10"), "--network", "LMCNet"),
}


@pytest.fixture
def paper(tmp_path: Path) -> dict[Path, bytes]:
    """Return the files of somebody's paper, with names like ours."""
    folder = tmp_path / "paper"
    names = ("main.tex", "figures/setup.pdf", "figures/old.png", "tables/own.tex", "report.pdf", ".latexmkrc")
    files = {folder / name: name.encode() for name in names}
    for file, content in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return files


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_of_a_paper_is_deleted_or_replaced(name: str, paper: dict[Path, bytes], tmp_path: Path) -> None:
    for _ in range(2):
        result = CliRunner().invoke(cli, [*COMMANDS[name], "--output", str(tmp_path / "paper")])
        assert result.exit_code == 0, result.output
        assert {file: file.read_bytes() for file in paper} == paper
    made = {file for file in (tmp_path / "paper").rglob("*") if file.is_file()}
    assert len(made) > len(paper) + 1


@pytest.mark.parametrize("name", COMMANDS)
def test_a_file_of_the_same_name_stops_it_before_anything_is_written(name: str, tmp_path: Path) -> None:
    first = CliRunner().invoke(cli, [*COMMANDS[name], "--output", str(tmp_path / "first")])
    assert first.exit_code == 0, first.output
    made = [file.relative_to(tmp_path / "first") for file in (tmp_path / "first").rglob("*.csv")]
    own = tmp_path / "paper" / sorted(made)[0]
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    result = CliRunner().invoke(cli, [*COMMANDS[name], "--output", str(tmp_path / "paper")])
    assert (result.exit_code, type(result.exception)) == (2, SystemExit), result.output
    assert "was not written by harness and would be replaced" in result.output
    assert [file for file in (tmp_path / "paper").rglob("*") if file.is_file()] == [own]
    assert own.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("name", "link"),
    [("audit", ""), ("audit", "tables"), ("overview", ""), ("overview", "protocols.csv"), ("site", "papers")],
)
def test_no_link_in_a_folder_s_place_is_followed(name: str, link: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "own.tex").write_bytes(b"mine")
    place = tmp_path / "paper" / link
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(elsewhere / "own.tex" if place.suffix else elsewhere)
    result = CliRunner().invoke(cli, [*COMMANDS[name], "--output", str(tmp_path / "paper")])
    assert result.exit_code == 2, result.output
    assert "is a symbolic link" in result.output
    assert [(file.name, file.read_bytes()) for file in elsewhere.iterdir()] == [("own.tex", b"mine")]
