"""Tests on one test part: the standard error against independent ways to compute it, and worked cases."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import StatisticsError
from harness.statistics.bootstrap import clustered_bootstrap
from harness.statistics.holdout import HoldoutTest, holdout_accuracy, holdout_difference
from harness.statistics.student import critical, two_sided


def drawn_part(recordings: int, classes: int, seeds: int, seed: int) -> dict[str, Any]:
    """Return clips of recordings with 1 to 4 clips that tend to be right or wrong together."""
    rng = np.random.default_rng(seed)
    recording = np.repeat(np.arange(recordings), rng.integers(1, 5, recordings))
    easy = rng.normal(0, 0.2, recordings)[recording]
    right = rng.random((recording.size, seeds)) < 0.7 + easy[:, None]
    return {"correct": right, "labels": recording % classes, "recordings": np.array([f"r{name}" for name in recording])}


def macro(values: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The mean of class means, written as it is defined."""
    w = np.ones(len(values)) if weights is None else weights
    return float(100 * np.mean([np.average(values[labels == c], weights=w[labels == c]) for c in np.unique(labels)]))


parts = st.builds(
    drawn_part,
    recordings=st.integers(6, 30),
    classes=st.integers(1, 3),
    seeds=st.integers(1, 4),
    seed=st.integers(0, 10_000),
)


