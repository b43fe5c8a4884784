"""What `harness new` writes works as it is, is never written over a file, and says how to go on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
import tomllib
from dataclasses import replace
from pathlib import Path

import jsonschema
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from harness import own_code
from harness.cli import cli
from harness.errors import HarnessError
from harness.running.reports import ReportKind
from harness.running.study import run_study
from harness.scaffolds import KINDS, Scaffold, write_scaffold
from harness.study import load_study
from tests.own_project import write_clips
from tests.running.study import Counted, options_of


def lines_of(scaffold: Scaffold) -> str:
    """Return the lines for a study file that the opening of a scaffold gives."""
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", f"{scaffold.opening}\n", re.MULTILINE)
    return "".join(textwrap.dedent(block) for block in blocks if block.lstrip().startswith("["))


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def test_every_kind_is_written_and_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for kind in KINDS:
        shown = invoke("new", kind, f"my_{kind}")
        assert shown.exit_code == 0, shown.output
        assert re.match(rf"written  (claims/)?my_{kind}\.(py|toml)\b", shown.output)
        assert f"my_{kind}" in shown.output.partition("\n")[2]
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")}
    assert files == {
        "my_study.toml", "study.schema.json", "claims/my_claims.toml", "claims/claims.schema.json",
        "my_dataset.py", "my_network.py", "my_feature.py",
    }  # fmt: skip
    assert not [path for path in tmp_path.rglob("my_*") if "$" in path.read_text(encoding="utf-8")]


def test_no_file_is_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = [tmp_path / name for name in ("mine.py", "mine.toml", "study.schema.json")]
    for file in files:
        file.write_text("mine", encoding="utf-8")
    for kind in ("study", "network", "feature", "dataset"):
        shown = invoke("new", kind, "mine")
        assert shown.exit_code == 2
        assert "exists already and was not changed" in shown.output
    assert invoke("new", "study", "other").exit_code == 0
    assert {Path(name).read_text(encoding="utf-8") for name in ("mine.py", "mine.toml", "study.schema.json")} == {
        "mine"
    }


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("study", "../up", "no folder or suffix"),
        ("study", "", "no folder or suffix"),
        ("claims", "a b", "no folder or suffix"),
        ("network", "my-net", "Python cannot import"),
        ("network", "class", "Python cannot import"),
        ("feature", "random", "random of Python"),
        ("dataset", "numpy", "is installed .numpy"),
    ],
)
def test_names_that_cannot_be_used(kind: str, name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=words):
        write_scaffold(kind, name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_code_is_clean_by_the_defaults_of_ruff(tmp_path: Path) -> None:
    for kind in ("dataset", "network", "feature"):
        write_scaffold(kind, f"my_{kind}", tmp_path)
    for check in (("check",), ("format", "--check", "--line-length", "120")):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *check, "--isolated", str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", ["study", "claims"])
def test_the_schema_beside_a_file_is_the_one_that_it_names_and_accepts_it(kind: str, tmp_path: Path) -> None:
    path, schema = write_scaffold(kind, "mine", tmp_path).files
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"#:schema ./{schema.name}\n")
    known = json.loads(schema.read_text(encoding="utf-8"))
    jsonschema.validate(tomllib.loads(text), known)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**tomllib.loads(text), "unknown": 1}, known)


def test_the_claims_are_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_scaffold("claims", "doe2020", tmp_path)
    shown = invoke("claims", "check", "claims/doe2020.toml")
    assert shown.exit_code == 0, shown.output
    assert "doe2020:T1/Net" in shown.output


@pytest.mark.slow
def test_a_study_with_a_network_a_feature_and_a_claim_runs(
    tmp_path: Path, synthetic_shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study, *_ = write_scaffold("study", "mine", tmp_path).files
    assert [arm.name for arm in load_study(study).arms] == ["mel32", "mel64"]
    others = [write_scaffold(kind, f"my_{kind}", tmp_path) for kind in ("claims", "network", "feature")]
    # The openings give the lines by which a study file uses what was written.
    added = "\n".join(lines_of(other) for other in others)
    study.write_text(f"{study.read_text(encoding='utf-8')}\n{added}", encoding="utf-8")
    spec = load_study(study, ["train.epochs=1", "data.synthetic.clips_per_class_and_fold=1", "evaluate.folds=[1]"])
    options = options_of(tmp_path, synthetic_shared, report=ReportKind.NONE)
    progress = Counted()
    try:
        outcome = run_study(spec, replace(options, folder=tmp_path, claims=tmp_path / "claims"), progress)
    finally:
        own_code.activate(None)
    assert outcome.failures == ()
    assert [line for line in progress.lines if "my_network.py" in line]
    assert set(outcome.record.predictions["arm"]) == {"mel32", "mel64", "my_network", "my_feature"}
    assert [each.claim for each in spec.compare] == ["my_claims:T1/Net"]


@pytest.mark.slow
def test_the_script_of_a_data_set_writes_folds_that_a_study_reads(tmp_path: Path) -> None:
    written = write_scaffold("dataset", "sounds", tmp_path)
    rows = write_clips(tmp_path / "made", folds=(1, 2, 3), recordings=4)
    for row in rows:
        clip = tmp_path / "made" / str(row["file"])
        place = tmp_path / "audio" / str(row["label"])
        place.mkdir(parents=True, exist_ok=True)
        clip.rename(place / f"{row['recording']}-{clip.stem[-1]}.wav")

    def script(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "sounds.py", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    nothing = script("nowhere")
    assert nothing.returncode == 1
    assert "nowhere: 0 clips, 0 recordings; 5 folds need at least 5" in nothing.stderr
    done = script("audio")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "sounds.csv: 72 clips, 3 classes, 36 recordings\n"
    table = pd.read_csv(tmp_path / "sounds.csv")
    assert len(table[["recording", "fold"]].drop_duplicates()) == 36
    assert len(table[["label", "fold"]].drop_duplicates()) == 3 * 5
    study, *_ = write_scaffold("study", "mine", tmp_path).files
    before, _, rest = study.read_text(encoding="utf-8").partition("[data]")
    after = rest[rest.index("# What the networks see") :]
    study.write_text(f"{before}{lines_of(written)}{after}", encoding="utf-8")
    spec = load_study(study)
    assert spec.data.name == "sounds"
    assert spec.data.description.n_clips == 72
    checked = invoke("data", "check", str(tmp_path / "sounds.csv"))
    assert checked.exit_code == 0, checked.output
