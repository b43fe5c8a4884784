"""The network and the items that every driver trains: needs torch and numpy alone."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.peers.drivers.job import Job
from harness.models.resnet import resnet18
from harness.models.su import SuNet

N_CLASSES = 10


def network(job: Job) -> nn.Module:
    """Return the network of ``job`` with the weights of seed 0 and torch's own dropout."""
    shape = tuple(json.loads(Path(job.items, "about.json").read_text(encoding="utf-8"))["shape"])
    torch.manual_seed(0)
    if job.network == "resnet18":
        return resnet18(shape, N_CLASSES)
    model = SuNet(4, shape, N_CLASSES, dropout=job.dropout)
    for name, layer in model.named_children():
        if isinstance(layer, nn.Dropout):
            setattr(model, name, nn.Dropout(layer.p))
    return model


def optimizer(job: Job, model: nn.Module) -> torch.optim.Optimizer:
    """Return SGD with momentum, as torch has it by default."""
    return torch.optim.SGD(model.parameters(), lr=job.lr, momentum=job.momentum, weight_decay=job.weight_decay)


class ReadyItems(Dataset[tuple[Tensor, int]]):
    """Items that were cut before: x of shape (C, H, W), mapped from the file, and the label."""

    def __init__(self, job: Job) -> None:
        self.x = np.load(Path(job.items, "x.npy"), mmap_mode="r")
        self.labels = np.load(Path(job.items, "y.npy"))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, item: int) -> tuple[Tensor, int]:
        """Return one item."""
        return torch.from_numpy(self.x[item].copy()), int(self.labels[item])


class PlaneItems(Dataset[tuple[NDArray[np.float32], int]]):
    """Items whose planes are kept apart and joined anew each time, as earlier replications and tutorials do: planes of
    segments along rows, planes of images as channels."""

    def __init__(self, job: Job) -> None:
        x = np.load(Path(job.items, "x.npy"))
        about = json.loads(Path(job.items, "about.json").read_text(encoding="utf-8"))
        self.labels = np.load(Path(job.items, "y.npy"))
        edges = np.cumsum([0, *about["plane_rows"]])
        self.stacked = x.shape[1] == 1
        self.planes = (
            [np.ascontiguousarray(x[:, 0, a:b]) for a, b in itertools.pairwise(edges)]
            if self.stacked
            else [np.ascontiguousarray(x[:, channel]) for channel in range(x.shape[1])]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, item: int) -> tuple[NDArray[np.float32], int]:
        """Return one item."""
        planes = [plane[item] for plane in self.planes]
        joined = np.concatenate(planes, axis=0)[None] if self.stacked else np.stack(planes)
        return joined, int(self.labels[item])


def loader(job: Job, dataset: Dataset[Any], **more: Any) -> DataLoader[Any]:
    """Return a DataLoader whose workers live for the whole training."""
    workers = job.loader_workers
    kept: dict[str, Any] = {"persistent_workers": True, "multiprocessing_context": "fork"} if workers else {}
    return DataLoader(dataset, job.batch, shuffle=job.shuffled, num_workers=workers, **kept, **more)
