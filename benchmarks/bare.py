"""Study settings for a machine that has torch and no pydantic, where benchmarks of training must run all the same.

Call :func:`stand_in` before anything of `benchmarks` that imports `harness.study`. The stand-ins check nothing; their
fields and defaults are compared with the real sections by a test.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class ModelSection:
    """As harness.study.ModelSection."""

    conv4: str = "pool"
    dropout: float = 0.5
    init: str = "torch"


@dataclass(frozen=True)
class TrainSection:
    """As harness.study.TrainSection."""

    epochs: int = 50
    batch_size: int = 32
    tuned_on: str = "not stated"
    tuned_by: str = ""
    optimizer: str = "sgd"
    lr: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 0.001
    precision: str = "float32"
    schedule: str = "constant"
    milestones: tuple[int, ...] = ()
    gamma: float = 0.1
    norm_statistics: str = "running"
    patience: int = 0
    class_weights: bool = False
    gain: int = 1
    mixup: float = 0.0
    mask_frames: int = 0
    mask_bins: int = 0
    cuda_graphs: bool = True
    threads: int = 1

    def model_dump(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


def stand_in() -> None:
    """Put the stand-ins in the place of `harness.study` where that cannot be imported."""
    if importlib.util.find_spec("pydantic") is not None or "harness.study" in sys.modules:
        return
    module = ModuleType("harness.study")
    vars(module).update(ModelSection=ModelSection, TrainSection=TrainSection)
    sys.modules["harness.study"] = module
