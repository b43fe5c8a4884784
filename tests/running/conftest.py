"""One undisturbed run of the tiny study, which others are compared with."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.running.reports import Outcome, ReportKind
from tests.running.study import run, spec_of


@pytest.fixture(scope="session")
def shared(synthetic_shared: Path) -> Path:
    """Return a folder for audio and features, which all runs may share."""
    return synthetic_shared


@pytest.fixture(scope="session")
def undisturbed(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """Return the outcome of a whole run in one process, its report with figures, and its folder."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return run(spec_of(), folder, shared, report=ReportKind.FULL)[0], folder