class TestWorked:
    def test_one_class_of_single_clips_is_the_textbook_standard_error(self) -> None:
        correct = np.repeat([1, 0], [15, 5])[:, None]
        found = holdout_accuracy(correct, np.zeros(20), np.arange(20), 60.0)
        assert (found.difference, found.n_recordings, found.n_seeds) == (pytest.approx(15.0), 20, 1)
        # 100 sqrt(p (1 - p) / (n - 1)); under the hypothesis of 60 % the same with 0.6 in place of p.
        assert found.recordings_error == pytest.approx(100 * math.sqrt(0.6 * 0.4 / 19))
        assert found.seeds_error is None
        assert found.df == 19
        assert found.p == pytest.approx(two_sided(15 / found.standard_error, 19))
        # Against a lower accuracy than the measured one, with more room below, the estimated variance is the larger.
        assert holdout_accuracy(correct, np.zeros(20), np.arange(20), 80.0).recordings_error == pytest.approx(
            100 * math.sqrt(0.75 * 0.25 / 19)
        )

    def test_seeds_add_their_variance(self) -> None:
        correct = np.zeros((20, 2), int)
        correct[:15, 0], correct[:11, 1] = 1, 1
        found = holdout_accuracy(correct, np.zeros(20), np.arange(20), 50.0)
        # 75 and 55 %: a variance of 200 over 2 seeds.
        assert found.seeds_error == pytest.approx(10.0)
        assert found.standard_error == pytest.approx(math.hypot(found.recordings_error, 10.0))
        v = found.recordings_error**2
        assert found.df == pytest.approx((v + 100) ** 2 / (v**2 / 19 + 100**2 / 1))

    def test_a_measured_target_has_the_same_spread_and_one_seed(self) -> None:
        part = drawn_part(60, 3, 3, seed=1)
        target = holdout_accuracy(**part).difference
        exact, measured = (holdout_accuracy(**part, target=target, exact=exact) for exact in (True, False))
        assert measured.recordings_error == pytest.approx(math.sqrt(2) * exact.recordings_error)
        assert exact.seeds_error is not None
        # s² / 3 against s² (1 / 3 + 1)
        assert measured.seeds_error == pytest.approx(2 * exact.seeds_error)

    def test_arms_are_paired_by_clip(self) -> None:
        first, second = np.ones((40, 1), int), np.ones((40, 1), int)
        first[:1], second[20:26] = 0, 0
        found = holdout_difference(first, second, np.zeros(40), np.arange(40))
        values = 100.0 * (first - second)[:, 0]
        assert found.difference == pytest.approx(values.mean()) == pytest.approx(12.5)
        assert found.sources.recordings == pytest.approx(values.var(ddof=1) / 40)
        # Equally good arms with 7 of 40 clips apart; a variance of n rather than n - 1 apart from the ratio below.
        assert found.standard_error == pytest.approx(100 * math.sqrt(7 / 40 / 39))
        assert found.df == 39
        assert found.p == pytest.approx(two_sided(12.5 / found.standard_error, 39))

    def test_without_many_answers_the_clips_of_a_recording_are_taken_as_one(self) -> None:
        # 10 recordings of 3 clips, of which one is wrong: its two other clips are right, which may be chance.
        correct, recordings = np.r_[0, np.ones(29)][:, None], np.repeat(np.arange(10), 3)
        found = holdout_accuracy(correct, np.zeros(30), recordings).sources
        estimated = found.recordings / (found.accuracy * (100 - found.accuracy))
        assert found.design == pytest.approx((estimated + 4 / 10) / 5)
        assert estimated < found.design < 1 / 10

    def test_seeds_of_two_arms_are_paired_where_there_are_as_many(self) -> None:
        first, second = drawn_part(50, 2, 3, seed=2), drawn_part(50, 2, 3, seed=2)
        second["correct"] = second["correct"] & (np.arange(len(second["labels"])) % 7 > 0)[:, None]
        labels, recordings = first["labels"], first["recordings"]
        by_seed = [np.array([macro(column, labels) for column in each["correct"].T]) for each in (first, second)]
        paired = holdout_difference(first["correct"], second["correct"], labels, recordings)
        assert paired.seeds_error == pytest.approx((by_seed[0] - by_seed[1]).std(ddof=1) / math.sqrt(3))
        fewer = holdout_difference(first["correct"], second["correct"][:, :2], labels, recordings)
        assert fewer.n_seeds == 2
        assert fewer.seeds_error == pytest.approx(
            math.sqrt(by_seed[0].var(ddof=1) / 3 + by_seed[1][:2].var(ddof=1) / 2)
        )

    @pytest.mark.parametrize("difference", [-20.0, -3.0, 0.0, 8.0, 12.5, 30.0])
    def test_the_variance_under_a_hypothesis_is_the_most_likely_one(self, difference: float) -> None:
        first, second = np.ones((400, 1), int), np.ones((400, 1), int)
        first[:10], second[200:260] = 0, 0
        found = holdout_difference(first, second, np.zeros(400), np.arange(400)).sources
        d = difference / 100
        # Shares of clips that the first (60) or the second (10) has right alone, searched on a grid.
        only_second = np.linspace(max(1e-9, 1e-9 - d), (1 - abs(d)) / 2, 200_001)
        likely = 60 * np.log(only_second + d) + 10 * np.log(only_second) + 330 * np.log(1 - 2 * only_second - d + 1e-15)
        best = only_second[likely.argmax()]
        expected = 1e4 * (2 * best + d - d**2) * found.design
        assert found.over_recordings(difference) == pytest.approx(max(found.recordings, expected), rel=1e-3)

    def test_a_lucky_network_proves_little(self) -> None:
        # 29 of 30 recordings right: an eighth of all networks of 88 % are as lucky.
        correct = np.r_[np.ones(29), 0][:, None]
        found = holdout_accuracy(correct, np.zeros(30), np.arange(30), 88.0)
        assert found.p > 0.1
        assert found.difference / (100 * correct.std(ddof=1) / math.sqrt(30)) > critical(0.025, 29)


