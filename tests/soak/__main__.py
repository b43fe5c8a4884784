"""python -m tests.soak: run the scenarios, print the table, write the figures."""

from __future__ import annotations

import argparse
import math
import os
import random
import shlex
import sys
import tempfile
import time
from pathlib import Path

# Before anything that reads them is imported: one thread each, as in a study's own trainings.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

# A study of a third of the length, for CI.
SHORT = ("search.trials=2", "train.epochs=1", "evaluate.seeds=1")


def main() -> int:
    """Run what the command line asks for; exit code 1 when anything was lost."""
    from tests.soak.faults import faults, possible, suffered
    from tests.soak.kills import WHERE, killed, undisturbed
    from tests.soak.outcome import Outcome, document, table, write
    from tests.soak.process import preload

    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument(
        "--kills", type=int, default=60, help="minimum number of kills, shared by the kill -9 scenarios"
    )
    parser.add_argument("--times", type=int, default=2, help="repeats of each fault")
    parser.add_argument(
        "--scenario", action="append", choices=[*WHERE, *faults()], help="only this scenario; may be repeated"
    )
    parser.add_argument(
        "--workers", type=int, default=None, help="workers of the kill scenarios; default: 1, some with 2"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments")
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--short", action="store_true", help="use a shorter study")
    asked = parser.parse_args()

    wanted = asked.scenario or [*WHERE, *faults()]
    # Those with two workers come last, so that an early stop leaves the plain ones.
    parts = [
        (name, workers)
        for workers in ([asked.workers] if asked.workers else [1, 2])
        for name in wanted
        if name in WHERE
    ]
    troubles = [name for name in wanted if name in faults() and possible(name)]
    share = {workers: 1.0 if asked.workers else (0.75 if workers == 1 else 0.25) for _, workers in parts}
    began = time.monotonic()
    outcomes: list[Outcome] = []

    def tell(text: str) -> None:
        print(f"{time.monotonic() - began:7.0f} s {text}", flush=True)  # noqa: T201

    def save() -> None:
        if asked.json is not None:
            words = sys.argv[1:]
            if "--json" in words:
                # Where the figures go is no part of how they were made.
                at = words.index("--json")
                words = words[:at] + words[at + 2 :]
            command = shlex.join(["python", "-m", "tests.soak", *words])
            write(asked.json, document(outcomes, command, asked.seed, time.monotonic() - began))

    options = tuple(word for value in (SHORT if asked.short else ()) for word in ("--set", value))
    tell(f"seed {asked.seed}; scenarios: {', '.join(dict.fromkeys(wanted))}")
    preload()
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as temporary:
        root = Path(temporary)
        peace = undisturbed(root / "undisturbed", options)
        tell(f"an undisturbed run: {peace.events[-1].seconds:.0f} s, {len(peace.events)} events")
        for number, (name, workers) in enumerate(parts):
            n_parts = sum(1 for _, other in parts if other == workers)
            kills = math.ceil(share[workers] * asked.kills / n_parts)
            if kills:
                draw = random.Random(f"{asked.seed}/{name}/{workers}")
                outcomes.append(killed(name, kills, peace, root / f"kill-{number}", draw, tell, workers))
                tell(f"{outcomes[-1].scenario}: {outcomes[-1].survived} of {outcomes[-1].tried} survived")
                save()
        for number, name in enumerate(troubles if asked.times else []):
            draw = random.Random(f"{asked.seed}/{name}")
            outcomes.append(suffered(name, asked.times, peace, root / f"fault-{number}", draw, tell))
            save()
    print(table(outcomes))  # noqa: T201
    return 1 if any(outcome.lost for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
