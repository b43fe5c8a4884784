"""Networks by name, their layer tables, and the fusion of their outputs.

Importing this folder loads neither torch nor pandas: names are imported where they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from harness.models.build import build_model, kaiming_normal
    from harness.models.describe import count_parameters, describe_model
    from harness.models.fusion import RULES, dempster_shafer, mean_fusion, total_conflict
    from harness.models.stacked import PlaneRows, StackedSuNet
    from harness.models.su import SuNet

__all__ = [
    "RULES",
    "PlaneRows",
    "StackedSuNet",
    "SuNet",
    "build_model",
    "count_parameters",
    "dempster_shafer",
    "describe_model",
    "kaiming_normal",
    "mean_fusion",
    "total_conflict",
]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "build": ["build_model", "kaiming_normal"],
        "describe": ["count_parameters", "describe_model"],
        "fusion": ["RULES", "dempster_shafer", "mean_fusion", "total_conflict"],
        "stacked": ["PlaneRows", "StackedSuNet"],
        "su": ["SuNet"],
    },
)
