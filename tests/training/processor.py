"""What this machine's processor lacks."""

from __future__ import annotations

import pytest
import torch

from harness.training.precision import has_bfloat16

needs_bfloat16 = pytest.mark.skipif(
    not has_bfloat16(torch.device("cpu")), reason="this processor emulates bfloat16 (no AVX-512)"
)
