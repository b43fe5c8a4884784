"""How many trainings share a GPU: what is not measured runs alone, what is measured fits, what runs out begins again.

The GPUs are simulated: a training that begins where the sum of what all use exceeds the memory runs out of it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.executors.gpu_memory import MemoryUse
from harness.executors.packing import MARGIN, Packing, memory_kind
from tests.toys import N_CLASSES, settings_of, task_of, write_segments

TOTAL = 1000


@dataclass(eq=False)
class Made:
    """A made-up training: its kind, and the bytes that it really uses."""

    kind: int
    uses: int
    attempts: int = 0


class Gpus:
    """GPUs that take ``most`` trainings each, and end them in a drawn order."""

    def __init__(self, number: int, most: int) -> None:
        self.packing = Packing()
        self.running: list[list[Made]] = [[] for _ in range(number)]
        self.most = most
        self.measured: dict[int, int] = {}
        self.ended: list[Made] = []
        self.failed: list[Made] = []
        self.repeated: list[Made] = []
        self.joined: set[Made] = set()
        self.widest = 0

    def begin(self, training: Made) -> bool:
        room = [gpu for gpu, here in enumerate(self.running) if len(here) < self.most]
        chosen = self.packing.choose(room, training.kind)
        if chosen is None:
            # Never without reason: something runs on every GPU that has room.
            assert all(self.running[gpu] for gpu in room)
            return False
        here = self.running[room[chosen]]
        if here:
            assert sum(self.measured[each.kind] for each in [*here, training]) <= (1 - MARGIN) * TOTAL
        self.packing.begin(room[chosen], training, training.kind)
        here.append(training)
        if len(here) > 1:
            self.joined |= set(here)
        training.attempts += 1
        self.widest = max(self.widest, len(here))
        if sum(each.uses for each in here) > TOTAL:
            self.end(room[chosen], training, out_of_memory=True)
        return True

    def end(self, gpu: int, training: Made, *, out_of_memory: bool = False) -> None:
        here = self.running[gpu]
        here.remove(training)
        # What is measured beside others includes what they use.
        use = None if out_of_memory else MemoryUse(training.uses + sum(each.uses for each in here), TOTAL)
        if self.packing.end(gpu, training, use, out_of_memory=out_of_memory):
            self.joined.discard(training)
            self.repeated.append(training)
            return
        if out_of_memory:
            assert not here
            self.failed.append(training)
            return
        self.ended.append(training)
        if training not in self.joined:
            self.measured[training.kind] = max(training.uses, self.measured.get(training.kind, 0))


def run(gpus: Gpus, trainings: list[Made], order: st.DataObject) -> None:
    waiting = list(trainings)
    while waiting or any(gpus.running):
        while waiting and any(len(here) < gpus.most for here in gpus.running) and gpus.begin(waiting[0]):
            waiting.pop(0)
            waiting = gpus.repeated + waiting
            gpus.repeated = []
        busy = [(gpu, each) for gpu, here in enumerate(gpus.running) for each in here]
        if busy:
            gpus.end(*order.draw(st.sampled_from(busy)))


@given(
    st.data(),
    st.integers(1, 3),
    st.integers(1, 4),
    st.lists(st.integers(1, 900), min_size=1, max_size=4),
    st.lists(st.integers(0, 3), min_size=1, max_size=14),
)
def test_trainings_that_use_what_their_kind_does_never_run_out(
    order: st.DataObject, number: int, most: int, peaks: list[int], kinds: list[int]
) -> None:
    gpus = Gpus(number, most)
    trainings = [Made(kind % len(peaks), peaks[kind % len(peaks)]) for kind in kinds]
    run(gpus, trainings, order)
    assert {id(each) for each in gpus.ended} == {id(each) for each in trainings}
    assert all(each.attempts == 1 for each in trainings)
    assert gpus.failed == []
    assert gpus.widest <= most


@given(st.data(), st.integers(1, 2), st.lists(st.tuples(st.integers(0, 2), st.integers(1, 1300)), max_size=12))
def test_trainings_that_run_out_beside_others_begin_again_alone_once(
    order: st.DataObject, number: int, made: list[tuple[int, int]]
) -> None:
    gpus = Gpus(number, 4)
    trainings = [Made(kind, uses) for kind, uses in made]
    run(gpus, trainings, order)
    assert sorted(map(id, gpus.ended + gpus.failed)) == sorted(map(id, trainings))
    assert all(each.uses > TOTAL for each in gpus.failed)
    assert all(each.uses <= TOTAL for each in gpus.ended)
    assert all(each.attempts <= 2 for each in trainings)


def test_small_trainings_share_a_gpu_once_the_first_was_measured() -> None:
    gpus = Gpus(1, 6)
    first, *others = [Made(0, 300) for _ in range(6)]
    assert gpus.begin(first)
    assert not gpus.begin(others[0])
    gpus.end(0, first)
    # Three of 300 are 900 of 1,000 bytes, the margin is 10 %.
    assert [gpus.begin(each) for each in others[:4]] == [True, True, True, False]
    assert gpus.packing.choose([0], "not measured") is None
    # Measured beside others, they seem to use more.
    for each in others[:3]:
        gpus.end(0, each)
    assert [gpus.begin(Made(0, 300)) for _ in range(4)] == [True, True, True, False]


def test_a_gpu_that_nothing_has_measured_takes_one_training() -> None:
    packing = Packing()
    packing.begin("a", 1, "kind")
    packing.end("a", 1, MemoryUse(10, TOTAL))
    packing.begin("b", 2, "kind")
    assert packing.choose(["b"], "kind") is None
    packing.end("b", 2, MemoryUse(10, TOTAL))
    packing.begin("b", 3, "kind")
    assert packing.choose(["b"], "kind") == 0
    assert packing.choose(["b", "a"], "kind") == 1


def test_what_trainings_of_a_kind_have_in_common(tmp_path: Path) -> None:
    labels = np.arange(24, dtype=np.int64) % N_CLASSES
    task = task_of(write_segments(tmp_path, labels), labels)
    alike = dataclasses.replace(task, fold=2, seed=9, trial=3, settings=settings_of(lr=0.5, epochs=9))
    assert memory_kind(alike) == memory_kind(task)
    for settings in (settings_of(batch_size=16), settings_of("su8"), settings_of(precision="bfloat16")):
        assert memory_kind(dataclasses.replace(task, settings=settings)) != memory_kind(task)
