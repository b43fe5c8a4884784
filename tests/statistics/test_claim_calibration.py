"""The calibration of comparisons with claims in small: which use of a claim keeps its promise, and which does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.claim_calibration import (
    ALPHA,
    DESIGNS,
    SD,
    TOGETHER,
    Design,
    claim_rates,
    claim_table,
    differences,
    drawn,
    rounding_rates,
)
from harness.report.typeset.latex_table import table_tex
from harness.statistics.against_published import DifferenceTest, against_folds, against_mean, against_published


@pytest.fixture(scope="module")
def rates() -> list[dict[str, Any]]:
    return claim_rates(20_000, np.random.SeedSequence(5))


@pytest.fixture(scope="module")
def rounded() -> list[dict[str, Any]]:
    return rounding_rates(20_000, np.random.SeedSequence(6))


def row(rates: list[dict[str, Any]], design: str, folds: str, use: str) -> dict[str, Any]:
    (found,) = [each for each in rates if (each["design"], each["folds"], each["use"]) == (design, folds, use)]
    return found


@pytest.mark.parametrize(
    ("design", "rate"), [("10 folds", 0.143), ("5 folds", 0.120), ("3 folds", 0.093), ("3 of 10 folds", 0.070)]
)
def test_a_claim_over_folds_that_is_taken_as_exact_is_found_to_differ_too_often(
    rates: list[dict[str, Any]], design: str, rate: float
) -> None:
    cell = row(rates, design, "others", "exact")["found"]
    assert cell["rate"] == pytest.approx(rate, abs=4 * cell["standard_error"])
    assert cell["rate"] > ALPHA + 3 * cell["standard_error"]


def test_with_the_measured_sd_on_both_sides_and_fold_by_fold_it_is_not(rates: list[dict[str, Any]]) -> None:
    for each in rates:
        if each["use"] in ("measured SD", "fold by fold"):
            for wrong in ("found", "found_in_family", "consistent_at_the_margin"):
                assert each[wrong]["rate"] <= ALPHA + 3 * each[wrong]["standard_error"], each


def test_pairing_finds_most(rates: list[dict[str, Any]]) -> None:
    for design in ("10 folds", "5 folds", "3 folds"):
        paired, alone = (row(rates, design, "the same", use) for use in ("fold by fold", "measured SD"))
        for right in ("consistent", "found_large"):
            assert paired[right]["rate"] > alone[right]["rate"]


def test_rounding_that_is_ignored_is_found_as_a_difference(rounded: list[dict[str, Any]]) -> None:
    for each in rounded:
        for wrong in ("found", "consistent_at_the_margin"):
            within = each[wrong]["rate"] <= ALPHA + 3 * each[wrong]["standard_error"]
            assert within or each["rounding"] == "ignored"
    assert rounded[0]["rounding"] == "ignored"
    assert rounded[0]["found"]["rate"] > 3 * ALPHA


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_the_arrays_give_what_the_harness_gives_study_by_study(design: Design) -> None:
    own_RK, claims_RMK = drawn(design, 20, 2, True, np.random.default_rng(3))
    ratio, there = 1 / (design.data - 1), 1 / design.theirs + 1 / (design.data - 1)
    for study in range(20):
        own, claim = 50 + own_RK[study], 50 + claims_RMK[study, 1]
        expected: dict[str, DifferenceTest] = {
            "exact": against_mean(own, claim.mean(), ratio=ratio),
            "measured SD": against_mean(own, claim.mean(), ratio=ratio, share=there),
            "claimed SD": against_published(
                own, claim.mean(), claim.std(ddof=1), design.theirs, ratio=ratio, published_ratio=ratio
            ),
            "fold by fold": against_folds(own, claim[: design.own], ratio=ratio),
        }
        for use, test in expected.items():
            apart, error, df = (each[study, 1] for each in differences(design, own_RK, claims_RMK, use))
            assert (apart, error, df) == pytest.approx((test.difference, test.standard_error, test.df)), use


def test_the_same_folds_rise_and_fall_together() -> None:
    own, claims = drawn(DESIGNS[0], 40_000, 1, True, np.random.default_rng(4))
    assert np.corrcoef(own[:, 2], claims[:, 0, 2])[0, 1] == pytest.approx(TOGETHER, abs=0.02)
    assert np.sqrt(own.var(axis=1, ddof=1).mean()) == pytest.approx(SD, abs=0.05)
    assert np.corrcoef(own[:, 2], own[:, 5])[0, 1] == pytest.approx(0.1, abs=0.02)


def test_the_table_holds_every_rate(rates: list[dict[str, Any]], rounded: list[dict[str, Any]]) -> None:
    tex = table_tex(claim_table(rates, rounded), "tab:calibration_claims")
    assert tex.count(r"\\") >= len(rates) + len(rounded)
    cell = rates[0]["found"]
    assert f"{100 * cell['rate']:.1f} ({100 * cell['standard_error']:.2f})" in tex
