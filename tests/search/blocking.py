"""A search whose trials are trained by a function, one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.errors import HarnessError, TrackingError
from harness.search.arm_search import ArmSearch
from harness.search.trials import FoldScore, SearchOutcome
from harness.study import Arm, StudySpec

Evaluate = Callable[[int, dict[str, Any], Mapping[int, tuple[float, ...]]], Mapping[int, FoldScore]]
"""Trains a trial, given its index, values and floors by fold; a HarnessError means that no fold can be trained."""


def search_arm(spec: StudySpec, arm: Arm, study_key: str, storage: str, evaluate: Evaluate) -> SearchOutcome:
    search = ArmSearch(spec, arm, study_key, storage)
    for part in search.parts:
        found: dict[int, Mapping[int, FoldScore]] = {}
        while batch := part.next_batch(found):
            found = {}
            for each in batch:
                try:
                    found[each.index] = evaluate(each.index, each.values, each.floors)
                except TrackingError:
                    raise
                except HarnessError as error:
                    found[each.index] = {fold: FoldScore(error=str(error)) for fold in each.floors}
    return search.outcome()
