"""The fields of a study file on the terminal."""

from __future__ import annotations

from click.testing import CliRunner

from harness.cli import cli
from harness.study.spec import StudySpec


def test_every_field_of_a_study_is_documented_and_shown() -> None:
    output = CliRunner().invoke(cli, ["fields"]).output
    for section, field in StudySpec.model_fields.items():
        assert field.description, section
        assert f"[{section}" in output
    for name in ("clips_per_class_and_fold", "segment_frames", "final_train", "selection", "db_offset", "choices"):
        assert name in output


def test_keys_and_choices_are_those_that_a_file_has() -> None:
    lines = [line.split() for line in CliRunner().invoke(cli, ["fields", "compare"]).output.splitlines()]
    assert ["as", "replication", "|", "reference", "-"] in [line[:5] for line in lines]
    rule = next(line for line in CliRunner().invoke(cli, ["fields", "arms"]).output.splitlines() if " rule " in line)
    assert "dempster-shafer | mean " in rule
