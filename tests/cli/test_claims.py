"""The commands about published numbers, and what becomes of a study whose claim nobody made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.claims import BUILT_IN
from harness.cli import cli

STUDIES = Path(__file__).parents[2] / "studies"
OWN = """
[source]
key = "mine2026"
title = "Mine"
authors = "M. Ine"
year = 2026
unpublished = "a notebook"

[[table]]
id = "T1"
title = "My table"
where = "page 1"
role = "claim"
dataset = "esc10"
estimand = "macro"
split = "official"
folds = 5
classes = ["loud", "quiet"]

[[table.column]]
name = "net"
value = "70.0"
classes = ["60.0", "80.0"]
"""


def harness(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return a folder with one claims file of the user's own."""
    folder = tmp_path / "my claims"
    folder.mkdir()
    (folder / "mine.toml").write_text(OWN, encoding="utf-8")
    return folder


class TestList:
    def test_every_headline_of_every_source(self) -> None:
        result = harness("claims", "list")
        assert result.exit_code == 0
        assert f"of {len(list(BUILT_IN.glob('*.toml')))} sources" in result.output
        for address in ("su2019:T2/TSCNN-DS", "tokozume2018:ESC-10/EnvNet-v2-BC-strong", "su2019:T7/Zhang X."):
            assert address in result.output

    def test_one_source(self) -> None:
        result = harness("claims", "list", "su2019")
        assert "25 claims of 1 source" in result.output
        assert "tokozume2018" not in result.output

    def test_an_unknown_source(self) -> None:
        result = harness("claims", "list", "su2018")
        assert result.exit_code == 2
        assert result.output.startswith("error: no claims file has the key 'su2018'")
        assert "did you mean 'su2019'?" in result.output

    def test_the_users_own(self, own: Path) -> None:
        result = harness("claims", "list", "mine2026", "--claims", own)
        assert result.exit_code == 0
        assert "mine2026:T1/net" in result.output
        assert "esc10, 5 folds, split official, estimand macro" in result.output

    def test_a_folder_that_is_none(self, tmp_path: Path, own: Path) -> None:
        for place in (tmp_path / "none", own / "mine.toml"):
            result = harness("claims", "list", "--claims", place)
            assert result.exit_code == 2
            assert "Invalid value for '--claims'" in result.output


class TestShow:
    def test_a_claim(self) -> None:
        result = harness("claims", "show", "su2019:T3/TSCNN-DS")
        assert result.exit_code == 0
        for part in (
            "97.20 % (printed .9720)",
            "Dempster-Shafer fusion",
            "doi:10.3390/s19071733",
            "1.788 points, over classes: it is the population SD of the 10 class accuracies of T2/TSCNN-DS",
        ):
            assert part in result.output

    def test_class_and_fold_accuracies_with_their_printed_digits(self) -> None:
        assert "gun_shot 88.6, jackhammer 93.2, siren 98.6, street_music 95.0" in " ".join(
            harness("claims", "show", "su2019:T2/LMCNet").output.split()
        )
        assert "62.25, 60.75, 63.75, 71.5, 64.5" in harness("claims", "show", "piczak2015cnn:ESC-50/CNN").output

    def test_one_class(self) -> None:
        result = harness("claims", "show", "su2019:T2/LMCNet/gun_shot")
        assert "88.6 % (printed 88.6)" in result.output
        assert "estimand  class" in result.output

    def test_a_paper_says_what_each_dispersion_is_over(self) -> None:
        assert "95.15 ± 3.121 over classes" in harness("claims", "show", "su2019").output
        assert "73.13, SD over folds 4.03" in harness("claims", "show", "piczak2015cnn").output

    @pytest.mark.parametrize(
        ("address", "said"),
        [
            ("su2019:T2/LMCNett", "did you mean 'LMCNet'?"),
            ("su2019:T2", "write paper:table/column"),
            ("su2019:T1/4-layer", "no table of accuracies 'T1'"),
            ("su2019:T2/LMCNet/gunshot", "did you mean 'gun_shot'?"),
            ("su2018", "did you mean 'su2019'?"),
        ],
    )
    def test_an_unknown_address(self, address: str, said: str) -> None:
        result = harness("claims", "show", address)
        assert result.exit_code == 2
        assert result.output.startswith("error: ")
        assert said in result.output


