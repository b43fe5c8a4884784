"""What the records of tests/records.py give a report."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.record import StudyRecord
from harness.report.evidence import Evidence, gather
from harness.report.style import figure_style
from tests.records import us8k_record


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


@pytest.fixture
def seen() -> list[str]:
    """Return what a page in a browser should not do: requests, errors and messages."""
    return []
