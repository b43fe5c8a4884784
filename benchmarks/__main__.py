"""`python -m benchmarks` runs every benchmark, `python -m benchmarks NAME ...` those named."""

from __future__ import annotations

import sys

from benchmarks import calibration, features, floor, growth, naive, training, whole

BENCHMARKS = {
    "start-up": whole.start_up,
    "features": features.build_features,
    "training": training.overhead,
    "naive": naive.against_naive,
    "floor": floor.floor,
    "quickstart": whole.quickstart,
    "calibration": calibration.calibration,
    "growth": growth.growth,
}

if __name__ == "__main__":
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"unknown benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}")
    for name in names:
        print(f"== {name}")
        BENCHMARKS[name]()