class TestAudit:
    def test_su2019(self, tmp_path: Path) -> None:
        result = harness("claims", "audit", "su2019", "--output", tmp_path / "audit")
        assert result.exit_code == 0, result.output
        text = " ".join(result.output.split())
        assert "The 4 dispersions in T3 are standard deviations over the class accuracies, not over folds" in text
        assert "14 of 120 class accuracies" in text
        assert f"written {tmp_path / 'audit'} (LaTeX, CSV, JSON)" in text
        # A contradiction is told once.
        assert text.count("the two are exchanged") == 1
        written = json.loads((tmp_path / "audit" / "audit.json").read_text(encoding="utf-8"))
        assert written["source"]["key"] == "su2019"

    def test_ones_own_paper(self, own: Path, tmp_path: Path) -> None:
        result = harness("claims", "audit", "mine2026", "--claims", own, "--output", tmp_path / "out")
        assert result.exit_code == 0, result.output
        assert (tmp_path / "out" / "audit.json").is_file()


class TestCheck:
    def test_a_whole_file(self, own: Path) -> None:
        result = harness("claims", "check", own / "mine.toml")
        assert result.exit_code == 0
        assert "valid; key mine2026" in result.output
        assert "no contradictions among its own numbers" in result.output
        told = " ".join(result.output.split())
        assert "Whether they are the numbers of the source, only reading the source again can show." in told
        assert 'add [[compare]] with claim = "mine2026:T1/net"' in told

    def test_what_its_numbers_contradict_is_told_and_no_error(self, tmp_path: Path) -> None:
        file = tmp_path / "wrong.toml"
        file.write_text(OWN.replace('value = "70.0"', 'value = "75.0"'), encoding="utf-8")
        result = harness("claims", "check", file)
        assert result.exit_code == 0
        assert "1 contradiction among its own numbers" in result.output
        assert "- T1/net: " in result.output
        assert "some of its numbers cannot all be right (see above)" in " ".join(result.output.split())

    def test_the_files_that_ship(self) -> None:
        for file in sorted(BUILT_IN.glob("*.toml")):
            assert harness("claims", "check", file).exit_code == 0

    def test_every_fault_at_once(self, tmp_path: Path) -> None:
        file = tmp_path / "bad.toml"
        text = OWN.replace('value = "70.0"', "value = 70.0").replace('role = "claim"', 'rolle = "claim"')
        file.write_text(text, encoding="utf-8")
        result = harness("claims", "check", file)
        assert result.exit_code == 2
        assert f"error: {file}: 3 faults" in result.output
        assert "write it in quotes" in result.output
        assert "did you mean 'role'?" in result.output
        assert "`harness new claims NAME` writes an annotated example" in result.output

    def test_a_missing_file(self, tmp_path: Path) -> None:
        result = harness("claims", "check", tmp_path / "none.toml")
        refusal = f"error: {tmp_path / 'none.toml'}: cannot read the claims file: No such file or directory\n"
        assert (result.exit_code, result.output) == (2, refusal)


class TestAtTheDoor:
    """run-study and plan refuse a claim that nobody made before any data is loaded."""

    @pytest.fixture
    def study(self, tmp_path: Path) -> Path:
        file = tmp_path / "study.toml"
        shipped = (STUDIES / "su2019-esc10.toml").read_text(encoding="utf-8")
        comparison = '\n[[compare]]\nclaim = "mine2026:T1/nett"\narm = "LMCNet"\n'
        file.write_text(shipped + comparison, encoding="utf-8")
        return file

    @pytest.mark.parametrize("command", ["run-study", "plan"])
    def test_an_unknown_paper(self, study: Path, command: str) -> None:
        # The data root is missing too, which would be told first if data were loaded first.
        result = harness(command, study, "--data-root", study.parent / "none")
        assert result.exit_code == 2
        assert result.output.startswith("error: no claims file has the key 'mine2026'")
        assert list(study.parent.iterdir()) == [study]

    @pytest.mark.parametrize("command", ["run-study", "plan"])
    def test_an_unknown_column_of_a_file_beside_the_study(self, study: Path, own: Path, command: str) -> None:
        own.rename(study.parent / "claims")
        result = harness(command, study, "--data-root", study.parent / "none")
        assert result.exit_code == 2
        assert "'mine2026:T1/nett': no column 'nett'; there are: net (did you mean 'net'?)" in result.output

    @pytest.mark.parametrize("command", ["run-study", "plan"])
    def test_a_known_one_goes_on_to_the_data(self, study: Path, own: Path, command: str) -> None:
        own.rename(study.parent / "claims")
        study.write_text(study.read_text(encoding="utf-8").replace("nett", "net"), encoding="utf-8")
        given = ["--data-root", study.parent / "none", "--set", "train.precision=float32"]
        result = harness(command, study, *given)
        assert result.exit_code == 2
        assert "ESC-50" in result.output
        assert "mine2026" not in result.output
