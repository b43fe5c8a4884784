"""Statistics of batch normalisation in evaluation: running averages, or averages re-estimated without dropout.

torch keeps running averages during training, which dropout affects: randomly zeroing half of the inputs and doubling
the rest preserves the mean but increases the variance, so that in evaluation, without dropout, each layer is divided by
too much. The shift accumulates over layers (Li et al. 2019, "Understanding the Disharmony between Dropout and Batch
Normalization by Variance Shift"). Averages over the training part with fixed weights (Wu and Johnson 2021, "Rethinking
'Batch' in BatchNorm", section 3) and without dropout have no such shift.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from harness.training.learner import Learner, PartOnDevice, batch_bounds
from harness.training.resident import Resident
from harness.training.seeding import fold_seed


@contextmanager
def re_estimated(
    learner: Learner, resident: Resident, part: PartOnDevice, batch_size: int, seed: int
) -> Iterator[None]:
    """Within this context, batch normalisation uses the means and variances of ``part`` without dropout.

    They are averages over batches in an order that follows from ``seed``. Torch's generators are not touched, and the
    running averages of training are restored on exit.

    Parameters
    ----------
    learner : Learner
        The network.
    resident : Resident
        The features on the device.
    part : PartOnDevice
        The part to average over.
    batch_size : int
        Number of items per batch.
    seed : int
        Seed of the training.
    """
    norms = [module for module in learner.model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    before = [(value, value.detach().clone()) for norm in norms for value in norm.buffers()]
    momenta = [norm.momentum for norm in norms]
    order = torch.from_numpy(np.random.default_rng(fold_seed(seed, "norm-statistics")).permutation(len(part.labels)))
    positions = part.positions[order.to(part.positions.device)]
    try:
        for norm in norms:
            norm.reset_running_stats()
            # A plain average of all batches.
            norm.momentum = None
        learner.model.eval()
        for norm in norms:
            norm.train()
        with torch.no_grad():
            for start, stop in batch_bounds(len(positions), batch_size):
                learner.logits(resident.gather(positions[start:stop]))
        learner.model.eval()
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        with torch.no_grad():
            for value, copy in before:
                value.copy_(copy)
