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
