"""How often the tests over folds are wrong: simulated cross-validation in which the truth is known.

Three kinds of data. *Normal*: fold values drawn with the correlation that the correction assumes, 1 / k. *One arm* and
*two arms*: real cross-validation of a nearest-mean classifier on clips that come in recordings, so that training sets
truly overlap; one arm is held against its own expected accuracy, two arms of equal expected accuracy against each other
by fold. Every rate stands beside its Monte Carlo standard error. Accuracies are percentage points.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from threadpoolctl import threadpool_limits

from benchmarks.claim_calibration import claim_rates, claim_table, percent, rounding_rates, share
from benchmarks.record import write, write_table
from harness.report.report_section import Table
from harness.statistics.correction import fold_ratio, standard_error

Floats = NDArray[np.float64]

FOLDS = (3, 5, 10)
SD = 4.0
DIFFERENCES = (0.0, 1.0, 2.0, 4.0, 8.0)
MARGINS = (2.0, 4.0)
ALPHA = 0.05
TESTS = ("naive", "corrected")

# 400 clips of 10 classes, as ESC-10 has, here two of each recording.
N_CLASSES, RECORDINGS_PER_CLASS, CLIPS_PER_RECORDING = 10, 20, 2
N_SHARED, N_OWN = 20, 20
SEPARATION, RECORDING_SPREAD = 0.5, 0.7
_BATCH = 200


@dataclass(frozen=True)
class Simulated:
    """Fold values of many studies, shape (R, k), and the mean they have in truth."""

    name: str
    fold_values: Floats
    truth: float


def calibration(simulations: int = 200_000, datasets: int = 20_000, seed: int = 20, claims: int = 100_000) -> None:
    """Measure the rates of every verdict and write them as JSON and as a LaTeX table."""
    began = time.perf_counter()
    with threadpool_limits(limits=1):
        measured = [
            row
            for k, seeds in zip(FOLDS, np.random.SeedSequence(seed).spawn(len(FOLDS)), strict=True)
            for simulated in simulate(k, simulations, datasets, seeds)
            for row in rates(simulated)
        ]
        claim_seed, rounding_seed = np.random.SeedSequence((seed, 1)).spawn(2)
        of_claims, rounded = claim_rates(claims, claim_seed), rounding_rates(claims, rounding_seed)
    versions = {name: version(name) for name in ("numpy", "scipy", "statsmodels")}
    write(
        "calibration",
        {
            "libraries": versions,
            "seed": seed,
            "simulations": {"normal": simulations, "one arm": datasets, "two arms": datasets, "claims": claims},
            "settings": {"alpha": ALPHA, "fold_sd_of_normal": SD, "differences": DIFFERENCES, "margins": MARGINS},
            "seconds": round(time.perf_counter() - began, 1),
            "rates": measured,
            "claim_rates": of_claims,
            "rounding_rates": rounded,
        },
    )
    write_table(rate_table(measured))
    write_table(claim_table(of_claims, rounded))


def simulate(k: int, simulations: int, datasets: int, seeds: np.random.SeedSequence) -> list[Simulated]:
    """Return the three kinds of simulated studies with ``k`` folds."""
    normal_seed, arms_seed = seeds.spawn(2)
    first_RK, second_RK = cross_validated(k, datasets, np.random.default_rng(arms_seed))
    return [
        Simulated("normal", correlated_normal(k, simulations, np.random.default_rng(normal_seed)), 0.0),
        # Nobody knows a classifier's expected accuracy; the mean of all data sets is within a few hundredths of it.
        Simulated("one arm", first_RK, float(first_RK.mean())),
        Simulated("two arms", first_RK - second_RK, 0.0),
    ]


def correlated_normal(k: int, simulations: int, rng: np.random.Generator) -> Floats:
    """Return normal fold values around 0, shape (R, k): correlation 1 / k, and SD within a study expected at SD."""
    common = np.sqrt(1 / (k - 1)) * rng.standard_normal((simulations, 1))
    values_RK: Floats = SD * (common + rng.standard_normal((simulations, k)))
    return values_RK


def cross_validated(k: int, datasets: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the fold accuracies of two arms in k-fold cross-validation, shapes (R, k); recordings never cross folds.

    Both arms see the shared features and each its own, drawn alike: their expected accuracies are equal by symmetry,
    and their folds rise and fall together.
    """
    centres_CD = SEPARATION * rng.standard_normal((N_CLASSES, N_SHARED + N_OWN))
    centres_CD = np.concatenate([centres_CD, centres_CD[:, N_SHARED:]], axis=1)
    second = np.r_[0:N_SHARED, N_SHARED + N_OWN : N_SHARED + 2 * N_OWN]
    arms: tuple[list[Floats], list[Floats]] = ([], [])
    for start in range(0, datasets, _BATCH):
        x = _clips(centres_CD, min(_BATCH, datasets - start), k, rng)
        arms[0].append(_nearest_mean(x[..., : N_SHARED + N_OWN]))
        arms[1].append(_nearest_mean(x[..., second]))
    return np.concatenate(arms[0]), np.concatenate(arms[1])


