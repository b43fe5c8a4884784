"""Fixtures of the study records of tests/records.py."""

from __future__ import annotations

import pytest

from harness.record import StudyRecord
from tests.records import ESC10, TRAINED, MakeRecord, build_record


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
