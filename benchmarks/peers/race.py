"""All contestants train the same network on the same items, an epoch each in turns.

All live for the whole race, started one after another; only the one whose turn it is works. The first epoch warms up
and is watched for its memory; the order is reversed in every second round, and only ratios within a round count.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.peers import made_items
from benchmarks.peers.contestants import HARNESS, Contestant
from benchmarks.peers.drivers.job import Job
from benchmarks.peers.family_memory import Watch, family_bytes
from benchmarks.peers.running import Running
from benchmarks.record import spread

BATCH = 32
RATE, MOMENTUM, DECAY = 0.001, 0.9, 0.001
"""The defaults of a study."""
STEPS = {"su4": 30, "resnet18": 10}
"""Of an epoch: as many items of every class, and an ESC-10 fold's worth of images."""


def race(
    network: str, contestants: Mapping[str, tuple[Contestant, Path]], repeats: int, steps: int | None = None
) -> dict[str, Any]:
    """Return speeds, starts, memory and losses of ``contestants`` (with their interpreters) on ``network``."""
    steps = steps or STEPS[network]
    with started(network, contestants, steps, repeats + 1, dropout=0.5, shuffled=True) as running:
        memory, rounds, losses = {}, [], {}
        for name, one in running.items():
            with Watch(one.pids) as watch:
                one.epoch()
            one.ready()
            memory[name] = watch.peak
        for repeat in range(repeats):
            began, taken = time.perf_counter(), {}
            for name in list(running)[:: 1 if repeat % 2 else -1]:
                taken[name], losses[name] = running[name].epoch()
                running[name].ready()
            rounds.append({name: _items(running[name], steps) / seconds for name, seconds in taken.items()})
            left = (repeats - repeat - 1) * (time.perf_counter() - began)
            print(f"{network}: round {repeat + 1} of {repeats}, about {left / 60:.1f} minutes to go", flush=True)
        starts = {name: one.start_seconds for name, one in running.items()}
    return {
        "batch": BATCH,
        "steps_an_epoch": steps,
        "items_a_second": {name: spread([speeds[name] for speeds in rounds]) for name in running},
        "ratios": ratios(rounds),
        "start_seconds": starts,
        "peak_megabytes": {name: round(family_bytes(members) / 1e6) for name, members in memory.items()},
        "peak_megabytes_by_process": {
            name: [{"own": round(one.own / 1e6), "files": round(one.files / 1e6)} for one in members]
            for name, members in memory.items()
        },
        "last_losses": losses,
    }


def ratios(rounds: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float | int]]:
    """Return the harness's speed over that of each other contestant, within rounds."""
    others = [name for name in rounds[0] if name != HARNESS] if HARNESS in rounds[0] else []
    return {f"{HARNESS} / {name}": spread([one[HARNESS] / one[name] for one in rounds]) for name in others}


@contextmanager
def started(
    network: str,
    contestants: Mapping[str, tuple[Contestant, Path]],
    steps: int,
    epochs: int,
    *,
    dropout: float,
    shuffled: bool,
) -> Iterator[dict[str, Running]]:
    """Start all ``contestants``, each ready for its first epoch of ``epochs``; end them afterwards.

    Each is asked for one epoch more, so that it waits after the last one instead of finishing during another's turn.
    """
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        made_items.make(network, steps * BATCH, BATCH, folder)
        running = {}
        for number, (key, (contestant, python)) in enumerate(contestants.items()):
            job = Job(
                network=network,
                items=str(folder),
                epochs=epochs + 1,
                batch=BATCH,
                threads=contestant.threads,
                loader_workers=contestant.loader_workers,
                lr=RATE,
                momentum=MOMENTUM,
                weight_decay=DECAY,
                dropout=dropout,
                shuffled=shuffled,
                scratch="",
            )
            running[key] = Running(contestant, python, job, folder / f"contestant{number}")
            stack.callback(running[key].close)
            print(f"{network}: {key} started in {running[key].start_seconds:.1f} s", flush=True)
        yield running


def _items(one: Running, steps: int) -> int:
    return steps * BATCH * one.contestant.processes