def _clips(centres_CD: Floats, datasets: int, k: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return clips, shape (R, k, C, n, D): n of each class in each fold, those of a recording side by side."""
    recordings = (datasets, k, N_CLASSES, RECORDINGS_PER_CLASS // k, 1, centres_CD.shape[1])
    clips = (*recordings[:4], CLIPS_PER_RECORDING, recordings[5])
    x = rng.standard_normal(clips, dtype=np.float32)
    x += np.float32(RECORDING_SPREAD) * rng.standard_normal(recordings, dtype=np.float32)
    x += centres_CD[:, None, None, :].astype(np.float32)
    return x.reshape(datasets, k, N_CLASSES, -1, centres_CD.shape[1])


def _nearest_mean(x_RKCND: NDArray[np.float32]) -> Floats:
    """Train on all folds but one, test on that one; return accuracies in points, shape (R, k)."""
    k, n_classes, n, features = x_RKCND.shape[1:]
    sums = x_RKCND.sum(axis=3)
    means_RKCD = (sums.sum(axis=1, keepdims=True) - sums) / (n * (k - 1))
    tested = x_RKCND.reshape(len(x_RKCND), k, n_classes * n, features)
    closeness = tested @ means_RKCD.transpose(0, 1, 3, 2) - 0.5 * (means_RKCD**2).sum(axis=-1)[:, :, None, :]
    right = closeness.argmax(axis=-1) == np.repeat(np.arange(n_classes), n)
    accuracy_RK: Floats = 100 * right.mean(axis=-1, dtype=np.float64)
    return accuracy_RK


def rates(simulated: Simulated) -> list[dict[str, Any]]:
    """Return, for every true difference, how often each test says lower, higher or consistent; shares in 0..1."""
    values, k = simulated.fold_values, simulated.fold_values.shape[1]
    common = {
        "data": simulated.name,
        "k": k,
        "n": len(values),
        "fold_sd": float(np.sqrt(values.var(axis=1, ddof=1).mean())),
        "fold_correlation": _fold_correlation(values),
    }
    rows = []
    for difference in DIFFERENCES:
        row: dict[str, Any] = {**common, "true_difference": difference}
        for test in TESTS:
            t, half_width = _tests(values, simulated.truth - difference, fold_ratio(k) if test == "corrected" else 0.0)
            critical = stats.t.isf(ALPHA / 2, k - 1)
            row[f"{test}_lower"] = share(t < -critical)
            row[f"{test}_higher"] = share(t > critical)
            row[f"{test}_either"] = share(np.abs(t) > critical)
            distance = np.abs(values.mean(axis=1) - simulated.truth + difference)
            for margin in MARGINS:
                row[f"{test}_consistent_{margin:g}"] = share(distance + half_width < margin)
        rows.append(row)
    return rows


def _tests(values_RK: Floats, target: float, ratio: float) -> tuple[Floats, Floats]:
    """Return t against ``target`` and half the interval at confidence 1 - 2 ALPHA of each study, shapes (R,)."""
    k = values_RK.shape[1]
    errors = standard_error(values_RK.std(axis=1, ddof=1), k, ratio)
    # Without spread there is no test; the harness refuses such values, so they count as no verdict at all.
    t = np.divide(values_RK.mean(axis=1) - target, errors, out=np.zeros_like(errors), where=errors > 0)
    return t, np.where(errors > 0, stats.t.isf(ALPHA, k - 1) * errors, np.inf)


def _fold_correlation(values_RK: Floats) -> float:
    """Return the mean correlation between two folds over studies; the correction takes it to be 1 / k."""
    covariance = np.cov(values_RK.T)
    k = len(covariance)
    return float((covariance.sum() - np.trace(covariance)) / (k - 1) / np.trace(covariance))


def rate_table(measured: Sequence[dict[str, Any]]) -> Table:
    """Return the rates in percent with their Monte Carlo standard errors; the table's twin holds shares."""
    groups = {"either": "lower or higher"} | {
        f"consistent_{margin:g}": f"consistent, ±{margin:g}" for margin in MARGINS
    }
    data = pd.DataFrame(measured)
    columns: dict[object, list[str]] = {
        ("", "data"): list(data["data"]),
        ("", "k"): [str(k) for k in data["k"]],
        ("", "true difference"): [f"{difference:g}" for difference in data["true_difference"]],
    }
    for outcome, group in groups.items():
        for test in TESTS:
            columns[(group, test)] = [percent(cell) for cell in data[f"{test}_{outcome}"]]
    printed = pd.DataFrame(columns)
    firsts = data.groupby(["k", "data"], sort=False).head(1)
    correlations = ", ".join(
        f"{row.fold_correlation:.2f} ({row.data}, k = {row.k})" for row in firsts.itertuples(index=False)
    )
    counts = data.groupby("data", sort=False)["n"].first()
    studies = ", ".join(f"{n:,} ({name})" for name, n in counts.items())
    caption = (
        "Rate of each verdict in simulated studies with known true difference (points), in % with the Monte Carlo "
        f"standard error in brackets; alpha = {ALPHA:g}; studies per row and k: {studies}. If the true difference is "
        "0, lower or higher is wrong; if it is not below the margin, consistent is wrong; such rates should not exceed "
        f"{100 * ALPHA:g}. Naive: fold values treated as independent. Normal: fold values with correlation 1/k and SD "
        f"{SD:g}. One arm, two arms: cross-validation of nearest-mean classifiers, against the expected accuracy and "
        f"against an equally good arm, paired by fold. Measured correlation between folds: {correlations}."
    )
    rules = tuple(int(row) for row in firsts.index if row)
    return Table("calibration", "Calibration of the tests over folds", caption, printed, data, 1, rules)
