"""How often a comparison with a published number is wrong: simulated claims of which the truth is known.

The claim is itself a mean over folds, drawn like the measured one: normal fold values with the correlation that the
correction assumes, of another network on other folds, or on the same official folds (correlation ``TOGETHER`` fold by
fold). It is taken as exact, with the measured SD for both sides, with its own SD (Welch), or fold by fold. Every rate
stands beside its Monte Carlo standard error. Accuracies are percentage points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from harness.report.report_section import Table
from harness.statistics.correction import fold_ratio

Floats = NDArray[np.float64]

SD, ALPHA, MARGIN, LARGE = 4.0, 0.05, 4.0, 8.0
TOGETHER = 0.7
"""Correlation of two networks on the same folds."""
FAMILY = 5
USES = ("exact", "measured SD", "claimed SD", "fold by fold")
ROUNDED = ("ignored", "regarded")


@dataclass(frozen=True)
class Design:
    """``own`` folds tested here and ``theirs`` there, out of ``data`` folds."""

    own: int
    theirs: int
    data: int

    @property
    def name(self) -> str:
        """``10 folds``, or ``3 of 10 folds``."""
        return f"{self.own} folds" if self.own == self.theirs else f"{self.own} of {self.theirs} folds"


DESIGNS = (Design(10, 10, 10), Design(5, 5, 5), Design(3, 3, 3), Design(3, 10, 10))


def claim_rates(simulations: int, seed: np.random.SeedSequence) -> list[dict[str, Any]]:
    """Return one row per design, kind of folds and use of the claim; shares in 0..1."""
    rows = []
    for design, seeds in zip(DESIGNS, seed.spawn(len(DESIGNS)), strict=True):
        for same, one in zip((False, True), seeds.spawn(2), strict=True):
            rng = np.random.default_rng(one)
            own_RK, claims_RMK = drawn(design, simulations, FAMILY, same, rng)
            for use in USES if same else USES[:-1]:
                rows.append(_row(design, own_RK, claims_RMK, same, use))
    return rows


def drawn(design: Design, simulations: int, claims: int, same: bool, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return measured fold values around 0, shape (R, k), and those of ``claims`` claims, shape (R, M, K)."""
    n, root = design.theirs, np.sqrt(fold_ratio(design.data))

    def folds(*shape: int) -> Floats:
        values: Floats = SD * (root * rng.standard_normal((*shape, 1)) + rng.standard_normal((*shape, n)))
        return values

    own, theirs = folds(simulations), folds(simulations, claims)
    if same:
        # What is hard for one network is hard for all: a part that they share, and a part of each.
        common = folds(simulations)
        shared, alone = np.sqrt(TOGETHER), np.sqrt(1 - TOGETHER)
        own, theirs = shared * common + alone * own, shared * common[:, None] + alone * theirs
    return own[:, : design.own], theirs


def differences(design: Design, own_RK: Floats, claims_RMK: Floats, use: str) -> tuple[Floats, Floats, Floats]:
    """Return the difference from each claim, its standard error and degrees of freedom, shapes (R, M)."""
    k, ratio = design.own, fold_ratio(design.data)
    here, there = 1 / k + ratio, 1 / design.theirs + ratio
    variance_R1 = own_RK.var(axis=1, ddof=1)[:, None]
    apart_RM = own_RK.mean(axis=1)[:, None] - claims_RMK.mean(axis=2)
    df_RM = np.full_like(apart_RM, k - 1.0)
    if use == "fold by fold":
        apart_RMK = own_RK[:, None] - claims_RMK[:, :, :k]
        return apart_RMK.mean(axis=2), np.sqrt(apart_RMK.var(axis=2, ddof=1) * here), df_RM
    if use == "claimed SD":
        ours, theirs = variance_R1 * here, claims_RMK.var(axis=2, ddof=1) * there
        df_RM = (ours + theirs) ** 2 / (ours**2 / (k - 1) + theirs**2 / (design.theirs - 1))
        return apart_RM, np.sqrt(ours + theirs), df_RM
    errors = np.sqrt(variance_R1 * (here + (there if use == "measured SD" else 0.0)))
    return apart_RM, np.broadcast_to(errors, apart_RM.shape), df_RM


def _row(design: Design, own_RK: Floats, claims_RMK: Floats, same: bool, use: str) -> dict[str, Any]:
    apart_RM, error_RM, df_RM = differences(design, own_RK, claims_RMK, use)
    p_RM = 2 * stats.t.sf(np.abs(apart_RM) / error_RM, df_RM)

    def found(difference: float) -> NDArray[np.bool_]:
        t = np.abs(apart_RM[:, 0] + difference) / error_RM[:, 0]
        shown: NDArray[np.bool_] = 2 * stats.t.sf(t, df_RM[:, 0]) < ALPHA
        return shown

    def consistent(difference: float) -> NDArray[np.bool_]:
        room = (MARGIN - np.abs(apart_RM[:, 0] + difference)) / error_RM[:, 0]
        shown: NDArray[np.bool_] = stats.t.sf(room, df_RM[:, 0]) < ALPHA
        return shown

    return {
        "design": design.name,
        "folds": "the same" if same else "others",
        "use": use,
        "n": len(own_RK),
        "found": share(found(0.0)),
        # Holm rejects at least one of several exactly where the smallest p is below alpha over their number.
        "found_in_family": share(p_RM.min(axis=1) < ALPHA / FAMILY),
        "found_in_family_without_holm": share(p_RM.min(axis=1) < ALPHA),
        "consistent_at_the_margin": share(consistent(MARGIN)),
        "consistent": share(consistent(0.0)),
        "found_large": share(found(LARGE)),
    }


