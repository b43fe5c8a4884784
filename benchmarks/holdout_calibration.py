"""How often the tests of a hold-out data set are wrong: simulated test parts of which the truth is known.

A clip is right where a latent normal variable is above the threshold of its class. The variable is a sum of what makes
the recording hard, what makes the clip hard, how good the training is, and what that training makes of that clip. Two
arms share :data:`SHARED` of the first two variances. An arm is held against its own true accuracy, against another,
equally good arm (paired by clip), and against a claim: the accuracy of one training of an equally good network on the
same clips. Every rate comes with its Monte Carlo standard error. Accuracies are percentages.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats
from threadpoolctl import threadpool_limits

from benchmarks.claim_calibration import percent, share
from benchmarks.record import write, write_table
from harness.errors import StatisticsError
from harness.report.typeset.latex_table import Table
from harness.statistics.holdout import HoldoutTest, holdout_accuracy, holdout_difference

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ALPHA = 0.05
RECORDING, CLIP, CHANCE = 0.8, 0.6, 0.8
"""Standard deviations of the latent variable's parts."""
SHARED = 0.5
CLASS_SPREAD = 0.5
MOST_CLIPS = 4
"""A recording has 1 to this many clips, equally often."""
KINDS = ("own accuracy", "another arm", "a claim")
WRONG = ("found", "consistent_below", "consistent_above")
"""The errors that are counted: a difference where there is none, and equivalence at either end of the margin."""


@dataclass(frozen=True)
class Level:
    """A true ``accuracy``, the ``margin`` tested there, and the SD of the accuracies of ``trainings``; points."""

    accuracy: float
    margin: float
    trainings: float


LEVELS = (Level(80.0, 4.0, 1.5), Level(97.0, 2.0, 0.5))
SIZES = ((30, 10), (30, 50), (100, 50), (400, 10), (400, 50))
"""Recordings of the test part, and classes; with fewer recordings than classes each has a class of its own."""
SEEDS = (1, 3, 5)


@dataclass(frozen=True)
class Design:
    """A kind of study. ``as_trained`` asks about the networks as they were trained, which one seed can answer, instead
    of about their trainings on average."""

    recordings: int
    classes: int
    level: Level
    seeds: int
    as_trained: bool


DESIGNS = tuple(
    Design(*size, level, seeds, as_trained)
    for size, level, seeds in product(SIZES, LEVELS, SEEDS)
    for as_trained in ((True, False) if seeds == 1 else (False,))
)


def holdout_calibration(studies: int = 2_000, seed: int = 22, designs: Sequence[Design] = DESIGNS) -> None:
    """Measure the rates of wrong verdicts and write them as JSON and as a LaTeX table."""
    began = time.perf_counter()
    with threadpool_limits(limits=1):
        measured = [
            row
            for design, one in zip(designs, np.random.SeedSequence(seed).spawn(len(designs)), strict=True)
            for row in rates(design, studies, np.random.default_rng(one))
        ]
    parts = {"recording": RECORDING, "clip": CLIP, "chance": CHANCE, "shared": SHARED, "class_spread": CLASS_SPREAD}
    write(
        "calibration_holdout",
        {
            "libraries": {name: version(name) for name in ("numpy", "scipy")},
            "seed": seed,
            "studies": studies,
            "settings": {"alpha": ALPHA, "latent": parts, "most_clips": MOST_CLIPS},
            "seconds": round(time.perf_counter() - began, 1),
            "rates": measured,
        },
    )
    write_table(holdout_table(measured))


class Simulation:
    """Studies of one design."""

    def __init__(self, design: Design) -> None:
        self.design = design
        # Classes without a recording are not part of the accuracy.
        n = min(design.classes, design.recordings)
        self._spread_C = CLASS_SPREAD * stats.norm.ppf((np.arange(n) + 0.5) / n)
        level, self._fixed = design.level, float(np.hypot(np.hypot(RECORDING, CLIP), CHANCE))
        centre = self._centre(level.accuracy)
        slope = 100 * stats.norm.pdf(centre + self._spread_C).mean() / self._fixed
        self._training = 0.0 if design.as_trained else level.trainings / slope
        self._centres = [self._centre(level.accuracy + shift) for shift in (0.0, -level.margin, level.margin)]

    def drawn(self, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp], Bools, list[Bools]]:
        """Return labels and recordings, shapes (N,), what an arm has right, shape (N, S), and the same of another arm
        that is equally good, worse by the margin, and better by the margin."""
        recordings, seeds = self.design.recordings, self.design.seeds
        recording = np.repeat(np.arange(recordings), rng.integers(1, MOST_CLIPS + 1, recordings))
        label = recording % len(self._spread_C)

        def hard(sd: float, n: int) -> list[Floats]:
            common, own = rng.standard_normal(n), rng.standard_normal((2, n))
            return [sd * (np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * each) for each in own]

        latent = [
            of_recording[recording][:, None]
            + of_clip[:, None]
            + self._training * rng.standard_normal(seeds)
            + CHANCE * rng.standard_normal((recording.size, seeds))
            for of_recording, of_clip in zip(hard(RECORDING, recordings), hard(CLIP, recording.size), strict=True)
        ]
        total = np.hypot(self._fixed, self._training)
        over = [-total * (centre + self._spread_C)[label][:, None] for centre in self._centres]
        return label, recording, latent[0] > over[0], [latent[1] > each for each in over]

    def _centre(self, accuracy: float) -> float:
        def beyond(centre: float) -> float:
            return 100 * float(stats.norm.cdf(centre + self._spread_C).mean()) - accuracy

        return float(optimize.brentq(beyond, -6, 6))


