"""Training on a GPU, measured by one command: `python -m benchmarks.gpu`.

It needs torch, numpy, pandas and pydantic, and neither audio nor a tracking store. Contestants
(benchmarks/contestants.py) take turns, order reversed each time, and only ratios within one run count. A contestant is
timed only after its predictions have been compared with those of the plain loop in the same precision; whatever fails
is written down with its message instead of a number. `--device cpu --small` runs every part of it in a minute or two,
to show that it runs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import contestants
from benchmarks.contestants import COMPILED, NAIVE, PLAIN, VARIANTS, Contestant, Variant
from benchmarks.device_features import features_on
from benchmarks.full_fold import full_fold
from benchmarks.peak import arithmetic, memory, seconds_of
from benchmarks.record import RESULTS, spread, write, written_to
from benchmarks.training import FRAMES, N_CLASSES, ROWS
from harness.devices import open_device
from harness.models.build import build_model
from harness.training.isolation import device_name, isolated

SHAPE = (1, ROWS, FRAMES)
# The naive loop lays out memory differently, and with it dropout's draws; a compiled network draws its own. Both are
# compared without dropout.
NAIVE_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    batch: int
    steps: int
    repeats: int
    ceilings: int
    processes: tuple[int, ...]


SMALL = Size(batch=4, steps=2, repeats=1, ceilings=1, processes=(1, 2))


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure as the command line says, write gpu.json unless it is small, and return what was measured."""
    asked = _parser().parse_args(arguments)
    device = open_device(asked.device)
    size = SMALL if asked.small else Size(32, asked.steps, asked.repeats, 11, (1, 2, 4, 8))
    variants = [*VARIANTS, *(COMPILED if not asked.no_compile else ())]
    measured: dict[str, Any] = {
        "device": _device_facts(device),
        "network": {"model": "su4", "input": SHAPE, "batch": size.batch, "steps_per_epoch": size.steps},
    }
    with tempfile.TemporaryDirectory() as name, isolated(device, 0, threads=1):
        folder = Path(name)
        measured["equality"] = _equality(variants, folder, size.batch, device)
        sound = [variant for variant in variants if measured["equality"][variant.name].get("equal")]
        measured["no_wait_within_an_epoch"] = _said(lambda: _waits_for_nothing(folder, size.batch, device))
        measured["epochs"] = _epochs(sound, folder, size, device)
        measured["beginning_a_training"] = _said(lambda: _beginnings(folder, size, device))
    own = _own_way(sound)
    measured["floor"] = _said(lambda: _floors(measured["epochs"]["segments_per_second"], size, device))
    measured["processes"] = _said(lambda: _processes(own, size, asked.device))
    measured["full_fold"] = _said(lambda: full_fold(device, graph=own.graph, small=asked.small))
    measured["features"] = _said(
        lambda: features_on(device, clips=2 if asked.small else 40, repeats=min(size.repeats, 5))
    )
    if asked.small and asked.output is None:
        print(json.dumps(measured, indent=2))
    else:
        with written_to(asked.output or RESULTS):
            write("gpu", measured)
    return measured


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu (default: cuda)")
    parser.add_argument("--steps", type=int, default=500, help="steps per timed epoch (default: 500)")
    parser.add_argument("--repeats", type=int, default=9, help="epochs per contestant (default: 9)")
    parser.add_argument("--small", action="store_true", help="a few steps of everything; writes no file by default")
    parser.add_argument("--no-compile", action="store_true", help="skip torch.compile")
    parser.add_argument("--output", type=Path, help="folder for gpu.json (default: benchmarks/results)")
    return parser


def _equality(variants: list[Variant], folder: Path, batch: int, device: torch.device) -> dict[str, dict[str, Any]]:
    """Train every variant for two epochs from equal seeds, a smaller batch last, and compare predictions."""
    n_items = 3 * batch + batch // 2
    known: dict[str, NDArray[np.float32]] = {}

    def predictions(contestant: Contestant) -> NDArray[np.float32]:
        torch.manual_seed(1)
        for _ in range(2):
            contestant.epoch()
        return contestant.predict()

    def compared(variant: Variant) -> dict[str, Any]:
        if variant.compiled:
            return without_dropout(
                contestants.harness(variant, folder, n_items, batch, device, dropout=0.0),
                next(plain for plain in VARIANTS if plain.name == variant.like),
                variant.tolerance,
            )
        known[variant.name] = predictions(contestants.harness(variant, folder, n_items, batch, device))
        return _difference(known[variant.name], known[variant.like], variant.like, variant.tolerance)

    def without_dropout(contestant: Contestant, plain: Variant, tolerance: float) -> dict[str, Any]:
        reference = contestants.harness(plain, folder, n_items, batch, device, dropout=0.0)
        like = f"{plain.name}, both without dropout"
        return _difference(predictions(contestant), predictions(reference), like, tolerance)

    def naive_compared() -> dict[str, Any]:
        theirs = contestants.naive(folder, n_items, batch, device, 0, dropout=0.0, ordered=True)
        return without_dropout(theirs, VARIANTS[0], NAIVE_TOLERANCE)

    found = {variant.name: _said(partial(compared, variant)) for variant in variants}
    return {**found, NAIVE: _said(naive_compared)}


def _difference(
    ours: NDArray[np.float32], reference: NDArray[np.float32], like: str, tolerance: float
) -> dict[str, Any]:
    largest = float(np.abs(ours - reference).max())
    return {"like": like, "largest_difference": largest, "tolerance": tolerance, "equal": largest <= tolerance}


