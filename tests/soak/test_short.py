"""The soak's short version: a few deaths and faults on a shorter study; `make soak` runs the long one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# One part of the story, so that three deaths fall into one study or two.
TRIED = {"logging": 3, "file size limit": 1}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs process groups and fork")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_is_lost_in_a_short_soak(tmp_path: Path) -> None:
    figures = tmp_path / "soak.json"
    asked = [word for name in TRIED for word in ("--scenario", name)]
    command = [sys.executable, "-m", "tests.soak", "--short", "--kills", "3", "--times", "1", "--workers", "1", *asked]
    ended = subprocess.run(
        [*command, "--json", str(figures)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=1700
    )
    told = ended.stdout + ended.stderr
    found = {row["scenario"]: row for row in json.loads(figures.read_text(encoding="utf-8"))["scenarios"]}
    assert [row["lost"] for row in found.values()] == [[]] * len(TRIED), told
    assert [row["tried"] for row in found.values()] == list(TRIED.values()), told
    assert ended.returncode == 0, told
