"""The authors' folds with nothing to validate on: fold k is tested, and all others train."""

from __future__ import annotations

from harness.choices import Validation
from harness.data.rules.official import deal
from harness.registry import SplitRule, register

register(
    SplitRule(
        "official-no-validation",
        f"{deal.__module__}:{deal.__name__}",
        "the official folds without validation: fold k is tested, all others train",
        official=True,
        used_by="Piczak 2015 and most ten-fold runs made by hand",
        validation=Validation.NONE,
        only_validation=True,
    )
)
