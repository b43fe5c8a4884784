"""Statistics of the training part, and of nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from harness.data.splits import Part
from harness.features.cache.feature_store import FeatureRef
from harness.training import normalise as module
from harness.training.normalise import normalise, training_statistics
from harness.training.resident import Items, Resident, part_items
from tests.toys import split_of, write_images

CPU = torch.device("cpu")


def train_items(features: FeatureRef, labels: NDArray[np.int64]) -> Items:
    return part_items(split_of(len(labels)).train, features, labels)


def covered(features: FeatureRef, items: Items) -> NDArray[np.float64]:
    """Return the frames that the items cover, each once, the slow way."""
    x = np.concatenate([np.load(file) for file in features.files], axis=1)
    frames = set()
    for clip, segment in zip(items.clips, items.segments, strict=True):
        start = features.offsets[clip] + segment * features.segment_hop
        frames |= set(range(start, start + features.segment_frames))
    return x[sorted(frames)].astype(np.float64)


@pytest.mark.parametrize("chunk", [4_000_000, 20])
def test_per_bin(features: FeatureRef, labels: NDArray[np.int64], chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_ELEMENTS", chunk)
    items = train_items(features, labels)
    statistics = training_statistics(Resident(features, CPU), items, "per-bin")
    x = covered(features, items)
    assert statistics.mean.numpy() == pytest.approx(x.mean(axis=0), abs=1e-12)
    assert statistics.std.numpy() == pytest.approx(x.std(axis=0), abs=1e-12)


def test_per_plane(features: FeatureRef, labels: NDArray[np.int64]) -> None:
    items = train_items(features, labels)
    statistics = training_statistics(Resident(features, CPU), items, "per-plane")
    x = covered(features, items)
    for rows in (slice(0, 6), slice(6, 9)):
        assert statistics.mean[rows].numpy() == pytest.approx(np.full(rows.stop - rows.start, x[:, rows].mean()))
        assert statistics.std[rows].numpy() == pytest.approx(np.full(rows.stop - rows.start, x[:, rows].std()))


@pytest.mark.parametrize(("how", "over"), [("per-bin", (0, 3)), ("per-plane", (0, 2, 3))])
def test_images(tmp_path: Path, labels: NDArray[np.int64], how: str, over: tuple[int, ...]) -> None:
    features = write_images(tmp_path, labels)
    items = train_items(features, labels)
    resident = Resident(features, CPU)
    normalise(resident, items, how)
    x = np.stack([np.load(file) for file in features.files], axis=1).astype(np.float64)
    seen = x[items.clips]
    expected = (x - seen.mean(axis=over, keepdims=True)) / seen.std(axis=over, keepdims=True)
    assert resident.gather(torch.arange(len(labels))).numpy() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("how", ["per-bin", "per-plane"])
def test_other_parts_have_no_say(features: FeatureRef, labels: NDArray[np.int64], how: str) -> None:
    items = train_items(features, labels)
    resident = Resident(features, CPU)
    before = training_statistics(resident, items, how)
    rows = set(resident.rows_of(items).tolist())
    others = [frame for frame in range(len(resident.x)) if frame not in rows]
    resident.x[others] = 1e6
    after = training_statistics(resident, items, how)
    assert torch.equal(before.mean, after.mean)
    assert torch.equal(before.std, after.std)
    resident.x[sorted(rows)[0]] += 1.0
    assert not torch.equal(before.mean, training_statistics(resident, items, how).mean)


def test_training_part_ends_at_mean_0_and_deviation_1(features: FeatureRef, labels: NDArray[np.int64]) -> None:
    items = train_items(features, labels)
    resident = Resident(features, CPU)
    normalise(resident, items, "per-bin")
    x = resident.x[resident.rows_of(items)].double()
    assert x.mean(dim=0).abs().max() < 1e-6
    assert (x.std(dim=0, correction=0) - 1).abs().max() < 1e-6


def test_none_leaves_features_alone(features: FeatureRef, labels: NDArray[np.int64]) -> None:
    resident = Resident(features, CPU)
    before = resident.x.clone()
    normalise(resident, train_items(features, labels), "none")
    assert torch.equal(resident.x, before)


@pytest.mark.parametrize("constant", [0.0, 0.1, -80.0, 1e8])
def test_constant_bins_are_centred_not_blown_up(tmp_path: Path, constant: float) -> None:
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    x[:, 1] = constant
    np.save(tmp_path / "x.npy", x)
    features = FeatureRef("toy", "segments", ("LM",), (str(tmp_path / "x.npy"),), np.array([0, 40]), 8, 4, "")
    resident = Resident(features, CPU)
    normalise(resident, part_items(Part(np.array([0])), features, np.array([0])), "per-bin")
    assert resident.x[:, 1].abs().max() <= abs(constant) * 1e-6
    assert torch.isfinite(resident.x).all()


def test_a_large_mean_does_not_swallow_the_spread(tmp_path: Path) -> None:
    # The one-pass formula E[x^2] - E[x]^2 in float32 would give nonsense here.
    x = (1e4 + np.random.default_rng(0).normal(size=(4000, 1))).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    features = FeatureRef("toy", "segments", ("LM",), (str(tmp_path / "x.npy"),), np.array([0, 4000]), 8, 4, "")
    items = part_items(Part(np.array([0])), features, np.array([0]))
    std = training_statistics(Resident(features, CPU), items, "per-bin").std
    assert float(std) == pytest.approx(float(x.astype(np.float64).std()), rel=1e-9)


def test_each_frame_counts_once(features: FeatureRef, labels: NDArray[np.int64]) -> None:
    items = train_items(features, labels)
    twice = dataclasses.replace(
        items,
        clips=np.concatenate([items.clips, items.clips[:5]]),
        segments=np.concatenate([items.segments, items.segments[:5]]),
        labels=np.concatenate([items.labels, items.labels[:5]]),
    )
    resident = Resident(features, CPU)
    first, second = (training_statistics(resident, given, "per-bin") for given in (items, twice))
    assert torch.equal(first.mean, second.mean)
