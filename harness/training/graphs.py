"""A training step recorded once as a CUDA graph and replayed, for one training after the other.

At batch 32 a step of the 4-layer network launches about a hundred small kernels; launching them one by one, the CPU may
not keep up with the GPU. A CUDA graph launches them all at once. It works on fixed memory: inputs are copied into it,
and the learning rate is a tensor.

Results are bit-identical to those without graphs. The order of operations is that of
:class:`~harness.training.learner.Learner`; the state before the warm-up steps is restored; and torch registers the
GPU's generator with the graph, so that every replay draws the dropout that the next eager step would have drawn. On the
CPU the same class calls the step instead of replaying it, with the same fixed memory; everything but the recording
itself is tested that way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.training.augment import Batch
from harness.training.learner import Learner
from harness.training.optimizers import fused_optimizer

if TYPE_CHECKING:
    from harness.study import TrainSection

# torch requires a few before a recording: libraries create their handles and workspaces in them.
WARM_UP_STEPS = 3


class GraphLearner(Learner):
    """A learner that processes full batches by replaying one CUDA graph; smaller or larger batches run eagerly.

    :meth:`restart` begins another training with the same memory and graph.

    Parameters
    ----------
    model : nn.Module
        The network.
    train : TrainSection
        Optimiser, batch size and precision.
    device : torch.device
        Where to train. On the CPU the step is run, not recorded.
    weights_C : ndarray of float32, shape (C,), optional
        Loss weight of each class; None weights all alike.
    """

    def __init__(
        self, model: nn.Module, train: TrainSection, device: torch.device, weights_C: NDArray[np.float32] | None = None
    ) -> None:
        # A graph reads the rate from the device, as float32; the CPU's optimisers read it as a double.
        kind = torch.float32 if device.type == "cuda" else torch.float64
        self._rate = torch.tensor(train.lr, dtype=kind, device=device)
        self._size = train.batch_size
        self._fixed: Batch | None = None
        self._replay: Callable[[], None] | None = None
        super().__init__(model, train, device, weights_C)

    def set_rate(self, lr: float) -> None:
        """Set the learning rate of every parameter."""
        self._rate.fill_(lr)

    def step(self, batch: Batch) -> None:
        """Take one optimiser step as :meth:`Learner.step` does, by replaying the graph where the batch is full."""
        if len(batch.labels) != self._size:
            super().step(batch)
            return
        if self._fixed is None:
            self._fixed = _copy_of(batch)
        _copy_into(self._fixed, batch)
        if self._replay is None:
            self._replay = self._record(self._fixed)
        self._replay()
        self._n_seen += self._size

    def restart(self, model: nn.Module, weights_C: NDArray[np.float32] | None = None) -> None:
        """Reset to the weights of ``model`` and the class weights ``weights_C``; all other learned state is discarded.

        ``model`` must have the layers that this learner was created with, and ``weights_C`` be given if and only if it
        was given then.
        """
        if (weights_C is None) != (self._weights is None):
            raise ValueError(
                "a step recorded with class weights needs them, and a step recorded without them cannot take any"
            )
        self.model.load_state_dict(model.state_dict())
        if self._weights is not None and weights_C is not None:
            self._weights.copy_(torch.from_numpy(weights_C))
        self._optimizer.zero_grad(set_to_none=True)
        for value in self._optimizer_state():
            value.zero_()
        self.tally()

    def _make_optimizer(self, train: TrainSection) -> torch.optim.Optimizer:
        optimizer = fused_optimizer(self.model, train, self._rate, capturable=self.device.type == "cuda")
        # torch would warn once that a capturable optimiser also runs outside a graph, which is intended here.
        setattr(optimizer, "_warned_capturable_if_run_uncaptured", True)  # noqa: B010
        return optimizer

    def _record(self, fixed: Batch) -> Callable[[], None]:
        """Warm up, record a step on ``fixed`` and return the function that replays it; all state is restored."""
        with self._unchanged():
            if self.device.type != "cuda":
                for _ in range(WARM_UP_STEPS):
                    self._update(fixed)
                return lambda: self._update(fixed)
            with torch.cuda.device(self.device):
                return self._captured(fixed)

    def _captured(self, fixed: Batch) -> Callable[[], None]:
        # As torch requires: warm up on a side stream, and record without gradients in place, so that their memory
        # belongs to the graph.
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP_STEPS):
                self._update(fixed)
        torch.cuda.current_stream().wait_stream(aside)
        self._optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        # Only this thread's calls can invalidate the recording; others, such as the load monitor's, continue.
        with torch.cuda.graph(graph, stream=aside, capture_error_mode="thread_local"):
            self._update(fixed)
        return graph.replay

    @contextmanager
    def _unchanged(self) -> Iterator[None]:
        """Restore weights, batch normalisation, optimiser, counts and the device's generator after the block."""
        before = {id(value): (value, value.detach().clone()) for value in self._changing()}
        cuda = self.device.type == "cuda"
        generator = torch.cuda.get_rng_state(self.device) if cuda else torch.get_rng_state()
        try:
            yield
        finally:
            with torch.no_grad():
                for value in self._optimizer_state():
                    # State that the block's first step created would have started at zero.
                    if id(value) not in before:
                        value.zero_()
                for value, copy in before.values():
                    value.copy_(copy)
            if cuda:
                torch.cuda.set_rng_state(generator, self.device)
            else:
                torch.set_rng_state(generator)

    def _changing(self) -> list[Tensor]:
        """Return every tensor that a step changes."""
        learnt = [*self.model.parameters(), *self.model.buffers()]
        return [*learnt, *self._optimizer_state(), self._loss_sum, self._n_correct]

    def _optimizer_state(self) -> list[Tensor]:
        return [
            value for state in self._optimizer.state.values() for value in state.values() if isinstance(value, Tensor)
        ]


def _copy_of(batch: Batch) -> Batch:
    def copy(value: Tensor | None) -> Tensor | None:
        return None if value is None else torch.empty_like(value)

    return Batch(torch.empty_like(batch.x), torch.empty_like(batch.labels), copy(batch.partners), copy(batch.share))


def _copy_into(fixed: Batch, batch: Batch) -> None:
    fixed.x.copy_(batch.x)
    fixed.labels.copy_(batch.labels)
    for ours, given in ((fixed.partners, batch.partners), (fixed.share, batch.share)):
        if ours is not None and given is not None:
            ours.copy_(given)
