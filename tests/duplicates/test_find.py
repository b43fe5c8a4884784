"""Planted copies are found, with the right kind and lag; different sounds are not, however alike."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from harness.duplicates.candidates import Candidate
from harness.duplicates.find import Likeness, find_duplicates
from harness.duplicates.waveform import Agreement, Whitened, agreement
from tests.duplicates.conftest import COPIES, LONG, RATE, Found


@pytest.mark.parametrize(
    ("original", "copy", "likeness", "lag"),
    [
        ("noise-0.wav", "noise-0.mp3", Likeness.SAME, 0.0),
        ("noise-1.wav", "noise-1.ogg", Likeness.SAME, 0.0),
        ("noise-2.wav", "noise-2-quiet.wav", Likeness.SAME, 0.0),
        ("noise-3.wav", "noise-3-late.ogg", Likeness.SAME, -9_000 / RATE),
        ("noise-4.wav", "noise-4-middle.mp3", Likeness.SAME, 17_000 / RATE),
        ("noise-5.wav", "noise-5-rate.ogg", Likeness.SAME, 0.0),
        ("noise-0.wav", "noise-0-equal.flac", Likeness.IDENTICAL, 0.0),
        ("first-half.wav", "second-half.ogg", Likeness.PART, 2.0),
    ],
)
def test_a_planted_copy_is_found(found: Found, original: str, copy: str, likeness: Likeness, lag: float) -> None:
    pair = found.pair(original, copy)
    # Of equal files only the first is compared with others.
    pair = pair or found.pair("noise-0-equal.flac", copy)
    assert pair is not None
    assert pair.likeness is likeness
    backwards = found.names[pair.first] == copy
    # Encoders may add a delay of some milliseconds.
    assert pair.agreement.lag == pytest.approx(-lag if backwards else lag, abs=0.05)
    assert abs(pair.agreement.r) > 0.3


def test_an_inverted_copy_has_a_negative_correlation(found: Found) -> None:
    pair = found.pair("noise-2.wav", "noise-2-quiet.wav")
    assert pair is not None
    assert pair.agreement.r < -0.9


def test_a_part_in_common_has_its_shares(found: Found) -> None:
    pair = found.pair("first-half.wav", "second-half.ogg")
    assert pair is not None
    overlap = 2 * RATE / (4 * RATE)
    assert overlap + 4 * RATE == pytest.approx(len(LONG) - 2 * RATE + overlap)
    assert (pair.agreement.first, pair.agreement.second) == pytest.approx((overlap, overlap), abs=0.15)


def test_landmarks_in_common_by_chance_do_not_cost_a_whole_comparison(
    sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of pairs with landmarks in common by chance grows with the square of the number of clips."""
    paths = [sounds / name for name in ("noise-1.wav", "noise-1.ogg", "noise-2.wav", "noise-3.wav", "noise-4.wav")]
    every_pair = [Candidate(one, other, 3, 0.0) for other in range(5) for one in range(other)]
    compared = []

    def count(one: Whitened, other: Whitened) -> Agreement:
        compared.append((one, other))
        return agreement(one, other)

    monkeypatch.setattr("harness.duplicates.find.candidates", lambda _: every_pair)
    monkeypatch.setattr("harness.duplicates.find.agreement", count)
    found = find_duplicates(paths)
    assert [(pair.first, pair.second) for pair in found.pairs] == [(0, 1)]
    assert found.n_alike == len(every_pair) - 1
    assert len(compared) == 1


def test_different_sounds_are_not_reported(found: Found) -> None:
    def origin(name: str) -> str:
        stem = name.partition(".")[0].replace("second-half", "first-half")
        return stem if "reversed" in stem or stem not in {Path(each).stem for each in COPIES} else stem[:7]

    wrong = {
        (found.names[pair.first], found.names[pair.second])
        for pair in found.found.pairs
        if origin(found.names[pair.first])[:7] != origin(found.names[pair.second])[:7]
        or "reversed" in found.names[pair.first] + found.names[pair.second]
    }
    # Two tones of one frequency are the same audio by any measure; no two noises or clicks are.
    assert wrong <= {("tone-later.wav", "tone.wav")}
    assert len(found.found.pairs) >= len(COPIES) - 1


def test_faults_and_silence_are_named(found: Found) -> None:
    assert [found.names[position] for position, _ in found.found.unreadable] == ["broken.wav"]
    # A single click has too few peaks for a landmark.
    silent = {"silence.wav", "more-silence.wav", "clicks-1.wav", "clicks-2.wav"}
    assert {found.names[position] for position in found.found.silent} == silent


def test_groups_join_all_forms_of_one_sound(found: Found) -> None:
    groups = found.found.groups(len(found.names))
    of = dict(zip(found.names, groups, strict=True))
    assert of["noise-0.wav"] == of["noise-0.mp3"] == of["noise-0-equal.flac"]
    assert of["noise-0.wav"] != of["noise-1.wav"]
    assert of["silence.wav"] != of["more-silence.wav"]
    assert all(group <= position for position, group in enumerate(groups))


def test_the_result_does_not_depend_on_the_number_of_threads(sounds: Path) -> None:
    paths = sorted(sounds.glob("noise-[01]*"))
    assert find_duplicates(paths, workers=1) == find_duplicates(paths, workers=3)


def test_nothing_is_found_in_nothing() -> None:
    assert find_duplicates([]).pairs == ()


def test_a_clip_of_real_audio_is_found_in_another_fold() -> None:
    """Clips of two sources in folds 1 and 4 have their audio in common; two of another class do not."""
    root = os.environ.get("HARNESS_ESC50", "")
    if not root:
        pytest.skip("HARNESS_ESC50 names no data root with all of ESC-50")
    names = ("1-14262-A-37", "4-198841-A-37", "1-100032-A-0", "1-100038-A-14")
    result = find_duplicates([Path(root) / "ESC-50" / "audio" / f"{name}.ogg" for name in names])
    assert [(pair.first, pair.second) for pair in result.pairs] == [(0, 1)]
    assert result.pairs[0].agreement.lag == pytest.approx(0.293, abs=0.005)
    assert np.isfinite(result.pairs[0].agreement.z)
