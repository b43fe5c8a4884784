"""Lightning: a LightningModule, a Trainer, and a DataLoader."""

from __future__ import annotations

import logging
import warnings

import lightning as L
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.peers.drivers.job import Job, conversation, job
from benchmarks.peers.drivers.parts import ReadyItems, loader, network, optimizer


class Classifier(L.LightningModule):
    """The network as a LightningModule."""

    def __init__(self, asked: Job) -> None:
        super().__init__()
        self.asked = asked
        self.model = network(asked)
        self.losses: list[Tensor] = []

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """Return the loss of a batch."""
        x, labels = batch
        loss = F.cross_entropy(self.model(x), labels)
        self.losses.append(loss.detach())
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimiser."""
        return optimizer(self.asked, self.model)

    def on_train_epoch_start(self) -> None:
        """Wait for the benchmark."""
        conversation().begin_epoch()
        self.losses = []

    def on_train_epoch_end(self) -> None:
        """Tell the benchmark."""
        conversation().end_epoch(float(torch.stack(self.losses).mean()))


def main() -> None:
    """Train."""
    asked = job()
    conversation()
    torch.set_num_threads(asked.threads)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    trainer = L.Trainer(
        accelerator="cpu",
        max_epochs=asked.epochs,
        default_root_dir=asked.scratch,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Classifier(asked), loader(asked, ReadyItems(asked)))


if __name__ == "__main__":
    main()
