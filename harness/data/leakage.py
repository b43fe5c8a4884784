"""How much a split's test part shares with its training part."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LeakageReport:
    """Counts of test items that share their source with training items.

    An item is a clip, or a segment under ``random-segment``. ``validation_*`` counts validation items that share with
    training. ``recordings`` lists the shared recordings between test and training, sorted, at most 20 of them.
    """

    unit: str
    n_test: int
    n_test_sharing_recording: int
    n_test_sharing_clip: int
    n_validation: int
    n_validation_sharing_recording: int
    n_validation_sharing_clip: int
    recordings: tuple[str, ...]
