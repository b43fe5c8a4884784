"""Plans on the terminal."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from harness.cli import cli

STUDIES = Path(__file__).parents[3] / "studies"


def test_a_plan_is_a_table_with_an_estimate(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["plan", str(STUDIES / "quickstart.toml"), "--data-root", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "su4 on LM" in result.output
    assert "dempster-shafer on log-mel + MFCC" in result.output
    assert "120 × 10" in result.output
    assert "from a probe" in result.output
    assert "test folds 1, 2, 3; 1 seed;" in result.output
    assert "MB of disk; tracking.weights = false keeps none" in " ".join(result.output.split())
