"""speechbrain: ``Brain.fit`` on a DataLoader. Gradients are clipped at infinity: it always clips,
no other program does."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from speechbrain.core import Brain, Stage
from torch import Tensor

from benchmarks.peers.drivers.job import conversation, job
from benchmarks.peers.drivers.parts import ReadyItems, loader, network


class Classifier(Brain):  # type: ignore[misc]
    """The network as a Brain."""

    def compute_forward(self, batch: tuple[Tensor, Tensor], stage: Stage) -> Tensor:
        """Return the logits of a batch."""
        return self.modules.model(batch[0].to(self.device))

    def compute_objectives(self, predictions: Tensor, batch: tuple[Tensor, Tensor], stage: Stage) -> Tensor:
        """Return the loss of a batch."""
        return F.cross_entropy(predictions, batch[1].to(self.device))

    def on_stage_start(self, stage: Stage, epoch: int | None = None) -> None:
        """Wait for the benchmark."""
        conversation().begin_epoch()

    def on_stage_end(self, stage: Stage, stage_loss: float, epoch: int | None = None) -> None:
        """Tell the benchmark."""
        conversation().end_epoch(float(stage_loss))


def main() -> None:
    """Train."""
    asked = job()
    conversation()
    torch.set_num_threads(asked.threads)
    brain = Classifier(
        modules={"model": network(asked)},
        opt_class=lambda parameters: torch.optim.SGD(
            parameters, lr=asked.lr, momentum=asked.momentum, weight_decay=asked.weight_decay
        ),
        hparams={"max_grad_norm": math.inf},
        run_opts={"device": "cpu"},
    )
    brain.fit(range(1, asked.epochs + 1), loader(asked, ReadyItems(asked)), progressbar=False)


if __name__ == "__main__":
    main()
