"""A report from the reports of a study's parts is the report of the complete study."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import tomlkit
from click.testing import CliRunner

from harness.cli import cli
from harness.errors import ReportError
from harness.record import StudyRecord, environment_of_arm
from harness.replay.sources import ReportSource
from harness.replay.training_conditions import run_conditions
from harness.report.write import write_report
from harness.running.parts import record_of_parts
from harness.study import recorded_document
from harness.study.study_file import parse_study
from harness.tracking.digests import spec_document
from tests.records import TRAINED, searched_record

# What differs by nature: who ran when, and fields that the record of this test leaves to their defaults.
_ITS_OWN = ("command", "environment", "devices", "spec")


@pytest.fixture(scope="module")
def whole() -> StudyRecord:
    """A record with a search, three networks and a fusion."""
    record = searched_record(
        name="whole", trained=TRAINED, trials=5, n_seeds=2, clips_per_class=4, folds=(1, 2, 3, 4, 5)
    )
    environment = {**record.environment, "digests": {"data": "a" * 64, "features.LMC": "b" * 64}}
    # As a store records it: with every field.
    return replace(record, environment=environment, spec=parse_study(spec_document(record.spec), "the test's study"))


def part_of(record: StudyRecord, *arms: str, seeds: tuple[int, ...] = (0, 1), **changes: Any) -> StudyRecord:
    """Return what ``run-study --arms`` records in a store of its own."""

    def own(table: pd.DataFrame) -> pd.DataFrame:
        return table[table["arm"].isin(arms) & table["seed"].isin(seeds)].reset_index(drop=True)

    return replace(
        record,
        run_id=hashlib.sha256(f"{arms} {seeds}".encode()).hexdigest()[:32],
        predictions=own(record.predictions),
        history=own(record.history),
        folds=own(record.folds),
        searches={arm: search for arm, search in record.searches.items() if arm in arms},
        **changes,
    )


@pytest.fixture
def written(whole: StudyRecord, tmp_path: Path) -> tuple[Path, Path]:
    """The reports of two parts, of which both have LMCNet."""
    folders = tmp_path / "first", tmp_path / "second"
    write_report(part_of(whole, "MCNet", "LMCNet", "TSCNN-DS"), folders[0], figures=False)
    write_report(part_of(whole, "MLMC", "LMCNet"), folders[1], figures=False)
    return folders


def numbers(folder: Path) -> dict[str, Any]:
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return {name: value for name, value in results.items() if name not in _ITS_OWN}


def test_the_joined_report_is_that_of_the_complete_study(
    whole: StudyRecord, written: tuple[Path, Path], tmp_path: Path
) -> None:
    write_report(whole, tmp_path / "complete", figures=False)
    joined = record_of_parts(written, whole.spec)
    write_report(joined, tmp_path / "joined", figures=False)
    found, expected = numbers(tmp_path / "joined"), numbers(tmp_path / "complete")
    for each in (found, expected):
        each["study"] = {name: value for name, value in each["study"].items() if name not in ("seconds", "run_id")}
    assert found == expected
    for name in ("predictions.parquet", "curves.parquet"):
        assert (tmp_path / "joined" / name).read_bytes() == (tmp_path / "complete" / name).read_bytes()
    assert joined.seconds == 2 * whole.seconds
    assert [part["arms"] for part in joined.environment["parts"]] == [
        ["LMCNet", "MCNet", "TSCNN-DS"],
        ["LMCNet", "MLMC"],
    ]


def test_parts_may_have_other_seeds_of_an_arm(whole: StudyRecord, tmp_path: Path) -> None:
    for seed in (0, 1):
        write_report(part_of(whole, "LMCNet", seeds=(seed,)), tmp_path / str(seed), figures=False)
    joined = record_of_parts([tmp_path / "0", tmp_path / "1"], whole.spec)
    assert len(joined.predictions) == (whole.predictions["arm"] == "LMCNet").sum()
    assert set(joined.predictions["seed"]) == {0, 1}


def test_the_command_writes_the_report_and_checks_it(
    whole: StudyRecord, written: tuple[Path, Path], tmp_path: Path
) -> None:
    study = tmp_path / "whole.toml"
    document = {name: section for name, section in recorded_document(whole.spec).items() if section is not None}
    study.write_text(tomlkit.dumps(_without_none(document)), encoding="utf-8")
    parts = [word for folder in written for word in ("--part", str(folder))]
    done = CliRunner().invoke(cli, ["report", str(study), *parts, "--reports", str(tmp_path / "reports")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "reports" / "whole" / "report.html").is_file()
    checked = CliRunner().invoke(cli, ["report", "--check", str(tmp_path / "reports" / "whole")])
    assert checked.exit_code == 0, checked.output
    for wrong in (["--check"], ["--run-id", "a" * 32]):
        refused = CliRunner().invoke(cli, ["report", str(study), *parts, *wrong])
        assert refused.exit_code == 2
    assert CliRunner().invoke(cli, ["report", "whole", *parts]).exit_code == 2


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(each) for name, each in value.items() if each is not None}
    return [_without_none(each) for each in value] if isinstance(value, list) else value


def _other_results(record: StudyRecord) -> StudyRecord:
    changed = record.predictions.copy()
    changed.loc[changed["arm"] == "LMCNet", "n_segments_correct"] = 0
    return replace(record, predictions=changed)


def _other_versions(record: StudyRecord) -> StudyRecord:
    return replace(record, environment={**record.environment, "packages": {"torch": "1.0"}})


def _other_audio(record: StudyRecord) -> StudyRecord:
    return replace(record, environment={**record.environment, "digests": {"data": "c" * 64}})


def _other_settings(record: StudyRecord) -> StudyRecord:
    train = record.spec.train.model_copy(update={"momentum": 0.123})
    return replace(record, spec=record.spec.model_copy(update={"train": train}))


def _other_choice(record: StudyRecord) -> StudyRecord:
    search = record.searches["LMCNet"]
    other = {**search, "chosen": dict.fromkeys(search["chosen"], 0)}
    return replace(record, searches={**record.searches, "LMCNet": other})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_other_results, "arm 'LMCNet', fold 1, seed 0 has other results"),
        (_other_versions, "it was trained with packages torch 1.0, and the first part with"),
        (_other_audio, "its data differ from those of an earlier part"),
        (_other_settings, "its settings differ from those of the study file"),
        (_other_choice, "the search of arm 'LMCNet' chose other trials"),
    ],
)
def test_parts_that_contradict_each_other_are_refused(
    whole: StudyRecord, written: tuple[Path, Path], tmp_path: Path, change: Any, words: str
) -> None:
    write_report(change(part_of(whole, "MLMC", "LMCNet")), tmp_path / "wrong", figures=False)
    with pytest.raises(ReportError, match=words):
        record_of_parts([written[0], tmp_path / "wrong"], whole.spec)


def test_a_training_that_failed_in_one_part_and_finished_in_another_has_finished(
    whole: StudyRecord, written: tuple[Path, Path], tmp_path: Path
) -> None:
    part = part_of(whole, "MLMC")
    failed = part.folds.copy()
    lost = (failed["phase"] == "final") & (failed["fold"] == 1) & (failed["seed"] == 0)
    failed.loc[lost, ["status", "error"]] = ["FAILED", "out of memory"]
    kept = part.predictions[(part.predictions["fold"] != 1) | (part.predictions["seed"] != 0)]
    write_report(replace(part, folds=failed, predictions=kept), tmp_path / "failed", figures=False)
    joined = record_of_parts([tmp_path / "failed", *written], whole.spec)
    assert set(joined.folds.loc[joined.folds["phase"] == "final", "status"]) == {"FINISHED"}
    assert len(joined.predictions) == len(whole.predictions)


def test_parts_of_different_processors_are_joined_and_each_is_stated(whole: StudyRecord, tmp_path: Path) -> None:
    trained = {"MCNet": "processor A", "LMCNet": "processor B", "MLMC": "processor C"}
    for arm, cpu in trained.items():
        environment = {**whole.environment, "hardware": {"cpu": cpu}, "command": f"harness run-study {arm}"}
        write_report(replace(part_of(whole, arm), environment=environment), tmp_path / arm, figures=False)
    joined = record_of_parts([tmp_path / "MCNet", tmp_path / "LMCNet"], whole.spec)
    write_report(joined, tmp_path / "two", figures=False)
    # A joined report is a part like any other.
    all_three = record_of_parts([tmp_path / "two", tmp_path / "MLMC"], whole.spec)
    write_report(all_three, tmp_path / "three", figures=False)
    page = (tmp_path / "three" / "README.md").read_text(encoding="utf-8")
    for arm, cpu in trained.items():
        assert re.search(rf"\| part \d \| {arm}: [^|]*{cpu}, no GPU, commit", page)
    # One that was joined before may be given again.
    again = record_of_parts([tmp_path / "three", tmp_path / "MCNet"], whole.spec)
    assert again.seconds == all_three.seconds == 3 * whole.seconds
    assert [part["arms"] for part in again.environment["parts"]] == [["MCNet"], ["LMCNet"], ["MLMC"]]
    # A training is repeated under the conditions of its own part.
    folds = ReportSource(tmp_path / "three").run.folds
    assert {fold.arm: run_conditions(fold.environment)["processor"] for fold in folds if fold.arm in trained} == trained


def test_of_an_arm_in_two_parts_only_what_both_have_is_known(whole: StudyRecord, tmp_path: Path) -> None:
    for seed, cpu in enumerate("AB"):
        environment = {**whole.environment, "hardware": {"cpu": cpu}, "platform": "Linux"}
        part = replace(part_of(whole, "LMCNet", seeds=(seed,)), environment=environment)
        write_report(part, tmp_path / str(seed), figures=False)
    joined = record_of_parts([tmp_path / "0", tmp_path / "1"], whole.spec)
    own = environment_of_arm(joined.environment, "LMCNet")
    assert own["platform"] == "Linux"
    assert "hardware" not in own


def test_features_are_compared_with_those_of_every_earlier_part(whole: StudyRecord, tmp_path: Path) -> None:
    digests: tuple[dict[str, str], ...] = ({}, {"features.MLMC": "d" * 64}, {"features.MLMC": "e" * 64})
    folders = []
    for number, (arm, own) in enumerate(zip(("LMCNet", "MCNet", "MLMC"), digests, strict=True)):
        environment = {**whole.environment, "digests": {"data": "a" * 64, **own}}
        folders.append(tmp_path / str(number))
        write_report(replace(part_of(whole, arm), environment=environment), folders[-1], figures=False)
    with pytest.raises(ReportError, match=r"its features\.MLMC differ from those of an earlier part"):
        record_of_parts(folders, whole.spec)
