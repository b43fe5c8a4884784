"""Seeds depend on names and numbers alone."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.training.seeding import fold_seed, sampler_seed

PARTS = st.lists(st.one_of(st.text(max_size=8), st.integers(0, 10**6)), max_size=5)


def test_known_value() -> None:
    # A change of this number changes every result of every study.
    assert fold_seed(2019, "LMCNet", "final", 1, 0) == 8336095256316416928


@given(st.integers(0, 2**40), PARTS)
def test_fits_63_bits_and_repeats(seed: int, parts: list[str | int]) -> None:
    first = fold_seed(seed, *parts)
    assert 0 <= first < 2**63
    assert first == fold_seed(seed, *parts)


@given(PARTS, PARTS)
def test_different_parts_give_different_seeds(first: list[str | int], second: list[str | int]) -> None:
    assert (fold_seed(1, *first) == fold_seed(1, *second)) == (first == second)


def test_boundaries_between_parts_count() -> None:
    variants = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), (1, 2), (12,), ("1", 2), ("1", "2")]
    assert len({fold_seed(0, *parts) for parts in variants}) == len(variants)
    assert fold_seed(0, 1) != fold_seed(1, 0)


def test_numpy_integers_are_integers() -> None:
    assert fold_seed(3, np.int64(4)) == fold_seed(3, 4)


def test_other_processes_agree() -> None:
    code = "from harness.training.seeding import fold_seed; print(fold_seed(5, 'MCNet', 'search', 3, 2, 0))"
    environment = {"PYTHONHASHSEED": "12345"}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert int(told.stdout) == fold_seed(5, "MCNet", "search", 3, 2, 0)


def test_seeds_of_folds_look_independent() -> None:
    bits = np.array([[fold_seed(0, "arm", fold) >> bit & 1 for bit in range(63)] for fold in range(400)])
    assert abs(bits.mean() - 0.5) < 0.02
    # Six standard deviations of a fair coin thrown 400 times.
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.15


def test_sampler_seeds_fit_numpys_old_generator() -> None:
    seed = sampler_seed(2019, "LMCNet")
    np.random.RandomState(seed)
    assert seed != sampler_seed(2019, "MCNet")
    assert 0 <= seed < 2**32
