"""Fixtures of the study records of tests/records.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.record import StudyRecord
from harness.report.evidence import Evidence, gather
from harness.report.style import figure_style
from tests.records import ESC10, TRAINED, MakeRecord, build_record, us8k_record


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


@pytest.fixture(scope="session")
def evidence(record: StudyRecord) -> Evidence:
    """Return what follows from the plain record, which compares itself with nothing."""
    return gather(record)


@pytest.fixture(scope="session")
def us8k() -> Evidence:
    """Return the evidence of a searched study on UrbanSound8K that is compared with table 2 of Su et al. 2019."""
    return gather(us8k_record(trials=5))


@pytest.fixture
def styled() -> Iterator[None]:
    """Draw as reports do."""
    with figure_style():
        yield
