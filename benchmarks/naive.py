"""Whole-machine throughput of an epoch: the harness against a plain loop with a DataLoader.

Each contestant uses the machine as its users would. Naive: one process whose threads are the cores, a DataLoader with
two workers, float32. Harness and bare loop: a process of one thread on every core, as `run-study` trains folds. Both
start from equal weights on equal segments and the bare loop, over ready batches, is the limit of the kernels alone.
All processes live for the whole run; epochs alternate, order reversed each time, and only ratios within a round count.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.record import spread, write
from benchmarks.training import FRAMES, HOP, N_CLASSES, ROWS, SEGMENTS_PER_CLIP, epochs, made_features
from harness.devices import open_device
from harness.models.build import build_model
from harness.study import ModelSection, TrainSection
from harness.training.isolation import isolated

PLANES = {"LM": 60, "chroma": 12, "contrast": 7, "tonnetz": 6}
BATCH = 32
NAIVE_WORKERS = 2
CONTESTANTS = ("naive", "harness float32", "bare float32", "harness bfloat16", "bare bfloat16")
RATIOS = (
    ("harness float32", "naive"),
    ("harness bfloat16", "naive"),
    ("harness float32", "bare float32"),
    ("harness bfloat16", "bare bfloat16"),
)


class PlaneDataset(Dataset[tuple[NDArray[np.float32], int]]):
    """Segments whose planes, each of shape (T, bins), are cut and joined anew for every item: (1, H, W) and label."""

    def __init__(self, planes: list[NDArray[np.float32]], starts: NDArray[np.int64], labels: NDArray[np.int64]) -> None:
        self.planes, self.starts, self.labels = planes, starts, labels

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, item: int) -> tuple[NDArray[np.float32], int]:
        """Return one item."""
        start = self.starts[item]
        rows = [plane[start : start + FRAMES].T for plane in self.planes]
        return np.concatenate(rows, axis=0)[None], int(self.labels[item])


def naive_epoch(model: torch.nn.Module, optimizer: torch.optim.Optimizer, loader: DataLoader[Tensor]) -> list[float]:
    """Train one epoch as a tutorial would, waiting for the loss at every step; return the losses."""
    model.train()
    losses, hits = [], 0
    for x, labels in loader:
        optimizer.zero_grad()
        logits = model(x)
        loss = F.cross_entropy(logits, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
        hits += int((logits.argmax(dim=1) == labels).sum().item())
    return losses


def torch_dropout(model: nn.Module) -> nn.Module:
    """Return ``model`` with torch's dropout in the place of the harness's, as a loop of one's own would have it."""
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.Dropout):
                setattr(parent, name, nn.Dropout(layer.p))
    return model


def naive_dataset(folder: Path, n_items: int) -> PlaneDataset:
    """Return the segments of the harness's benchmark, in separate planes."""
    x = np.load(made_features(folder, -(-n_items // SEGMENTS_PER_CLIP)).files[0])
    edges = np.cumsum([0, *PLANES.values()])
    planes = [np.ascontiguousarray(x[:, a:b]) for a, b in itertools.pairwise(edges)]
    item = np.arange(n_items)
    frames = FRAMES + (SEGMENTS_PER_CLIP - 1) * HOP
    starts = item // SEGMENTS_PER_CLIP * frames + item % SEGMENTS_PER_CLIP * HOP
    return PlaneDataset(planes, starts, item % N_CLASSES)


def against_naive(steps: int = 50, repeats: int = 5) -> None:
    """Measure the 4-layer network on 85 x 41 at batch 32 (targets: 1.8 times naive, 0.95 of bare)."""
    cores = os.cpu_count() or 1
    contestants = {name: _start(name, steps, 1 if name == "naive" else cores) for name in CONTESTANTS}
    for pipe in itertools.chain(*contestants.values()):
        pipe.recv()
    processes = {name: len(pipes) for name, pipes in contestants.items()}
    items = {name: steps * BATCH * n for name, n in processes.items()}
    rounds: list[dict[str, float]] = []
    for repeat in range(repeats + 1):
        order = CONTESTANTS if repeat % 2 else CONTESTANTS[::-1]
        speeds = {name: items[name] / _epoch_seconds(contestants[name]) for name in order}
        if repeat:  # the first round warms up
            rounds.append(speeds)
    for pipes in contestants.values():
        for pipe in pipes:
            pipe.send(False)
    ratios = {f"{a} / {b}": spread([speeds[a] / speeds[b] for speeds in rounds]) for a, b in RATIOS}
    write(
        "naive",
        {
            "model": "su4",
            "input": [1, ROWS, FRAMES],
            "batch": BATCH,
            "steps": steps,
            "processes": processes,
            "threads_of_each": {name: cores if name == "naive" else 1 for name in CONTESTANTS},
            "naive_loader_workers": NAIVE_WORKERS,
            "segments_per_second": {name: spread([speeds[name] for speeds in rounds]) for name in CONTESTANTS},
            "ratios": ratios,
        },
    )


def _start(name: str, steps: int, processes: int) -> list[Connection]:
    """Start the processes of a contestant and return their pipes."""
    context = multiprocessing.get_context("spawn")
    pipes = []
    for _ in range(processes):
        ours, theirs = context.Pipe()
        # Not daemons: the naive loop starts loader workers of its own.
        context.Process(target=_contestant, args=(name, steps, theirs)).start()
        pipes.append(ours)
    return pipes


def _epoch_seconds(pipes: list[Connection]) -> float:
    """Run one epoch in every process at once and return the seconds until the last is done."""
    began = time.perf_counter()
    for pipe in pipes:
        pipe.send(True)
    for pipe in pipes:
        pipe.recv()
    return time.perf_counter() - began


def _contestant(name: str, steps: int, pipe: Connection) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if name == "naive":
            _serve(_naive(Path(folder), steps), pipe)
            return
        loop, _, precision = name.partition(" ")
        train, device = TrainSection(batch_size=BATCH, precision=precision), open_device("cpu")
        with isolated(device, 0, threads=1):
            harness_epoch, bare_epoch = epochs(Path(folder), "su4", train, steps, device)
            _serve(harness_epoch if loop == "harness" else bare_epoch, pipe)


def _serve(epoch: Callable[[], object], pipe: Connection) -> None:
    pipe.send("ready")
    try:
        while pipe.recv():
            epoch()
            pipe.send("done")
    except EOFError:
        return


def _naive(folder: Path, steps: int) -> Callable[[], object]:
    torch.set_num_threads(os.cpu_count() or 1)
    torch.manual_seed(0)
    # A spawned process would spawn its loader's workers too, and each would import torch anew in every epoch: seconds
    # that no user of the naive loop on Linux pays.
    loader = DataLoader(
        naive_dataset(folder, steps * BATCH),
        BATCH,
        shuffle=True,
        num_workers=NAIVE_WORKERS,
        # An epoch is short here, and would count the start of the workers for more than a real one.
        persistent_workers=True,
        multiprocessing_context="fork",
    )
    model = torch_dropout(build_model("su4", ModelSection(), (1, ROWS, FRAMES), N_CLASSES))
    train = TrainSection()
    optimizer = torch.optim.SGD(
        model.parameters(), lr=train.lr, momentum=train.momentum, weight_decay=train.weight_decay
    )
    return lambda: naive_epoch(model, optimizer, loader)
