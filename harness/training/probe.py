"""Size of a network, and its training speed on this machine from a short run on random input."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from harness.devices import open_device
from harness.models.build import build_model
from harness.models.describe import count_parameters
from harness.study import ArmSettings
from harness.training.augment import Batch
from harness.training.graphs import GraphLearner
from harness.training.isolation import isolated
from harness.training.learner import Learner
from harness.training.memory import explained_memory
from harness.training.reuse import records_steps

WARM_UP_STEPS, WARM_UP_SECONDS = 2, 0.25
"""A first step allocates memory and prepares kernels, which is a small part of a step that takes long."""


@dataclass(frozen=True)
class Probe:
    """What a probe found: the number of weights, and how many segments (or images) are trained per second."""

    parameters: int
    items_per_second: float


def probe_network(
    settings: ArmSettings,
    input_shape: tuple[int, int, int],
    n_classes: int,
    device: str,
    seconds: float = 0.1,
    plane_rows: Mapping[str, tuple[int, int] | slice] | None = None,
) -> Probe:
    """Return a network's size and training speed.

    Forward, backward and optimiser run as in a training, on one batch of random numbers; on a GPU as a CUDA graph where
    the study's trainings use one.

    Parameters
    ----------
    settings : ArmSettings
        Network and training settings of the arm.
    input_shape : (int, int, int)
        Channels, rows and columns of one item.
    n_classes : int
        Number of classes.
    device : str
        ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
    seconds : float
        About how long to measure, after a warm-up; at least one step.
    plane_rows : mapping of str to slice or (int, int), optional
        Rows of each plane within the input; stacked networks need them.

    Raises
    ------
    TrainingError
        When the device does not exist or its memory does not suffice.
    """
    place = open_device(device)
    train = settings.train
    with isolated(place, 0, train.threads), explained_memory(settings.arm, device, train.batch_size):
        model = build_model(settings.model_name, settings.model, input_shape, n_classes, plane_rows)
        kind = GraphLearner if records_steps(train, place) else Learner
        learner = kind(model, train, place)
        learner.model.train()
        x = torch.randn(train.batch_size, *input_shape, device=place).contiguous(memory_format=torch.channels_last)
        batch = Batch(x, torch.arange(train.batch_size, device=place) % n_classes)
        start = time.perf_counter()
        for _ in range(WARM_UP_STEPS):
            if time.perf_counter() - start < WARM_UP_SECONDS:
                learner.step(batch)
        learner.tally()
        start = time.perf_counter()
        steps = 0
        while time.perf_counter() - start < seconds or not steps:
            learner.step(batch)
            steps += 1
            if place.type == "cuda" and steps % 16 == 0:
                # Launches are asynchronous; without synchronising occasionally the loop would queue far too many.
                torch.cuda.synchronize(place)
        learner.tally()
        seconds = time.perf_counter() - start
    return Probe(count_parameters(model), steps * train.batch_size / seconds)
