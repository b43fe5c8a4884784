"""A loop in the manner of earlier replications of Su et al. 2019, written anew.

What it has in common with them: segments in a list of dictionaries, whose planes are joined for every item, class
weights in the loss, predictions moved to numpy for the accuracy of every step, the time of loading and of stepping
taken at every step, and a row for a log at every tenth. Network, optimiser and batches are those of the benchmark;
their own differ (2-D dropout, Kaiming weights, stride 2 in the fourth convolution).
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset

from benchmarks.peers.drivers.job import Job, conversation, job
from benchmarks.peers.drivers.parts import N_CLASSES, PlaneItems, loader, network, optimizer

LOG_EVERY = 10


class Segments(Dataset[tuple[Tensor, int]]):
    """A list of segments, each a dictionary of its planes and its class."""

    def __init__(self, asked: Job) -> None:
        items = PlaneItems(asked)
        self.stacked = items.stacked
        self.segments: list[dict[str, Any]] = [
            {"planes": {str(k): plane[item] for k, plane in enumerate(items.planes)}, "class": int(label)}
            for item, label in enumerate(items.labels)
        ]

    def __len__(self) -> int:
        return len(self.segments)

    def __getitem__(self, item: int) -> tuple[Tensor, int]:
        """Return one item."""
        segment = self.segments[item]
        planes = list(segment["planes"].values())
        joined = np.concatenate(planes, axis=0)[np.newaxis] if self.stacked else np.stack(planes)
        return torch.from_numpy(joined.astype(np.float32)), segment["class"]


def main() -> None:
    """Train."""
    asked, said = job(), conversation()
    torch.set_num_threads(asked.threads)
    model = network(asked)
    steps = optimizer(asked, model)
    segments = Segments(asked)
    counts = np.bincount([segment["class"] for segment in segments.segments], minlength=N_CLASSES)
    criterion = nn.CrossEntropyLoss(weight=torch.tensor(counts.max() / counts, dtype=torch.float32))
    batches = loader(asked, segments, pin_memory=torch.cuda.is_available())
    log: list[dict[str, float]] = []
    for epoch in range(asked.epochs):
        said.begin_epoch()
        model.train()
        losses = []
        loading_began = time.time()
        for step, (x, labels) in enumerate(batches):
            stepping_began = time.time()
            logits = model(x)
            loss = criterion(logits, labels)
            loss.backward()
            steps.step()
            steps.zero_grad()
            with torch.no_grad():
                predicted = logits.argmax(dim=-1).cpu().numpy()
                accuracy = correct(predicted, labels.cpu().numpy())
            losses.append(loss.item())
            if step % LOG_EVERY == 0:
                log.append(
                    {
                        "epoch": epoch,
                        "loss": losses[-1],
                        "accuracy": accuracy,
                        "loading": stepping_began - loading_began,
                        "stepping": time.time() - stepping_began,
                    }
                )
            loading_began = time.time()
        said.end_epoch(sum(losses) / len(losses))


def correct(predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """Return the share of labels that were predicted."""
    return float((predicted == labels).sum()) / len(labels)


if __name__ == "__main__":
    main()
