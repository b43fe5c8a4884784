"""Which files below reports/ are committed: what somebody's own studies wrote there is no business of these tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

REPORTS = Path(__file__).parents[2] / "reports"


def committed_files() -> list[Path]:
    """Return the files that git tracks, or all where this is no git checkout."""
    listed = subprocess.run(["git", "ls-files", "-z", "."], cwd=REPORTS, capture_output=True, text=True, check=False)
    tracked = [REPORTS / name for name in listed.stdout.split("\0") if name]
    return tracked or [path for path in REPORTS.rglob("*") if path.is_file()]


STUDIES = sorted(path.parent.name for path in committed_files() if path.name == "results.json" and path.exists())
