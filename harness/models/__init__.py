"""Networks by name, their layer tables, and the fusion of their outputs.

Importing this folder loads neither torch nor pandas: names are imported where they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.models.build import build_model, kaiming_normal
    from harness.models.describe import count_parameters, describe_model
    from harness.models.fusion import RULES, dempster_shafer, mean_fusion, total_conflict
    from harness.models.resnet import resnet18
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
    "resnet18",
    "total_conflict",
]

_HOMES = {
    "RULES": "fusion",
    "PlaneRows": "stacked",
    "StackedSuNet": "stacked",
    "SuNet": "su",
    "build_model": "build",
    "count_parameters": "describe",
    "dempster_shafer": "fusion",
    "describe_model": "describe",
    "kaiming_normal": "build",
    "mean_fusion": "fusion",
    "resnet18": "resnet",
    "total_conflict": "fusion",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
