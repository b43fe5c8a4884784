"""`python -m benchmarks` runs every benchmark, `python -m benchmarks NAME ...` those named; targets come last.

`--quick` runs them with the fewest repeats and smallest sizes, to show that they run, and writes nothing into the
results.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import (
    calibration,
    coordinator,
    duplicates,
    features,
    floor,
    growth,
    holdout_calibration,
    load,
    memory,
    naive,
    outside,
    record,
    scheduling,
    step_profile,
    targets,
    training,
    whole,
)
from harness.errors import HarnessError


@dataclass(frozen=True)
class Benchmark:
    """One benchmark in full and in its quick form; ``minutes`` in full on 2 quiet cores of 2025."""

    run: Callable[[], None]
    quick: Callable[[], None]
    minutes: float


# What needs a quiet machine most comes first, so that it is seen early whether it is one.
BENCHMARKS = {
    "start-up": Benchmark(whole.start_up, partial(whole.start_up, 2), 0.1),
    "floor": Benchmark(floor.floor, partial(floor.floor, 2), 0.5),
    "profile": Benchmark(step_profile.step_profile, partial(step_profile.step_profile, 2, 1), 0.5),
    "naive": Benchmark(naive.against_naive, partial(naive.against_naive, 3, 1), 3.0),
    "training": Benchmark(training.overhead, partial(training.overhead, 2, 2), 1.5),
    "features": Benchmark(features.build_features, partial(features.build_features, 1, {"esc10": (10, 20)}), 5.0),
    "outside": Benchmark(outside.outside, partial(outside.outside, 1, 1, (1, 2, 3)), 4.5),
    "memory": Benchmark(memory.training_memory, partial(memory.training_memory, 1, (8, 32), (50, 100)), 5.0),
    "growth": Benchmark(growth.growth, partial(growth.growth, 1, {"trials": (1, 2, 3)}), 4.0),
    "load": Benchmark(load.load, partial(load.load, 1, (1,)), 12.0),
    "scheduling": Benchmark(scheduling.scheduling, partial(scheduling.scheduling, (16,), (5,)), 2.5),
    "duplicates": Benchmark(duplicates.duplicates, partial(duplicates.duplicates, 1, (20, 40), 60), 25.0),
    "coordinator": Benchmark(coordinator.coordinator, partial(coordinator.coordinator, (20,), 5), 8.0),
    "quickstart": Benchmark(whole.quickstart, whole.quickstart, 2.5),
    "calibration": Benchmark(calibration.calibration, partial(calibration.calibration, 500, 500, claims=500), 0.8),
    "calibration-holdout": Benchmark(
        holdout_calibration.holdout_calibration,
        partial(holdout_calibration.holdout_calibration, 50, designs=holdout_calibration.DESIGNS[:4]),
        6.0,
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line names, then the targets."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(BENCHMARKS)}, targets")
    parser.add_argument("--quick", action="store_true", help="few repeats, small sizes; results are not written")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name not in {*BENCHMARKS, "targets"}]
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]!r}; allowed: {', '.join(BENCHMARKS)}, targets")
    names = [name for name in asked.names or BENCHMARKS if name != "targets"]
    with ExitStack() as stack:
        if asked.quick:
            stack.enter_context(record.written_to(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        failed = _run(names, quick=asked.quick)
        targets.targets(None if asked.quick else targets.README)
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}; see the reasons above")


def _run(names: Sequence[str], *, quick: bool) -> list[str]:
    """Run the named benchmarks; return those that could not run, for example without audio."""
    left = 0.0 if quick else sum(BENCHMARKS[name].minutes for name in names)
    failed = []
    for position, name in enumerate(names, start=1):
        benchmark = BENCHMARKS[name]
        ahead = "" if quick else f", about {left:.0f} minutes to go"
        print(f"== {name} ({position} of {len(names)}{ahead})", flush=True)
        began = time.perf_counter()
        try:
            (benchmark.quick if quick else benchmark.run)()
        except HarnessError as error:
            print(f"{name}: {error}")
            failed.append(name)
        left -= benchmark.minutes
        print(f"== {name} took {time.perf_counter() - began:.0f} s", flush=True)
    return failed


if __name__ == "__main__":
    main()
