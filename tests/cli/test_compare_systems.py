"""harness compare --predictions: the command and the Python function, which agree."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import harness
from harness.cli import cli
from harness.comparisons.systems.system_comparison import systems_from
from tests.comparisons.systems.test_system_comparison import _made


def test_the_command(tmp_path: Path) -> None:
    paths = [str(_made(tmp_path, name, right)) for name, right in (("good", 0.95), ("bad", 0.4))]

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli, ["compare", *arguments])
        return result.exit_code, " ".join(result.output.split())

    code, said = run("--predictions", *paths, "--latex", str(tmp_path / "out.tex"))
    assert code == 0
    assert "good minus bad" in said
    assert "HIGHER good against bad" in said
    assert "good minus bad" in (tmp_path / "out.tex").read_text()
    code, said = run("--predictions", *paths, "--json")
    document = json.loads(said)
    assert [system["name"] for system in document["systems"]] == ["good", "bad"]
    assert document["groups"] == [["good"], ["bad"]]
    assert document["contrasts"][0]["smallest_difference_found"] > 0
    for arguments, message in (
        ((), "Missing option '--scores' or '--predictions'"),
        ((paths[0],), "name predictions with --predictions"),
        (("--predictions", *paths, "--claim", "x"), "leave out --scores and --claim"),
        (("--predictions", *paths, "--estimand", "clip"), "--estimand: is for --scores only"),
        (("--predictions", *paths, "--as", "reference"), "--as: is for --scores only"),
        (("--scores", paths[0], "--output", "x", "--contrast", "a", "b"), "--output: is for --predictions only"),
        (("--scores", paths[0], "--latex", "x.tex", "--contrast", "a", "b"), "--latex: is for --predictions only"),
        (("--predictions", str(tmp_path / "none.csv"), paths[0]), "none.csv: cannot be read"),
        (("--predictions", paths[0]), "two systems or more, received 1"),
    ):
        code, said = run(*arguments)
        assert code == 2
        assert message in said


def test_the_command_and_the_function_agree(tmp_path: Path) -> None:
    paths = [str(_made(tmp_path, name, right)) for name, right in (("a", 0.9), ("b", 0.8), ("c", 0.4))]
    result = CliRunner().invoke(cli, ["compare", "--predictions", *paths, "--reference", "b", "--json"])
    said = json.loads(result.output)
    found = harness.compare(predictions=paths, reference="b")
    assert [each["name"] for each in said["systems"]] == found.table["system"].tolist()
    assert [each["accuracy"] for each in said["systems"]] == pytest.approx(found.table["accuracy"].tolist())
    assert [each["interval_over_recordings"][0] for each in said["systems"]] == pytest.approx(
        found.table["recordings_low"].tolist()
    )
    assert [each["rank_over_folds"][1] for each in said["systems"]] == found.table["rank_folds_high"].tolist()
    assert [each["p_holm"] for each in said["contrasts"]] == pytest.approx(found.pairs["p_holm"].tolist())
    assert said["notes"] == list(found.notes)
    assert said["family"] == found.family == "every system against b"
    with pytest.raises(TypeError, match="either scores or predictions"):
        harness.compare()  # type: ignore[call-overload]


def test_the_data_set_says_how_many_folds_took_part(tmp_path: Path) -> None:
    paths = [str(_made(tmp_path, name, right)) for name, right in (("a", 0.9), ("b", 0.8))]
    of_set = harness.compare(predictions=paths, dataset="urbansound8k").contrasts[0]
    stated = harness.compare(predictions=paths, data_folds=10).contrasts[0]
    assert of_set.interval == stated.interval != harness.compare(predictions=paths).contrasts[0].interval
    said = CliRunner().invoke(cli, ["compare", "--predictions", *paths, "--dataset", "urbansound8k", "--json"])
    assert json.loads(said.output)["contrasts"][0]["interval"] == pytest.approx(stated.interval)


def test_a_folder_with_page_figure_and_tables(tmp_path: Path) -> None:
    paths = [str(_made(tmp_path, name, right)) for name, right in (("good", 0.95), ("<b>&", 0.4))]
    folder = tmp_path / "out"
    result = CliRunner().invoke(cli, ["compare", "--predictions", *paths, "--output", str(folder)])
    assert result.exit_code == 0, result.output
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} == {
        *(f"systems.{kind}" for kind in ("pdf", "png", "svg", "html", "json", "tex", "csv")),
        *(f"pairs.{kind}" for kind in ("tex", "csv")),
    }
    page = (folder / "systems.html").read_text()
    assert "<b>&" not in page
    assert "good minus &lt;b&gt;&amp;" in page
    assert json.loads((folder / "systems.json").read_text())["groups"] == [["good"], ["<b>&"]]
    assert (folder / "systems.svg").read_text().startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    again = CliRunner().invoke(cli, ["compare", "--predictions", *paths, "--output", str(folder)])
    assert again.exit_code == 0, again.output
    reports = tmp_path / "report"
    reports.mkdir()
    (reports / "results.json").write_text("{}")
    refused = CliRunner().invoke(cli, ["compare", "--predictions", *paths, "--output", str(reports)])
    assert refused.exit_code == 2
    assert "has the report of a study" in " ".join(refused.output.split())


ROOT = Path(__file__).parents[2]


def test_the_page_that_explains_it_can_be_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "studies" / "compare.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^    harness (compare .*predictions\.parquet.*)$", page, flags=re.M)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").symlink_to(ROOT / "reports")
    result = CliRunner().invoke(cli, shlex.split(command))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "comparison" / "systems.html").is_file()
    # The example of a file is one, and so is what the line for a training script writes.
    lines = re.search(r"^    clip,y_true.*?\n\n", page, flags=re.M | re.S)
    assert lines is not None
    (tmp_path / "mine.csv").write_text(lines[0].replace("    ", ""))
    (script,) = re.findall(r"^    (pd\.DataFrame.*)$", page, flags=re.M)
    names, labels = ["1-100032-A-0.wav", "1-116765-A-41.wav"], [0, 1]
    own = {"pd": pd, "names": names, "labels": labels, "scores": np.array([[0.9, 0.1], [0.6, 0.4]]), "fold": 1}
    (tmp_path / "script").mkdir()
    monkeypatch.chdir(tmp_path / "script")
    exec(script, own)
    for path in (tmp_path / "mine.csv", tmp_path / "script" / "mine.csv"):
        (system,) = systems_from([path])
        assert system.accuracy == 50.0


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_it_prints_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    paths = [str(_made(tmp_path, name, right)) for name, right in (("é−", 0.9), ("b", 0.8))]
    result = CliRunner(charset=encoding).invoke(cli, ["compare", "--predictions", *paths])
    assert result.exit_code == 0, result.exception
    assert "minus b" in " ".join(result.stdout_bytes.decode(encoding).split())
