"""Reproduction of published sound-classification results: training, records, comparison.

Examples
--------
>>> import harness
>>> results = harness.run_study("quickstart")  # doctest: +SKIP
>>> results.accuracy[["arm", "macro_accuracy_mean"]]  # doctest: +SKIP
"""

import importlib
from typing import Any

__version__ = "0.1.0"
__all__ = [
    "StudyResults",
    "SystemComparisons",
    "compare",
    "load_model",
    "load_report",
    "load_study",
    "run_study",
    "shipped_studies",
]
_ELSEWHERE = {"SystemComparisons": "harness.comparisons.systems.system_comparison"}


def __getattr__(name: str) -> Any:
    # Imported on request, since no command needs it; __init__.pyi has the types.
    if name in __all__:
        return getattr(importlib.import_module(_ELSEWHERE.get(name, "harness.api")), name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