class TestRecordings:
    @given(part=parts)
    @settings(max_examples=40, deadline=None)
    def test_the_variance_is_that_of_a_jackknife_written_as_it_is_defined(self, part: dict[str, Any]) -> None:
        values, labels, recordings = part["correct"].mean(axis=1), part["labels"], part["recordings"]
        variance = 0.0
        for label in np.unique(labels):
            names = np.unique(recordings[labels == label])
            moves = [macro(values, labels, (recordings != name) * 1.0) - macro(values, labels) for name in names]
            variance += (len(names) - 1) / len(names) * np.square(moves).sum()
        if variance < 1e-9:
            with pytest.raises(StatisticsError, match="no spread"):
                holdout_accuracy(**part)
        else:
            assert holdout_accuracy(**part).sources.recordings == pytest.approx(variance)

    def test_it_is_near_the_linearised_variance_and_the_bootstrap_where_recordings_are_many(self) -> None:
        part = drawn_part(1_000, 4, 2, seed=3)
        values, labels, recordings = part["correct"].mean(axis=1), part["labels"], part["recordings"]
        found = math.sqrt(holdout_accuracy(**part).sources.recordings)
        means = np.array([values[labels == label].mean() for label in range(4)])
        influence = 100 * (values - means[labels]) / (4 * np.bincount(labels)[labels])
        sums = np.bincount(np.unique(recordings, return_inverse=True)[1], weights=influence)
        assert found == pytest.approx(math.sqrt(np.square(sums).sum()), rel=0.02)
        drawn: list[float] = []

        def kept(rows: np.ndarray) -> float:
            drawn.append(macro(values[rows], labels[rows]))
            return drawn[-1]

        clustered_bootstrap(recordings, kept, resamples=2_000, seed=4)
        # The Monte Carlo error of an SD from 2,000 resamples is 1.6 %.
        assert found == pytest.approx(np.std(drawn[:-1], ddof=1), rel=0.06)

    def test_clips_of_a_recording_count_as_one(self) -> None:
        part = drawn_part(80, 2, 1, seed=5)
        once = {name: column[np.unique(part["recordings"], return_index=True)[1]] for name, column in part.items()}
        copies = {name: np.repeat(column, 6, axis=0) for name, column in once.items()}
        assert holdout_accuracy(**copies).standard_error == pytest.approx(holdout_accuracy(**once).standard_error)

    def test_classes_with_one_recording_are_draws_from_the_classes(self) -> None:
        correct = np.array([1, 1, 0, 1, 0, 1, 1, 1])[:, None]
        alone = holdout_accuracy(correct, np.arange(8), np.arange(8))
        assert alone.standard_error == pytest.approx(100 * correct.std(ddof=1) / math.sqrt(8))
        assert alone.df == 1
        # Beside classes that show a spread they are not without one.
        mixed = holdout_accuracy([[1], [0], [1], [1]], [0, 0, 1, 2], list("abcd"))
        assert mixed.sources.recordings > holdout_accuracy([[1], [0]], [0, 0], ["a", "b"]).sources.recordings / 9

    def test_a_recording_may_hold_clips_of_several_classes(self) -> None:
        correct = np.random.default_rng(6).random((60, 1)) < 0.6
        recordings = np.arange(60) // 2
        crossing = holdout_accuracy(correct, np.arange(60) % 2, recordings)
        assert 0 < crossing.standard_error < 20
        assert crossing.df == 28


