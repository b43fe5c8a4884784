"""What a project of autrainer's users has of its own: a model, a data set, and a callback."""

from __future__ import annotations

from typing import Any

import torch
from autrainer.core.callbacks import CallbackMixin
from autrainer.datasets.abstract_dataset import BaseClassificationDataset
from autrainer.models import AbstractModel
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.peers.drivers.job import conversation, job
from benchmarks.peers.drivers.parts import network


class Network(AbstractModel):  # type: ignore[misc]
    """The network of the job."""

    def __init__(self, output_dim: int) -> None:
        super().__init__(output_dim)
        self.model = network(job())

    def embeddings(self, features: Tensor) -> Tensor:
        """Return the logits; nothing here needs embeddings."""
        logits: Tensor = self.model(features)
        return logits

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.model(features)
        return logits


class Items(BaseClassificationDataset):  # type: ignore[misc]
    """autrainer's data set of one file for each item; in the stored order where the job says so."""

    def create_train_loader(self, batch_size: int, **options: Any) -> DataLoader[Any]:
        """Return autrainer's own loader, or one that does not shuffle."""
        if job().shuffled:
            made: DataLoader[Any] = super().create_train_loader(batch_size, **options)
            return made
        collate = self.train_transform.get_collate_fn(self)
        return DataLoader(self.train_dataset, batch_size, shuffle=False, collate_fn=collate)


class Hooks(CallbackMixin):  # type: ignore[misc]
    """Waits for the benchmark before an epoch, and tells it when the training part of the epoch is over."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []

    def cb_on_iteration_begin(self, trainer: Any, iteration: int) -> None:
        """Wait for the benchmark."""
        torch.set_num_threads(job().threads)
        self.losses = []
        conversation().begin_epoch()

    def cb_on_step_end(self, trainer: Any, iteration: int, batch_idx: int, loss: float) -> None:
        """Note the loss."""
        self.losses.append(loss)

    def cb_on_dev_begin(self, trainer: Any, iteration: int) -> None:
        """Tell the benchmark."""
        conversation().end_epoch(sum(self.losses) / len(self.losses))
