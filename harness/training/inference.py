"""Predictions of a network: the same code for the parts of a training and for clips that it never saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

if TYPE_CHECKING:
    from harness.training.resident import Resident

# Items predicted at once, by device. Fixed, so that predictions do not depend on a searched batch size. On the CPU
# larger batches are no faster, and their activations would exceed those of a training step, which memory is kept for.
EVALUATION_BATCH = {"cuda": 128, "mps": 128}
EVALUATION_BATCH_ON_CPU = 32


def logits_of(model: nn.Module, x_BCHW: Tensor, *, bfloat16: bool) -> Tensor:
    """Return the outputs of ``model`` in float32, computed in bfloat16 if asked; shape (B, C)."""
    with torch.autocast(x_BCHW.device.type, torch.bfloat16, enabled=bfloat16):
        logits: Tensor = model(x_BCHW)
    return logits.float()


def all_logits(model: nn.Module, resident: Resident, positions_N: Tensor, *, bfloat16: bool) -> Tensor:
    """Return the outputs of ``model``, in evaluation mode, for the items at ``positions_N`` of ``resident``; float32,
    shape (N, C), computed in ``bfloat16`` if asked."""
    model.eval()
    batches = torch.split(positions_N, EVALUATION_BATCH.get(positions_N.device.type, EVALUATION_BATCH_ON_CPU))
    return torch.cat([logits_of(model, resident.gather(each), bfloat16=bfloat16) for each in batches])


def probabilities(logits_NC: Tensor) -> NDArray[np.float32]:
    """Return the softmax of ``logits_NC``, shape (N, C)."""
    return logits_NC.softmax(dim=1).cpu().numpy()