class TestAgreement:
    @given(part=parts, target=st.floats(5, 95), exact=st.booleans(), rounding=st.sampled_from([0.0, 0.05, 0.5]))
    @settings(max_examples=60, deadline=None)
    def test_the_interval_holds_0_where_the_test_finds_nothing(
        self, part: dict[str, Any], target: float, exact: bool, rounding: float
    ) -> None:
        try:
            found = holdout_accuracy(**part, target=target, exact=exact, rounding=rounding)
        except StatisticsError:
            return
        assert found.low <= found.difference <= found.high
        if abs(found.p - 0.05) > 1e-6:
            assert (found.low <= 0 <= found.high) == (found.p > 0.05)

    @given(part=parts, margin=st.floats(0.5, 60))
    @settings(max_examples=40, deadline=None)
    def test_equivalence_is_shown_where_its_interval_is_inside_the_margin(
        self, part: dict[str, Any], margin: float
    ) -> None:
        try:
            found = holdout_accuracy(**part, target=70.0)
        except StatisticsError:
            return
        same = found.equivalence(margin)
        assert same.p == found.equivalence_p(margin) == max(same.p_lower, same.p_upper)
        if abs(same.p - 0.05) > 1e-6:
            assert same.equivalent == (same.smallest_margin < margin) == (same.p < 0.05)

    @given(part=parts, seed=st.integers(0, 1000))
    @settings(max_examples=30, deadline=None)
    def test_neither_the_order_of_clips_nor_names_matter(self, part: dict[str, Any], seed: int) -> None:
        try:
            found = holdout_accuracy(**part, target=60.0)
        except StatisticsError:
            return
        order = np.random.default_rng(seed).permutation(len(part["labels"]))
        other = holdout_accuracy(
            part["correct"][order], 9 - part["labels"][order], [f"x{name}" for name in part["recordings"][order]], 60.0
        )
        assert (other.difference, other.p, other.low) == pytest.approx((found.difference, found.p, found.low))

    def test_two_arms_exchanged_differ_by_the_sign(self) -> None:
        first, second = drawn_part(40, 2, 2, seed=7), drawn_part(40, 2, 2, seed=7)
        second["correct"] = ~second["correct"]
        there, back = (
            holdout_difference(one["correct"], other["correct"], one["labels"], one["recordings"])
            for one, other in ((first, second), (second, first))
        )
        assert (there.difference, there.low, there.p) == pytest.approx((-back.difference, -back.high, back.p))
        assert there.equivalence(5.0).p == pytest.approx(back.equivalence(5.0).p)

    def test_rounding_is_the_nearest_number_that_prints_alike(self) -> None:
        part = drawn_part(60, 3, 2, seed=8)
        printed = holdout_accuracy(**part, target=60.0, rounding=0.5)
        nearest = holdout_accuracy(**part, target=60.0 + math.copysign(0.5, printed.difference))
        assert printed.p == pytest.approx(nearest.p)
        assert holdout_accuracy(**part, target=printed.difference + 60.2, rounding=0.5).p == 1.0


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"correct": [[1], [1], [1]]}, "the 3 recordings show no spread, as when all clips are right or all are wrong"),
        ({"correct": [[0, 0], [0, 0], [0, 0]]}, "no test can be made; test more recordings"),
        ({"recordings": ["a", "a", "a"]}, "at least 2 of them, received 1"),
        ({"labels": [0, 1]}, r"labels has the shape \(2,\) and recordings \(3,\)"),
        ({"correct": [1, 0, 1]}, r"correct has the shape \(3,\); give \(n_clips, n_seeds\)"),
        ({"correct": [[0.5], [0.2], [1.0]]}, "right .True. or wrong .False."),
        ({"correct": [[1], [0]]}, r"correct has the shape \(2, 1\); .* in the order of the 3 labels"),
        ({"target": math.nan}, "target is nan"),
        ({"rounding": -0.1}, "rounding must be 0 or more"),
        ({"confidence": 95}, "confidence must be between"),
    ],
)
def test_what_is_refused(changed: dict[str, Any], words: str) -> None:
    good = {"correct": [[1], [0], [1]], "labels": [0, 0, 0], "recordings": ["a", "b", "c"]}
    with pytest.raises(StatisticsError, match=words):
        holdout_accuracy(**{**good, **changed})


def test_arms_that_answer_alike_or_have_other_clips_are_refused() -> None:
    part = drawn_part(30, 2, 2, seed=9)
    with pytest.raises(StatisticsError, match="no spread"):
        holdout_difference(part["correct"], part["correct"], part["labels"], part["recordings"])
    with pytest.raises(StatisticsError, match=r"second has the shape \(3, 1\)"):
        holdout_difference([[1], [0]], [[1], [0], [1]], [0, 0], ["a", "b"])


def test_no_margin_no_equivalence() -> None:
    found: HoldoutTest = holdout_accuracy(**drawn_part(30, 2, 2, seed=10), target=60.0)
    with pytest.raises(StatisticsError, match="margin must be above 0"):
        found.equivalence(0.0)
