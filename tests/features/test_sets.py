"""Rows, shapes and segments of feature sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FeatureError
from harness.features.sets import LaidOut, minimum_samples, n_frames, n_segments, plane_rows, planes_of, set_shape
from harness.registry import PLANES, FeatureSet, Layout, feature_set
from harness.study import FeaturesSection

PARAMS = FeaturesSection()


@pytest.mark.parametrize(("name", "rows"), [("LMC", 85), ("MC", 85), ("MLMC", 145), ("chroma", 12), ("tonnetz", 6)])
def test_rows_of_the_papers_sets(name: str, rows: int) -> None:
    assert set_shape(feature_set(name), PARAMS) == (1, rows, 41)


def test_rows_of_mlmc_are_stacked_in_the_order_of_figure_5() -> None:
    assert plane_rows(feature_set("MLMC"), PARAMS) == {
        "MFCC": slice(0, 60),
        "LM": slice(60, 120),
        "chroma": slice(120, 132),
        "contrast": slice(132, 139),
        "tonnetz": slice(139, 145),
    }


def test_rows_follow_the_settings() -> None:
    params = FeaturesSection(planes={"LM": {"n_mels": 40}, "contrast": {"bands": 4}})
    assert plane_rows(feature_set("LMC"), params)["tonnetz"] == slice(40 + 12 + 5, 40 + 12 + 5 + 6)


def test_images_have_channels_not_rows() -> None:
    features = feature_set("image:mel+chroma+mfcc")
    assert set_shape(features, PARAMS) == (3, 128, 128)
    with pytest.raises(ValueError, match="channels"):
        plane_rows(features, PARAMS)


def test_lmc_and_mc_share_three_planes() -> None:
    shared = set(planes_of(feature_set("LMC"), PARAMS)) & set(planes_of(feature_set("MC"), PARAMS))
    assert shared == {LaidOut(Layout.SEGMENTS, name) for name in ("chroma", "contrast", "tonnetz")}


def test_a_plane_as_image_is_not_the_plane_in_segments() -> None:
    image, segments = LaidOut(Layout.IMAGE, "chroma"), LaidOut(Layout.SEGMENTS, "chroma")
    assert image != segments
    assert (image.slug, segments.slug) == ("image-chroma", "chroma")


def test_an_alias_is_the_plane_that_it_means() -> None:
    assert feature_set("image:log-mel").planes == feature_set("image:LM").planes == ("LM",)
    assert feature_set("image:mfcc-deltas").planes == ("MFCC",)
    with pytest.raises(ValueError, match="3 different planes"):
        feature_set("image:LM+log-mel+mel")


def test_every_plane_can_be_an_image() -> None:
    for name in PLANES.names():
        assert feature_set(f"image:{name}").planes == (PLANES.get(name).name,)


def test_a_plane_with_frames_of_its_own_cannot_be_stacked() -> None:
    with pytest.raises(FeatureError, match=r"features odd: the plane 'mel' has its own sample rate and frames"):
        planes_of(FeatureSet("odd", ("LM", "mel"), Layout.SEGMENTS), PARAMS)


def test_a_clip_of_the_minimum_length_is_one_segment() -> None:
    assert minimum_samples(PARAMS) == 40 * 512
    assert n_frames(np.array([0.0, 0.05, 40 * 512 / 22050]), PARAMS).tolist() == [41, 41, 41]


def test_a_clip_of_four_seconds_has_seven_segments() -> None:
    frames = n_frames(np.array([4.0]), PARAMS)
    assert frames.tolist() == [173]
    assert n_segments(frames, 41, 20).tolist() == [7]


@given(frames=st.integers(0, 400), length=st.integers(1, 60), hop=st.integers(1, 60))
def test_segments_are_all_the_whole_windows(frames: int, length: int, hop: int) -> None:
    expected = [start for start in range(0, frames, hop) if start + length <= frames]
    assert int(n_segments(np.array(frames), length, hop)) == len(expected)


def test_clips_brought_to_one_length_have_its_frames() -> None:
    durations = np.array([3.64, 5.0, 7.24])
    fixed = n_frames(durations, FeaturesSection(clip_seconds=5.0))
    assert fixed.tolist() == [216, 216, 216]
    assert n_frames(durations, PARAMS).tolist() == [157, 216, 312]
