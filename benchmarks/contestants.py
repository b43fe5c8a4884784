"""Ways to train one network on equal segments: the naive loop, the harness's, and each of the latter's switches.

Every contestant has its own network, features and generators, made from equal seeds, so that all can be trained in
turns and their predictions compared.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.naive import naive_dataset, naive_epoch, torch_dropout
from benchmarks.training import N_CLASSES, SEGMENTS_PER_CLIP, made_features
from harness.models.build import build_model
from harness.study import ModelSection, TrainSection
from harness.training.augment import Draws
from harness.training.graphs import GraphLearner
from harness.training.learner import Learner, PartOnDevice, batch_bounds
from harness.training.resident import Items, Resident


@dataclass(frozen=True)
class Variant:
    """One way to train.

    Attributes
    ----------
    like
        The variant whose predictions it must repeat.
    tolerance
        Largest difference of a probability that still counts as a repeat; 0 is equality to the bit.
    gathered
        Batches cut out of the features at once; None is as the learner has it.
    """

    name: str
    precision: str
    like: str
    tolerance: float = 0.0
    half: bool = False
    graph: bool = False
    compiled: bool = False
    gathered: int | None = None


PLAIN = {"float32": "plain float32", "bfloat16": "plain bfloat16"}
NAIVE = "naive float32"
# Compiled kernels add in another order; after some steps their last digits have grown.
LOOSE = {"float32": 1e-3, "bfloat16": 5e-2}
VARIANTS = (
    Variant("plain float32", "float32", PLAIN["float32"]),
    Variant("graph float32", "float32", PLAIN["float32"], graph=True),
    Variant("plain bfloat16", "bfloat16", PLAIN["bfloat16"]),
    Variant("plain bfloat16, inputs too", "bfloat16", PLAIN["bfloat16"], half=True),
    Variant("graph bfloat16", "bfloat16", PLAIN["bfloat16"], graph=True),
    Variant("graph bfloat16, batches cut singly", "bfloat16", PLAIN["bfloat16"], half=True, graph=True, gathered=1),
    Variant("graph bfloat16, inputs too", "bfloat16", PLAIN["bfloat16"], half=True, graph=True),
)
COMPILED = (
    Variant("compiled bfloat16", "bfloat16", PLAIN["bfloat16"], LOOSE["bfloat16"], half=True, compiled=True),
    Variant(
        "compiled graph bfloat16",
        "bfloat16",
        PLAIN["bfloat16"],
        LOOSE["bfloat16"],
        half=True,
        graph=True,
        compiled=True,
    ),
)


@dataclass(frozen=True)
class Contestant:
    """One way to train, ready to run.

    Attributes
    ----------
    epoch
        Trains one epoch and waits for the device.
    predict
        Returns the probabilities of the first items.
    steps
        Draws the next epoch, and returns what takes its steps without a wait.
    begin_again
        Gives a recorded step fresh weights.
    """

    epoch: Callable[[], object]
    predict: Callable[[], NDArray[np.float32]]
    steps: Callable[[], Callable[[], None]]
    begin_again: Callable[[], None]


def items_of(n_items: int) -> Items:
    """Return ``n_items`` segments, clip by clip, classes in turn, as the naive loop's data set numbers them."""
    item = np.arange(n_items)
    return Items(item // SEGMENTS_PER_CLIP, item % SEGMENTS_PER_CLIP, item % N_CLASSES)


def part_of(resident: Resident, items: Items) -> PartOnDevice:
    """Return where ``items`` lie in ``resident``."""
    positions, labels = torch.from_numpy(resident.positions(items)), torch.from_numpy(items.labels)
    return PartOnDevice(positions.to(resident.device), labels.to(resident.device))


def network(shape: tuple[int, int, int], dropout: float = 0.5) -> torch.nn.Module:
    """Return the 4-layer network with its weights from seed 0."""
    torch.manual_seed(0)
    return build_model("su4", ModelSection(dropout=dropout), shape, N_CLASSES)


def harness(
    variant: Variant, folder: Path, n_items: int, batch: int, device: torch.device, dropout: float = 0.5
) -> Contestant:
    """Return the harness's epoch, as ``variant`` has it."""
    train = TrainSection(batch_size=batch, precision=variant.precision)
    resident = Resident(made_features(folder, -(-n_items // SEGMENTS_PER_CLIP)), device)
    if variant.half:
        resident.round_to_bfloat16()
    shape = resident.input_shape
    learner = (GraphLearner if variant.graph else Learner)(network(shape, dropout), train, device)
    if variant.gathered is not None:
        learner.gathered = variant.gathered
    if variant.compiled:
        learner.model = torch.compile(learner.model)  # type: ignore[assignment]
    part = part_of(resident, items_of(n_items))
    draws, bounds = Draws(train, n_items, shape, 0, device), batch_bounds(n_items, batch)

    def steps() -> Callable[[], None]:
        learner.set_rate(train.lr)
        drawn = draws.epoch()
        return lambda: learner.epoch(resident, part, drawn, bounds)

    def epoch() -> None:
        steps()()
        learner.tally()

    def begin_again() -> None:
        if isinstance(learner, GraphLearner):
            learner.restart(network(shape, dropout))

    seen = PartOnDevice(part.positions[: 4 * batch], part.labels[: 4 * batch])
    return Contestant(epoch, lambda: learner.predict(resident, seen)[0], steps, begin_again)


def naive(
    folder: Path, n_items: int, batch: int, device: torch.device, workers: int, dropout: float = 0.5, *, ordered: bool
) -> Contestant:
    """Return the naive loop with ``workers`` loading; ``ordered``: in the harness's order instead of its own."""
    dataset = naive_dataset(folder, n_items)
    train = TrainSection(batch_size=batch)
    x, _ = dataset[0]
    shape = (x.shape[0], x.shape[1], x.shape[2])
    model = torch_dropout(network(shape, dropout)).to(device)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=train.lr, momentum=train.momentum, weight_decay=train.weight_decay
    )
    draws = Draws(train, n_items, shape, 0, torch.device("cpu"))
    switches = contextlib.nullcontext if ordered else _as_torch_comes

    def epoch() -> None:
        sampler = draws.epoch().order.tolist() if ordered else None
        loader = DataLoader(
            dataset,
            batch,
            shuffle=None if ordered else True,
            sampler=sampler,
            num_workers=workers,
            pin_memory=device.type == "cuda",
            multiprocessing_context="fork" if workers else None,
        )
        with switches():
            naive_epoch(model, optimizer, _Moved(loader, device))  # type: ignore[arg-type]

    def predict() -> NDArray[np.float32]:
        model.eval()
        seen = np.stack([dataset[item][0] for item in range(min(n_items, 4 * batch))])
        with torch.inference_mode():
            return model(torch.from_numpy(seen).to(device)).softmax(dim=1).cpu().numpy()

    return Contestant(epoch, predict, lambda: epoch, lambda: None)


def loader_workers() -> int:
    """Return the DataLoader workers of the naive loop: one for each core, at most 8."""
    return min(8, os.cpu_count() or 1)


@contextlib.contextmanager
def _as_torch_comes() -> Iterator[None]:
    """Set the switches of determinism and TF32 as a program finds them that does not ask for either."""
    mode = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("default")
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=False, allow_tf32=True):
            yield
    finally:
        torch.set_deterministic_debug_mode(mode)


class _Moved:
    """A loader's batches, each moved to the device when its turn comes."""

    def __init__(self, loader: DataLoader[tuple[Tensor, Tensor]], device: torch.device) -> None:
        self._loader, self._device = loader, device

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for x, labels in self._loader:
            yield x.to(self._device), labels.to(self._device)
