"""A network with its optimiser and loss: one step, one epoch, one pass of prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.choices import Precision
from harness.devices import widest_float
from harness.study.sections import CROSS_ENTROPY
from harness.training.augment import Batch, EpochDraws, augmented
from harness.training.inference import all_logits, logits_of, probabilities
from harness.training.optimizers import fused_optimizer
from harness.training.own_parts import own_loss

if TYPE_CHECKING:
    from harness.study import TrainSection
    from harness.training.resident import Resident

# Number of batches cut out of the features at once. A GPU launches several small kernels per cut, whatever its size; a
# CPU benefits from having each batch in its cache when it is needed.
GATHERED = {"cuda": 16}


@dataclass(frozen=True)
class PartOnDevice:
    """Where a part's items begin within ``Resident.x``, and their labels; int64, shape (N,), on the device."""

    positions: Tensor
    labels: Tensor


def batch_bounds(n_items: int, batch_size: int) -> list[tuple[int, int]]:
    """Return first item and the one after the last of each batch.

    The last batch may be smaller. One of a single item is joined to the batch before it: batch normalisation would have
    no variance to divide by, and leaving the item out would train on fewer items than the split defines.
    """
    starts = list(range(0, n_items, batch_size))
    if len(starts) > 1 and n_items - starts[-1] == 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], n_items], strict=True))


def class_weights(labels: NDArray[np.int64], n_classes: int) -> NDArray[np.float32]:
    """Return largest class count over class count, float32, shape (C,); 1 for a class without items."""
    counts = np.bincount(labels, minlength=n_classes)
    return np.where(counts > 0, counts.max() / np.maximum(counts, 1), 1.0).astype(np.float32)


class Learner:
    """A network that is being trained on one device.

    The network is kept channels last; forward and backward run in ``train.precision`` while weights, optimiser, loss
    and softmax stay float32. ``gathered`` batches are cut out of the features at once, which does not change the
    result.

    Parameters
    ----------
    model : nn.Module
        The network.
    train : TrainSection
        Optimiser, batch size and precision.
    device : torch.device
        Where to train.
    weights_C : ndarray of float32, shape (C,), optional
        Loss weight of each class; None weights all alike.
    """

    def __init__(
        self, model: nn.Module, train: TrainSection, device: torch.device, weights_C: NDArray[np.float32] | None = None
    ) -> None:
        self.model: nn.Module = model.to(device).to(memory_format=torch.channels_last)
        self.device = device
        self.gathered = GATHERED.get(device.type, 1)
        self._bfloat16 = train.precision == Precision.BFLOAT16
        self._own_loss = train.loss if train.loss != CROSS_ENTROPY else ""
        self._own_augment = train.augment
        self._optimizer = self._make_optimizer(train)
        self._weights = None if weights_C is None else torch.from_numpy(weights_C).to(device)
        self._loss_sum = torch.zeros((), dtype=widest_float(device), device=device)
        self._n_correct = torch.zeros((), dtype=torch.int64, device=device)
        self._n_seen = 0

    def set_rate(self, lr: float) -> None:
        """Set the learning rate of every parameter; on a GPU it is rounded to float32, as a CUDA graph reads it."""
        for group in self._optimizer.param_groups:
            group["lr"] = float(np.float32(lr)) if self.device.type == "cuda" else lr

    def step(self, batch: Batch) -> None:
        """Take one optimiser step and count loss and hits on the device, without synchronising."""
        self._update(batch)
        self._n_seen += len(batch.labels)

    def _update(self, batch: Batch) -> None:
        """Run a step's work on the device."""
        self._optimizer.zero_grad(set_to_none=True)
        logits = self.logits(batch.x)
        loss = self._loss(logits, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self._loss_sum += loss.detach() * len(batch.labels)
        self._n_correct += (logits.detach().argmax(dim=1) == batch.labels).sum()

    def epoch(self, resident: Resident, part: PartOnDevice, draws: EpochDraws, bounds: list[tuple[int, int]]) -> None:
        """Take one step for each batch, with items in the drawn order.

        Parameters
        ----------
        resident : Resident
            The features on the device.
        part : PartOnDevice
            The training part.
        draws : EpochDraws
            The order of the items, and the augmentations.
        bounds : list of (int, int)
            First position of each batch within the epoch, and the position after its last.
        """
        self.model.train()
        positions, labels = part.positions[draws.order], part.labels[draws.order]
        for group in (bounds[i : i + self.gathered] for i in range(0, len(bounds), self.gathered)):
            first, last = group[0][0], group[-1][1]
            x = resident.gather(positions[first:last])
            for start, stop in group:
                items, own = x[start - first : stop - first], self._own_augment
                self.step(augmented(items, labels[start:stop], draws, start, stop, own))

    def tally(self) -> tuple[float, float]:
        """Return mean loss and accuracy over the items since the last call; synchronises with the device."""
        n = max(1, self._n_seen)
        loss, accuracy = float(self._loss_sum) / n, int(self._n_correct) / n
        self._loss_sum.zero_()
        self._n_correct.zero_()
        self._n_seen = 0
        return loss, accuracy

    def predict(self, resident: Resident, part: PartOnDevice) -> tuple[NDArray[np.float32], float]:
        """Return class probabilities, float32, shape (N, C), and the mean cross-entropy (without class weights)."""
        with torch.inference_mode():
            logits = all_logits(self.model, resident, part.positions, bfloat16=self._bfloat16)
            return probabilities(logits), float(F.cross_entropy(logits, part.labels))

    def state(self) -> dict[str, Tensor]:
        """Return a copy of parameters and buffers, by name, on the device."""
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Restore a state."""
        self.model.load_state_dict(state)

    def _make_optimizer(self, train: TrainSection) -> torch.optim.Optimizer:
        return fused_optimizer(self.model, train, train.lr)

    def logits(self, x_BCHW: Tensor) -> Tensor:
        """Return the network's outputs in float32, computed in ``train.precision``; shape (B, C)."""
        return logits_of(self.model, x_BCHW, bfloat16=self._bfloat16)

    def _loss(self, logits: Tensor, batch: Batch) -> Tensor:
        if self._own_loss:
            return own_loss(self._own_loss, logits, batch.labels, batch.partners, batch.share)
        weights = self._weights
        if batch.partners is None or batch.share is None:
            return F.cross_entropy(logits, batch.labels, weight=weights)
        # Mixup with class weights: each label's loss and weight are scaled by its share, as torch averages for one
        # label.
        own = F.cross_entropy(logits, batch.labels, weight=weights, reduction="none")
        other = F.cross_entropy(logits, batch.partners, weight=weights, reduction="none")
        loss = torch.lerp(other, own, batch.share)
        if weights is None:
            return loss.mean()
        return loss.sum() / torch.lerp(weights[batch.partners], weights[batch.labels], batch.share).sum()
