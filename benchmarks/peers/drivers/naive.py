"""The loop of a tutorial: a DataLoader, and a wait for the loss at every step."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from benchmarks.peers.drivers.job import conversation, job
from benchmarks.peers.drivers.parts import PlaneItems, loader, network, optimizer


def main() -> None:
    """Train."""
    asked, said = job(), conversation()
    torch.set_num_threads(asked.threads)
    model = network(asked)
    steps = optimizer(asked, model)
    batches = loader(asked, PlaneItems(asked))
    for _ in range(asked.epochs):
        said.begin_epoch()
        model.train()
        losses, hits = [], 0
        for x, labels in batches:
            steps.zero_grad()
            logits = model(x)
            loss = F.cross_entropy(logits, labels)
            loss.backward()
            steps.step()
            losses.append(loss.item())
            hits += int((logits.argmax(dim=1) == labels).sum().item())
        said.end_epoch(sum(losses) / len(losses))


if __name__ == "__main__":
    main()
