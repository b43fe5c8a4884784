"""The index of landmarks: pairs at one lag, and a bounded amount of work however often a landmark occurs."""

from __future__ import annotations

import numpy as np
import pytest

from harness.duplicates.candidates import candidates
from harness.duplicates.fingerprint import HOP, RATE, Landmarks


def _clip(hashes: list[int], frames: list[int]) -> Landmarks:
    order = np.argsort(hashes)
    return Landmarks(np.array(hashes, np.uint64)[order], np.array(frames, np.int32)[order])


def test_landmarks_at_one_lag_make_a_candidate() -> None:
    one = _clip([5, 1, 9, 70], [10, 20, 30, 1])
    other = _clip([1, 5, 9, 80], [15, 5, 26, 2])  # 5 frames earlier; the last of three is a frame off
    found = candidates([one, other])
    assert [(pair.first, pair.second, pair.hits) for pair in found] == [(0, 1, 3)]
    assert found[0].lag == pytest.approx(5 * HOP / RATE)


def test_landmarks_at_different_lags_do_not() -> None:
    assert candidates([_clip([1, 5, 9], [10, 20, 30]), _clip([1, 5, 9], [10, 40, 90])]) == []


@pytest.mark.parametrize("clips", [[], [_clip([], [])], [_clip([], []), _clip([1], [3])]])
def test_few_or_empty_clips_have_none(clips: list[Landmarks]) -> None:
    assert candidates(clips) == []


def test_a_sound_in_every_clip_does_not_make_every_pair_a_candidate() -> None:
    clips = [_clip([1, 2, 3, 4], [7, 8, 9, 10])] * 500
    found = candidates(clips)
    assert len(found) <= 10 * 500
    # All of them are still connected, so that they form one group.
    reached = {0}
    for pair in sorted(found, key=lambda pair: pair.first):
        if pair.first in reached:
            reached.add(pair.second)
    assert len(reached) == 500


def test_pairs_by_chance_are_compared_in_proportion_to_the_clips() -> None:
    """Of clips that all have a few landmarks in common, eight pairs for each clip at most, whatever their number."""
    draws = np.random.default_rng(0)
    for n in (100, 400):
        clips = [_clip([*draws.choice(120, 18, replace=False)], [5] * 18) for _ in range(n)]
        weak = [pair for pair in candidates(clips) if pair.hits < 5]
        assert n < len(weak) <= 2 * 4 * n


def test_a_strong_pair_is_found_among_many_by_chance() -> None:
    draws = np.random.default_rng(1)
    clips = [_clip([*draws.choice(80, 18, replace=False)], [5] * 18) for _ in range(300)]
    own = [*range(1_000, 1_006)]
    clips[7] = _clip([*clips[7].hashes.tolist(), *own], [5] * 24)
    clips[260] = _clip([*clips[260].hashes.tolist(), *own], [9] * 24)
    found = {(pair.first, pair.second): pair.hits for pair in candidates(clips)}
    assert found[7, 260] >= 6
