"""What every test may ask for: the real audio (or a skip that says why), and the study records of tests/records.py."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from harness.record import StudyRecord
from tests.databases import Postgres, postgres_server
from tests.records import ESC10, TRAINED, MakeRecord, build_record

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# A busy machine makes no test wrong.
settings.register_profile("harness", deadline=None)
settings.load_profile("harness")


def pytest_configure(config: pytest.Config) -> None:
    """Give each process of the tests its own cache of the functions that numba compiles for librosa: processes that
    fill one together corrupt it, to a segmentation fault."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = tempfile.mkdtemp(prefix="harness-numba-")
        os.environ["NUMBA_CACHE_DIR"] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.fixture(scope="session")
def suite_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of one run of the tests share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "suite"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def synthetic_shared(suite_folder: Path) -> Path:
    """Return a folder for the audio and features of synthetic studies: both are known by their content, so that all
    processes may share them."""
    return suite_folder / "synthetic"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Return a PostgreSQL server of this process of the tests."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Return the folder that holds ESC-50/ and UrbanSound8K/, named by HARNESS_DATA."""
    given = os.environ.get("HARNESS_DATA")
    if not given:
        pytest.skip("needs real audio: set HARNESS_DATA to the folder with ESC-50/ and UrbanSound8K/")
    root = Path(given).resolve()
    if not root.is_dir():
        pytest.fail(f"HARNESS_DATA names {root}, which is not a folder")
    return root


def _dataset(root: Path, folder: str) -> Path:
    if not (root / folder).is_dir():
        pytest.skip(f"needs real audio: {folder} is not in the data root")
    return root


@pytest.fixture(scope="session")
def esc_root(data_root: Path) -> Path:
    """Return a data root that holds ESC-50 (at least its ESC-10 subset)."""
    return _dataset(data_root, "ESC-50")


@pytest.fixture(scope="session")
def urbansound_root(data_root: Path) -> Path:
    """Return a data root that holds UrbanSound8K (at least folds 1, 2 and 10)."""
    return _dataset(data_root, "UrbanSound8K")


def _named(variable: str, what: str) -> Path:
    given = os.environ.get(variable)
    if not given:
        pytest.skip(f"needs {what}: set {variable}")
    if not Path(given).exists():
        pytest.fail(f"{variable} names {given}, which does not exist")
    return Path(given).resolve()


@pytest.fixture(scope="session")
def esc50_root() -> Path:
    """Return a data root that holds all 2,000 clips of ESC-50, named by HARNESS_ESC50."""
    return _named("HARNESS_ESC50", "all of ESC-50")


@pytest.fixture(scope="session")
def urbansound_metadata() -> Path:
    """Return UrbanSound8K's whole metadata file, named by HARNESS_URBANSOUND8K_CSV; its audio is not needed."""
    return _named("HARNESS_URBANSOUND8K_CSV", "UrbanSound8K's whole metadata file")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return Chromium without a window; it is closed after each file, because its event loop would be that of other
    tests too."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (extra dev)")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("needs Chromium: apt install chromium")
    with playwright.sync_playwright() as started:
        # As root, as in containers, Chromium has no sandbox.
        opened = started.chromium.launch(executable_path=program, chromium_sandbox=os.geteuid() != 0)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def make_record() -> MakeRecord:
    """Return :func:`build_record`."""
    return build_record


@pytest.fixture(scope="session")
def record() -> StudyRecord:
    """Return three trained arms and a fused one on 5 folds, 2 seeds and 10 classes."""
    return build_record()


@pytest.fixture(scope="session")
def small() -> StudyRecord:
    """Return one arm on 3 folds and one seed, where writing it whole is part of the test."""
    return build_record(trained=TRAINED[:1], fused=None, folds=(1, 2, 3), n_seeds=1, classes=ESC10[:3])
