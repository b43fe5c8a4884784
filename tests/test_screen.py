"""What a person sees on the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.progress import Terminal, duration
from harness.study.spec import StudySpec

STUDIES = Path(__file__).parents[1] / "studies"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0, "0.0 s"), (4.21, "4.2 s"), (45.4, "45 s"), (89.9, "90 s"), (150.0, "2 min"), (5399.0, "1 h 30 min"),
     (12_060.0, "3 h 21 min")],
)  # fmt: skip
def test_durations_are_said_as_a_person_would(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_every_field_of_a_study_is_documented_and_shown() -> None:
    output = CliRunner().invoke(cli, ["fields"]).output
    for section, field in StudySpec.model_fields.items():
        assert field.description, section
        assert f"[{section}" in output
    for name in ("clips_per_class_and_fold", "segment_frames", "final_train", "selection", "db_offset", "choices"):
        assert name in output


def test_a_plan_is_a_table_with_an_estimate(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["plan", str(STUDIES / "quickstart.toml"), "--data-root", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "su4 on LMC" in result.output
    assert "dempster-shafer on LMCNet + MCNet" in result.output
    assert "180 × 6" in result.output
    assert "from a probe" in result.output


def test_data_list_tells_what_is_there(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["data", "list", "--data-root", str(tmp_path)])
    assert result.exit_code == 0
    assert "harness data fetch urbansound8k" in result.output
    assert "8,732" in result.output


def test_data_list_and_check_know_real_copies(urbansound_root: Path, esc_root: Path) -> None:
    listed = CliRunner().invoke(cli, ["data", "list", "--data-root", str(urbansound_root)])
    assert "1, 2, 10" in listed.output
    checked = CliRunner().invoke(cli, ["data", "check", "esc10", "--data-root", str(esc_root)])
    assert checked.exit_code == 0, checked.output
    assert "400 files decoded" in checked.output
    assert "0 errors, 6 warnings" in checked.output


def test_a_partial_data_set_fails_its_check(urbansound_root: Path) -> None:
    result = CliRunner().invoke(cli, ["data", "check", "urbansound8k", "--data-root", str(urbansound_root)])
    assert result.exit_code == 1
    assert "error: count" in result.output


def test_lines_are_printed_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal() as progress:
        progress.begin("a", "a step", 2)
        progress.line("LMCNet fold 1: 80 %")
        progress.advance("a", 1, "note")
        progress.end("a")
        progress.end("never begun")
    assert capsys.readouterr().err == "LMCNet fold 1: 80 %\n"


def test_bars_on_a_terminal_show_step_count_and_time_left() -> None:
    import io

    from rich.console import Console

    stream = io.StringIO()
    with Terminal(Console(file=stream, force_terminal=True, width=110)) as progress:
        progress.begin("a", "LMCNet fold 1 seed 0", 10)
        progress.advance("a", 4, "loss 0.512 val 71.2%")
    shown = stream.getvalue()
    for part in ("LMCNet fold 1 seed 0", "4/10", "loss 0.512 val 71.2%", "left"):
        assert part in shown
