"""`python -m benchmarks` runs the benchmarks that targets depend on, `python -m benchmarks NAME ...` those named or
`all`; targets come last.

`--quick` runs them with the fewest repeats and smallest sizes, to show that they run, and writes nothing into the
results. `--json DIR` writes the results into DIR instead.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import (
    alternatives,
    calibration,
    cold,
    coordinator,
    duplicates,
    features,
    floor,
    growth,
    holdout_calibration,
    large,
    load,
    naive,
    outside,
    pruning,
    record,
    scheduling,
    step_profile,
    targets,
    training,
    whole,
)
from benchmarks.memory import training_memory
from benchmarks.peers import measure
from benchmarks.peers import verdict as peers_verdict
from benchmarks.peers.planes import race as planes
from harness.errors import HarnessError


@dataclass(frozen=True)
class Benchmark:
    """One benchmark in full and in its quick form; ``minutes`` in full on 2 quiet cores of 2025.

    ``routine``: `make bench` runs it.
    """

    run: Callable[[], None]
    quick: Callable[[], None]
    minutes: float
    routine: bool = True


# What needs a quiet machine most comes first, so that it is seen early whether it is one.
BENCHMARKS = {
    "start-up": Benchmark(whole.start_up, partial(whole.start_up, 2, 1), 0.7),
    "peers": Benchmark(measure.peers, partial(measure.peers, 1, ("su4",), 5), 11.0),
    "floor": Benchmark(floor.floor, partial(floor.floor, 2), 1.0),
    "profile": Benchmark(step_profile.step_profile, partial(step_profile.step_profile, 2, 1), 0.5),
    "alternatives": Benchmark(
        alternatives.alternatives, partial(alternatives.alternatives, 1, ("su4",), compiled=False), 5.0, routine=False
    ),
    "naive": Benchmark(partial(naive.against_naive, repeats=3), partial(naive.against_naive, 3, 1), 2.0),
    "training": Benchmark(training.overhead, partial(training.overhead, 2, 2), 1.5, routine=False),
    "planes": Benchmark(planes.planes, partial(planes.planes, 1, 2), 4.0),
    "features": Benchmark(
        partial(features.build_features, 2), partial(features.build_features, 1, {"esc10": (10, 20)}), 3.5
    ),
    "verdict": Benchmark(peers_verdict.verdict, partial(peers_verdict.verdict, 1, 1, (1, 2, 3)), 5.0),
    "cold": Benchmark(cold.cold, partial(cold.cold, 1, 1), 2.5),
    "outside": Benchmark(partial(outside.outside, epochs=2), partial(outside.outside, 1, 1, (1, 2, 3)), 3.0),
    "memory": Benchmark(partial(training_memory, 1), partial(training_memory, 1, (8, 32), (50, 100)), 2.0),
    "growth": Benchmark(partial(growth.growth, 2), partial(growth.growth, 1, {"trials": (1, 2, 3)}), 2.8),
    "large": Benchmark(large.large, partial(large.large, 1, (3, 1), (2, 3, 4), 1), 4.0, routine=False),
    "load": Benchmark(load.load, partial(load.load, 1, (1,)), 12.0, routine=False),
    "scheduling": Benchmark(scheduling.scheduling, partial(scheduling.scheduling, (16,), (5,)), 2.5, routine=False),
    "duplicates": Benchmark(
        duplicates.duplicates, partial(duplicates.duplicates, 1, (20, 40), 60), 25.0, routine=False
    ),
    "pruning": Benchmark(pruning.pruning, partial(pruning.pruning, 1, 4, 3), 35.0, routine=False),
    "coordinator": Benchmark(coordinator.coordinator, partial(coordinator.coordinator, (20,), 5), 8.0, routine=False),
    "quickstart": Benchmark(whole.quickstart, whole.quickstart, 2.5, routine=False),
    "calibration": Benchmark(
        calibration.calibration, partial(calibration.calibration, 500, 500, claims=500), 0.8, routine=False
    ),
    "calibration-holdout": Benchmark(
        holdout_calibration.holdout_calibration,
        partial(holdout_calibration.holdout_calibration, 50, designs=holdout_calibration.DESIGNS[:4]),
        6.0,
        routine=False,
    ),
}


OTHERS = ("all", "targets")
"""Names of no benchmark: every one, and the targets alone."""


def chosen(names: Sequence[str]) -> list[str]:
    """Return the benchmarks that the command line names; without names those that `make bench` runs."""
    if "all" in names:
        return list(BENCHMARKS)
    if names:
        return [name for name in names if name not in OTHERS]
    return [name for name, benchmark in BENCHMARKS.items() if benchmark.routine]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line names, then the targets."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of: {', '.join(BENCHMARKS)}, {', '.join(OTHERS)}"
    )
    parser.add_argument("--quick", action="store_true", help="few repeats, small sizes; results are not written")
    parser.add_argument("--json", type=Path, metavar="DIR", help="folder of the results [default: benchmarks/results]")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name not in {*BENCHMARKS, *OTHERS}]
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]!r}; allowed: {', '.join(BENCHMARKS)}, {', '.join(OTHERS)}")
    names = chosen(asked.names)
    with ExitStack() as stack:
        elsewhere: Path | None = asked.json
        if asked.quick:
            elsewhere = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if elsewhere is not None:
            stack.enter_context(record.written_to(elsewhere))
        failed = _run(names, quick=asked.quick)
        targets.targets(None if elsewhere is not None else targets.README)
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
        except Exception:
            # An hour of other measurements must not be lost with this one.
            traceback.print_exc()
            failed.append(name)
        left -= benchmark.minutes
        print(f"== {name} took {time.perf_counter() - began:.0f} s", flush=True)
    return failed


if __name__ == "__main__":
    main()
