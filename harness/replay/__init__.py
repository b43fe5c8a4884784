"""From a recorded run back to its result: trained again and compared, or set beside another run.

Importing this folder loads neither torch nor mlflow: names are imported where they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from harness.replay.conditions import Difference
    from harness.replay.outcome import FoldReplay, Replay
    from harness.replay.pairs import Pair, RunDiff, diff_runs
    from harness.replay.replay import replay
    from harness.replay.sources import ReportSource, Source, StoreSource, open_source

__all__ = [
    "Difference",
    "FoldReplay",
    "Pair",
    "Replay",
    "ReportSource",
    "RunDiff",
    "Source",
    "StoreSource",
    "diff_runs",
    "open_source",
    "replay",
]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "conditions": ["Difference"],
        "outcome": ["FoldReplay", "Replay"],
        "pairs": ["Pair", "RunDiff", "diff_runs"],
        "replay": ["replay"],
        "sources": ["ReportSource", "Source", "StoreSource", "open_source"],
    },
)