def _waits_for_nothing(folder: Path, batch: int, device: torch.device) -> dict[str, Any]:
    """Run an epoch in which torch refuses every wait for the GPU; on a CPU there is nothing to refuse."""
    if device.type != "cuda":
        return {"checked": False, "why": "a CPU has no asynchronous work"}
    checked = {}
    for variant in (VARIANTS[2], VARIANTS[-1]):
        contestant = contestants.harness(variant, folder, 5 * batch, batch, device)
        contestant.epoch()
        steps = contestant.steps()
        torch.cuda.set_sync_debug_mode("error")
        try:
            steps()
        finally:
            torch.cuda.set_sync_debug_mode("default")
        checked[variant.name] = True
    return {"checked": checked}


def _epochs(variants: list[Variant], folder: Path, size: Size, device: torch.device) -> dict[str, Any]:
    """Time whole epochs in turns; return segments per second, and ratios within rounds."""
    n_items, workers = size.steps * size.batch, contestants.loader_workers()
    runs = {v.name: contestants.harness(v, folder, n_items, size.batch, device).epoch for v in variants}
    runs[NAIVE] = contestants.naive(folder, n_items, size.batch, device, workers, ordered=False).epoch
    rounds: list[dict[str, float]] = []
    for repeat in range(size.repeats + 1):
        names = list(runs) if repeat % 2 else list(runs)[::-1]
        speeds = {name: n_items / seconds_of(runs[name], device) for name in names}
        if repeat:  # the first round warms up
            rounds.append(speeds)
    pairs = [(name, NAIVE) for name in runs if name != NAIVE]
    pairs += [(v.name, v.like) for v in variants if v.name != v.like and v.like in runs]
    return {
        "naive_loader_workers": workers,
        "segments_per_second": {name: spread([speeds[name] for speeds in rounds]) for name in runs},
        "ratios": {f"{a} / {b}": spread([speeds[a] / speeds[b] for speeds in rounds]) for a, b in pairs},
        "peak_bytes_on_device": torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
    }


def _beginnings(folder: Path, size: Size, device: torch.device) -> dict[str, Any]:
    """Time what a recorded step costs a training: made and recorded anew, against begun again."""
    new, again = [], []
    for _ in range(size.repeats):
        contestant = contestants.harness(VARIANTS[-1], folder, 2 * size.batch, size.batch, device)
        new.append(seconds_of(contestant.epoch, device))
        again.append(seconds_of(contestant.begin_again, device) + seconds_of(contestant.epoch, device))
    return {"two_steps_seconds": {"recorded_anew": spread(new), "begun_again_with_fresh_weights": spread(again)}}


def _floors(speeds: dict[str, dict[str, float]], size: Size, device: torch.device) -> dict[str, Any]:
    """Return the counted floor of a step over ceilings measured here, and how near each contestant comes to it."""
    from benchmarks.counting import counted

    model = build_model("su4", contestants.ModelSection(), SHAPE, N_CLASSES)
    found: dict[str, Any] = {}
    for precision in PLAIN:
        dtype = getattr(torch, precision)
        rates = []
        for contests in (arithmetic(dtype, device), memory(device)):
            rounds = range(size.ceilings)
            best = [max(c.amount / seconds_of(c.action, device) for c in contests.values()) for _ in rounds]
            rates.append(statistics.median(best))
        floor = counted(model, SHAPE, size.batch, dtype.itemsize).floor_seconds(*rates)
        found[precision] = {
            "operations_per_second": rates[0],
            "bytes_per_second": rates[1],
            "floor_microseconds_a_step": 1e6 * floor,
            "floor_over_step": {
                name: floor * speed["median"] / size.batch for name, speed in speeds.items() if precision in name
            },
        }
    return found


def _processes(variant: Variant, size: Size, device_name: str) -> dict[str, Any]:
    """Time epochs of ``variant`` in several processes at once on one device: throughput of all together."""
    context = multiprocessing.get_context("spawn")
    pipes: list[Connection] = []
    speeds: dict[str, Any] = {}
    for count in size.processes:
        while len(pipes) < count:
            ours, theirs = context.Pipe()
            context.Process(target=_process, args=(variant, size, device_name, theirs), daemon=True).start()
            theirs.close()
            pipes.append(ours)
            ours.recv()
        timed = []
        for _ in range(size.repeats + 1):
            began = time.perf_counter()
            for pipe in pipes:
                pipe.send(True)
            for pipe in pipes:
                pipe.recv()
            timed.append(count * size.steps * size.batch / (time.perf_counter() - began))
        speeds[str(count)] = spread(timed[1:])
    for pipe in pipes:
        pipe.close()
    return {"contestant": variant.name, "segments_per_second_by_processes": speeds}


def _process(variant: Variant, size: Size, name: str, pipe: Connection) -> None:
    device = open_device(name)
    with tempfile.TemporaryDirectory() as folder, isolated(device, 0, threads=1), contextlib.suppress(EOFError):
        epoch = contestants.harness(variant, Path(folder), size.steps * size.batch, size.batch, device).epoch
        epoch()
        pipe.send("ready")
        while pipe.recv():
            epoch()
            pipe.send("done")


def _own_way(sound: list[Variant]) -> Variant:
    """Return the harness's own way in bfloat16 with every switch that proved equal (compiling is no switch of it)."""
    own = [variant for variant in sound if not variant.compiled and variant.precision == "bfloat16"]
    return own[-1] if own else VARIANTS[0]


def _said(measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what ``measure`` returns, or what stopped it: one part that fails must not cost the others' numbers."""
    try:
        return measure()
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"[:2000]}


def _device_facts(device: torch.device) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": device_name(device), "type": device.type}
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        facts |= {
            "memory_bytes": properties.total_memory,
            "multiprocessors": properties.multi_processor_count,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
    return facts


if __name__ == "__main__":
    main()
