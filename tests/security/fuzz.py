"""How much is fuzzed: the same few examples on every run, or as many new ones as HARNESS_FUZZ says.

``HARNESS_FUZZ=100 make test-all`` tries a hundred times as many, another set each time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, settings

Test = TypeVar("Test", bound=Callable[..., object])


def fuzz(examples: int) -> Callable[[Test], Test]:
    """Return a decorator that has hypothesis try ``examples``, times HARNESS_FUZZ where that is set."""
    times = int(os.environ.get("HARNESS_FUZZ", "0"))
    return settings(
        max_examples=examples * max(times, 1),
        derandomize=not times,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
