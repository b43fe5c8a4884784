"""The calibration benchmark in small: the corrected tests keep their promise, the naive ones do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.calibration import ALPHA, MARGINS, TESTS, Simulated, cross_validated, rate_table, rates, simulate
from harness.report.typeset.latex_table import table_tex
from harness.statistics.t_tests import one_sample
from harness.statistics.tost import equivalence, two_one_sided

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=[3, 5, 10])
def measured(request: pytest.FixtureRequest) -> list[list[dict[str, Any]]]:
    """Rates of normal folds, one arm and two arms."""
    return [rates(simulated) for simulated in simulate(request.param, 20_000, 2_000, np.random.SeedSequence(7))]


def test_the_corrected_test_keeps_its_promise_and_the_naive_one_breaks_it(
    measured: list[list[dict[str, Any]]],
) -> None:
    for rows in measured:
        corrected = rows[0]["corrected_either"]
        assert rows[0]["true_difference"] == 0
        assert corrected["rate"] <= ALPHA + 3 * corrected["standard_error"]
    naive = measured[0][0]["naive_either"]
    assert naive["rate"] - 3 * naive["standard_error"] > 2 * ALPHA


def test_consistent_is_rarely_said_at_the_margin_or_beyond(measured: list[list[dict[str, Any]]]) -> None:
    for rows in measured:
        for row in rows:
            for margin in MARGINS:
                if row["true_difference"] >= margin:
                    cell = row[f"corrected_consistent_{margin:g}"]
                    assert cell["rate"] <= ALPHA + 3 * cell["standard_error"]


def test_larger_differences_are_found_more_often(measured: list[list[dict[str, Any]]]) -> None:
    for rows in measured:
        for test in TESTS:
            found = [row[f"{test}_higher"]["rate"] for row in rows]
            assert found == sorted(found)
            # With three folds few are found even of the largest.
            assert found[-1] > 0.15


def test_the_normal_folds_are_as_correlated_as_the_correction_has_it(measured: list[list[dict[str, Any]]]) -> None:
    row = measured[0][0]
    assert row["fold_correlation"] == pytest.approx(1 / row["k"], abs=0.01)
    assert row["fold_sd"] == pytest.approx(4.0, abs=0.05)


def test_the_arrays_give_what_the_harness_gives_study_by_study() -> None:
    first, second = cross_validated(5, 40, np.random.default_rng(1))
    values, truth = first - second, 0.0
    for row in rates(Simulated("two arms", values, truth)):
        target = truth - row["true_difference"]
        tests = [one_sample(folds, target, ratio=0.25) for folds in values]
        assert row["corrected_higher"]["rate"] == np.mean([test.p < ALPHA and test.t > 0 for test in tests])
        assert row["naive_lower"]["rate"] == np.mean([test.naive_p < ALPHA and test.t < 0 for test in tests])
        for margin in MARGINS:
            shown = [equivalence(folds, target, margin, ratio=0.25).equivalent for folds in values]
            naive = [
                two_one_sided(folds.mean() - target, folds.std(ddof=1) / 5**0.5, 4, margin, ALPHA).equivalent
                for folds in values
            ]
            assert row[f"corrected_consistent_{margin:g}"]["rate"] == np.mean(shown)
            assert row[f"naive_consistent_{margin:g}"]["rate"] == np.mean(naive)


def test_both_arms_are_equally_good_and_rise_together() -> None:
    first, second = cross_validated(5, 2_000, np.random.default_rng(2))
    error = (first - second).mean(axis=1).std() / np.sqrt(2_000)
    assert abs((first - second).mean()) < 4 * error
    assert 40 < first.mean() < 95
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.1


def test_the_table_holds_every_rate(measured: list[list[dict[str, Any]]]) -> None:
    rows = [row for group in measured for row in group]
    tex = table_tex(rate_table(rows), "tab:calibration")
    assert tex.count(r"\\") >= len(rows)
    cell = rows[0]["corrected_either"]
    assert f"{100 * cell['rate']:.1f} ({100 * cell['standard_error']:.2f})" in tex