def rounding_rates(simulations: int, seed: np.random.SeedSequence) -> list[dict[str, Any]]:
    """Return rates of claims that are exact but printed in whole points, rounding ignored or regarded; 10 folds."""
    k, margin, half = 10, 2.0, 0.5
    rows = []
    for sd, one in zip((0.5, 1.0, 2.0), seed.spawn(3), strict=True):
        rng = np.random.default_rng(one)
        values_RK = np.sqrt(fold_ratio(k)) * rng.standard_normal((simulations, 1))
        values_RK = sd * (values_RK + rng.standard_normal((simulations, k)))
        error_R = values_RK.std(axis=1, ddof=1) * np.sqrt(1 / k + fold_ratio(k))
        # The number that was printed, less the true one.
        off_R = rng.uniform(-half, half, simulations)
        for treatment in ROUNDED:
            less = half if treatment == "regarded" else 0.0
            wrong = np.abs(values_RK.mean(axis=1) - off_R)
            far = np.abs(values_RK.mean(axis=1) + margin - off_R)
            rows.append(
                {
                    "sd": sd,
                    "rounding": treatment,
                    "n": simulations,
                    "found": share(2 * stats.t.sf(np.maximum(0, wrong - less) / error_R, k - 1) < ALPHA),
                    "consistent_at_the_margin": share(stats.t.sf((margin - less - far) / error_R, k - 1) < ALPHA),
                    "consistent": share(stats.t.sf((margin - less - wrong) / error_R, k - 1) < ALPHA),
                }
            )
    return rows


def share(outcomes: NDArray[np.bool_]) -> dict[str, float]:
    """Return the share of true outcomes with its Monte Carlo standard error."""
    rate = float(outcomes.mean())
    return {"rate": round(rate, 6), "standard_error": round(float(np.sqrt(rate * (1 - rate) / outcomes.size)), 6)}


def percent(cell: dict[str, float]) -> str:
    """Return a share in percent with its standard error in brackets."""
    return f"{100 * cell['rate']:.1f} ({100 * cell['standard_error']:.2f})"


def claim_table(measured: Sequence[dict[str, Any]], rounded: Sequence[dict[str, Any]]) -> Table:
    """Return the rates of claims in percent, those of rounding below; the table's twin holds shares."""
    wrong = {
        ("wrong", "lower or higher"): "found",
        ("wrong", f"any of {FAMILY}, Holm"): "found_in_family",
        ("wrong", f"any of {FAMILY}, raw"): "found_in_family_without_holm",
        ("wrong", "consistent"): "consistent_at_the_margin",
        ("right", "consistent"): "consistent",
        ("right", "lower or higher"): "found_large",
    }
    rows = [
        [each["design"], each["folds"], each["use"], *(percent(each[key]) for key in wrong.values())]
        for each in measured
    ]
    for each in rounded:
        cells = [percent(each[key]) if key in each else "–" for key in wrong.values()]
        rows.append(["10 folds", f"SD {each['sd']:g}", f"exact, rounding {each['rounding']}", *cells])
    headers = [("", "measured"), ("", "claim's folds"), ("", "claim used as"), *wrong]
    firsts = [row for row, each in enumerate(measured) if row and each["design"] != measured[row - 1]["design"]]
    caption = (
        "Rates of wrong and right verdicts of comparisons with a claim in simulated studies, in % with the Monte Carlo "
        f"standard error in brackets; alpha = {ALPHA:g}; {measured[0]['n']:,} studies per row. Claim and measurement "
        f"are means over folds with SD {SD:g} and the correlation that the correction assumes, on different folds, or "
        f"on the same folds with a correlation of {TOGETHER:g}. Lower or higher: wrong if both are equally good, right "
        f"if they are {LARGE:g} points apart. Any of {FAMILY}: one arm against {FAMILY} equally good claims. "
        f"Consistent, within ±{MARGIN:g} points: wrong if they are {MARGIN:g} apart, right if they are equal. Rates of "
        "wrong verdicts should not exceed 5. Exact: the claim has no variance; measured SD: used for both sides, the "
        "default for a claim with unknown SD. Last rows: an exact claim printed in whole points, margin ±2, "
        f"{rounded[0]['n']:,} studies per row."
    )
    return Table(
        name="calibration_claims",
        title="Calibration of the comparison with claims",
        caption=caption,
        printed=pd.DataFrame(rows, columns=pd.MultiIndex.from_tuples(headers)),
        data=pd.DataFrame([*measured, *rounded]),
        text_columns=3,
        rules=(*firsts, len(measured)),
    )
