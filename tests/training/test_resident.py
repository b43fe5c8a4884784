"""Items and windows against naive slicing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.data.splits import Part
from harness.errors import TrainingError
from harness.features.cache.feature_store import FeatureRef
from harness.training.resident import Resident, part_items, plane_rows
from tests.toys import FRAMES, HOP, write_images

CPU = torch.device("cpu")


def naive_window(features: FeatureRef, clip: int, segment: int) -> NDArray[np.float32]:
    """Cut one segment the slow way: bins x frames."""
    planes = [np.load(file)[features.offsets[clip] : features.offsets[clip + 1]] for file in features.files]
    start = segment * HOP
    return np.concatenate([plane[start : start + FRAMES].T for plane in planes], axis=0)


def test_every_window_equals_naive_slicing(features: FeatureRef, labels: NDArray[np.int64]) -> None:
    resident = Resident(features, CPU)
    items = part_items(Part(np.arange(len(labels))), features, labels)
    x = resident.gather(torch.from_numpy(resident.positions(items)))
    assert x.shape == (len(items), *resident.input_shape) == (len(items), 1, 9, FRAMES)
    for window, clip, segment in zip(x.numpy(), items.clips, items.segments, strict=True):
        assert np.array_equal(window[0], naive_window(features, clip, segment))


def test_every_segment_of_every_clip_once_in_order(features: FeatureRef, labels: NDArray[np.int64]) -> None:
    items = part_items(Part(np.array([7, 3])), features, labels)
    counts = features.segments_per_clip()
    assert items.clips.tolist() == [7] * counts[7] + [3] * counts[3]
    assert items.segments.tolist() == [*range(counts[7]), *range(counts[3])]
    assert items.labels.tolist() == [1] * counts[7] + [0] * counts[3]


def test_named_segments(features: FeatureRef, labels: NDArray[np.int64]) -> None:
    clip = int(np.argmax(features.segments_per_clip()))
    items = part_items(Part(np.array([clip, 0]), np.array([1, 0])), features, labels)
    assert (items.clips.tolist(), items.segments.tolist()) == ([clip, 0], [1, 0])


@pytest.mark.parametrize("segment", [-1, 4])
def test_segments_beyond_the_clip_are_refused(features: FeatureRef, labels: NDArray[np.int64], segment: int) -> None:
    with pytest.raises(TrainingError, match=rf"segment {segment} of clip 0, which has \d segments"):
        part_items(Part(np.array([0]), np.array([segment])), features, labels)


def test_batches_are_fresh_and_channels_last(features: FeatureRef) -> None:
    resident = Resident(features, CPU)
    before = resident.x.clone()
    x = resident.gather(torch.tensor([0, 5]))
    assert x.is_contiguous(memory_format=torch.channels_last)
    x.zero_()
    assert torch.equal(resident.x, before)


def test_images(tmp_path: Path, labels: NDArray[np.int64]) -> None:
    features = write_images(tmp_path, labels)
    resident = Resident(features, CPU)
    items = part_items(Part(np.array([4, 1])), features, labels)
    x = resident.gather(torch.from_numpy(resident.positions(items)))
    assert resident.input_shape == (3, 32, 32)
    assert x.is_contiguous(memory_format=torch.channels_last)
    expected = np.stack([np.load(file)[[4, 1]] for file in features.files], axis=1)
    assert np.array_equal(x.numpy(), expected)
    assert items.segments.tolist() == [0, 0]
    with pytest.raises(TrainingError, match="one image per clip"):
        part_items(Part(np.array([4]), np.array([0])), features, labels)


def test_plane_rows_come_from_the_files(features: FeatureRef, tmp_path: Path, labels: NDArray[np.int64]) -> None:
    assert plane_rows(features) == {"LM": (0, 6), "chroma": (6, 9)}
    (tmp_path / "images").mkdir()
    assert set(plane_rows(write_images(tmp_path / "images", labels)).values()) == {(0, 32)}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.sets(st.integers(0, 47), min_size=1, max_size=10), data=st.data())
def test_covered_rows_are_the_union_of_windows(
    features: FeatureRef, labels: NDArray[np.int64], chosen: set[int], data: st.DataObject
) -> None:
    whole = part_items(Part(np.array(sorted(chosen))), features, labels)
    kept = np.array(data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=12)))
    items = dataclasses.replace(
        whole, clips=whole.clips[kept], segments=whole.segments[kept], labels=whole.labels[kept]
    )
    resident = Resident(features, CPU)
    union = {frame for start in resident.positions(items) for frame in range(start, start + FRAMES)}
    assert resident.rows_of(items).tolist() == sorted(union)
