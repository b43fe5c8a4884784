"""How many trainings share a GPU: as many as its memory holds, which is measured before they share it.

GPU memory cannot be reserved. The first training of a kind therefore has a GPU to itself and measures its peak;
afterwards trainings of known kinds begin together as long as their peaks fit, with a margin. If memory runs out all the
same, the training begins again alone, and others of its kind stay alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from harness.executors.gpu_memory import MemoryUse
from harness.training.task import FoldTask

MARGIN = 0.1
"""Share of a GPU's memory that is left free: peaks differ from fold to fold, and memory is fragmented."""


def memory_kind(task: FoldTask) -> Hashable:
    """Return what trainings of about the same use of memory have in common: network, features, precision and batch."""
    train = task.settings.train
    return task.settings.model_name, task.features.digest, train.precision, train.batch_size


class Packing:
    """The trainings that run on each GPU, and what is known of their memory.

    A GPU and a training are any hashable names.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, dict[Hashable, Hashable]] = {}
        self._together: set[Hashable] = set()
        self._peaks: dict[Hashable, int] = {}
        self._totals: dict[Hashable, int] = {}
        self._alone: set[Hashable] = set()

    def choose(self, gpus: Sequence[Hashable], kind: Hashable) -> int | None:
        """Return the position in ``gpus`` of the one with the fewest trainings, among those where one of ``kind`` may
        begin now; None if it has to wait. A GPU on which nothing runs takes any training."""
        fitting = [place for place, gpu in enumerate(gpus) if self._fits(gpu, kind)]
        return min(fitting, key=lambda place: len(self._running.get(gpus[place], {})), default=None)

    def _fits(self, gpu: Hashable, kind: Hashable) -> bool:
        kinds = [*self._running.get(gpu, {}).values(), kind]
        if len(kinds) == 1:
            return True
        if gpu not in self._totals or any(each in self._alone or each not in self._peaks for each in kinds):
            return False
        return sum(self._peaks[each] for each in kinds) <= (1 - MARGIN) * self._totals[gpu]

    def begin(self, gpu: Hashable, training: Hashable, kind: Hashable) -> None:
        """Take note that ``training`` begins on ``gpu``."""
        here = self._running.setdefault(gpu, {})
        here[training] = kind
        if len(here) > 1:
            self._together |= here.keys()

    def end(
        self, gpu: Hashable, training: Hashable, use: MemoryUse | None = None, *, out_of_memory: bool = False
    ) -> bool:
        """Take note that ``training`` has ended on ``gpu``, and return whether it shall begin again.

        Parameters
        ----------
        gpu, training
            As in :meth:`begin`.
        use
            What it has measured; it counts only if the training was alone.
        out_of_memory
            Whether it ended because memory ran out; it begins again if others had a share of it.
        """
        kind = self._running[gpu].pop(training)
        shared = training in self._together
        self._together.discard(training)
        if out_of_memory and shared:
            self._alone.add(kind)
        elif use is not None and not shared:
            self._peaks[kind] = max(use.peak, self._peaks.get(kind, 0))
            self._totals[gpu] = use.total
        return out_of_memory and shared