def rates(design: Design, studies: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return one row per kind of comparison: how often each error is made, and how often no test can be; shares."""
    simulation, level = Simulation(design), design.level
    outcomes = {kind: {error: np.zeros(studies, bool) for error in (*WRONG, "refused")} for kind in KINDS}
    for study in range(studies):
        label, recording, first, others = simulation.drawn(rng)
        for kind, found in outcomes.items():
            try:
                equal, below, above = _tests(kind, label, recording, first, others, level)
            except StatisticsError:
                found["refused"][study] = True
                continue
            found["found"][study] = equal.p < ALPHA
            found["consistent_below"][study] = below.equivalence_p(level.margin) < ALPHA
            found["consistent_above"][study] = above.equivalence_p(level.margin) < ALPHA
    common = {
        "recordings": design.recordings,
        "classes": design.classes,
        "accuracy": level.accuracy,
        "margin": level.margin,
        "trainings_sd": level.trainings,
        "seeds": design.seeds,
        "as_trained": design.as_trained,
        "n": studies,
    }
    return [
        {**common, "against": kind, **{error: share(each) for error, each in found.items()}}
        for kind, found in outcomes.items()
    ]


def _tests(
    kind: str, label: NDArray[np.intp], recording: NDArray[np.intp], first: Bools, others: Sequence[Bools], level: Level
) -> list[HoldoutTest]:
    """Return the tests against something equally good, and against something that is worse and better by the margin."""
    if kind == "another arm":
        return [holdout_difference(first, other, label, recording) for other in others]
    if kind == "own accuracy":
        targets = [level.accuracy + shift for shift in (0.0, -level.margin, level.margin)]
    else:
        targets = [_macro(other[:, 0], label) for other in others]
    test = holdout_accuracy(first, label, recording, targets[0], exact=kind == "own accuracy")
    # The target changes nothing but itself, which spares the work of a test; intervals are not looked at.
    shifted = [
        replace(test, difference=test.difference + targets[0] - target, sources=replace(test.sources, target=target))
        for target in targets[1:]
    ]
    return [test, *shifted]


def _macro(correct: Bools, label: NDArray[np.intp]) -> float:
    return float(100 * (np.bincount(label, weights=correct) / np.bincount(label)).mean())


def holdout_table(measured: Sequence[dict[str, Any]]) -> Table:
    """Return the rates in percent with their Monte Carlo standard errors; the table's twin holds shares."""
    data = pd.DataFrame(measured)
    columns: dict[tuple[str, str], list[str]] = {
        ("", "against"): list(data["against"]),
        ("", "recordings"): [str(each) for each in data["recordings"]],
        ("", "classes"): [str(each) for each in data["classes"]],
        ("", "accuracy"): [f"{each:g}" for each in data["accuracy"]],
        ("", "seeds"): [
            f"{seeds}{', as trained' * as_trained}{', not covered' * (seeds == 1 and not as_trained)}"
            for seeds, as_trained in zip(data["seeds"], data["as_trained"], strict=True)
        ],
        ("wrong", "lower or higher"): [percent(cell) for cell in data["found"]],
        ("wrong: consistent", "better"): [percent(cell) for cell in data["consistent_below"]],
        ("wrong: consistent", "worse"): [percent(cell) for cell in data["consistent_above"]],
        ("", "no test"): [percent(cell) for cell in data["refused"]],
    }
    margins = ", ".join(f"±{each.margin:g} at {each.accuracy:g} %" for each in LEVELS)
    spreads = ", ".join(f"{each.trainings:g} points at {each.accuracy:g} %" for each in LEVELS)
    caption = (
        "How often a comparison on a hold-out data set is wrong, in simulated studies, in % with the Monte Carlo "
        f"standard error in brackets; alpha = {ALPHA:g}; {measured[0]['n']:,} studies a row. Recordings have 1 to "
        f"{MOST_CLIPS} clips. Against: the arm's own true accuracy; another arm on the same clips, paired by clip; a "
        "claim, which is one training of another network on the same clips. Lower or higher: wrong, since both are "
        f"equally good. Consistent, within {margins}: wrong, since the arm is better, or worse, by as much. Wrong "
        f"verdicts should not exceed {100 * ALPHA:g}. SD of trainings: {spreads}; with one seed it is unknown: as "
        "trained, the trainings do not vary, which is what the test then promises; not covered: they do."
    )
    firsts = [row for row in range(1, len(data)) if data["against"][row] != data["against"][row - 1]]
    return Table(
        name="calibration_holdout",
        title="Calibration of the tests of hold-out data sets",
        caption=caption,
        printed=pd.DataFrame(columns),
        data=data,
        text_columns=1,
        rules=tuple(firsts),
    )
