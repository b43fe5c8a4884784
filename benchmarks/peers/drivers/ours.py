"""The harness's own epochs, as one worker of `harness run-study` trains a fold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.peers.drivers.job import Job, conversation, job
from benchmarks.peers.drivers.parts import N_CLASSES
from harness.devices import open_device
from harness.features.cache.feature_store import FeatureRef
from harness.models.build import build_model
from harness.study import ModelSection, TrainSection
from harness.training.augment import Draws
from harness.training.isolation import isolated
from harness.training.learner import Learner, PartOnDevice, batch_bounds
from harness.training.resident import Items, Resident


def features_of(asked: Job) -> tuple[FeatureRef, Items]:
    """Return where the features lie in the harness's own layout, and the items cut out of them."""
    folder = Path(asked.items)
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    labels = np.load(folder / "y.npy")
    files = tuple(str(folder / name) for name in about["files"])
    planes = tuple(Path(name).stem for name in about["files"])
    if about["segment_frames"]:
        clip, segment = np.divmod(np.arange(len(labels)), about["segments_per_clip"])
        offsets = np.arange(clip[-1] + 2, dtype=np.int64) * about["frames_per_clip"]
        frames, hop = about["segment_frames"], about["segment_hop"]
        return FeatureRef("made", "segments", planes, files, offsets, frames, hop, ""), Items(clip, segment, labels)
    item = np.arange(len(labels))
    nothing = np.zeros(0, dtype=np.int64)
    return FeatureRef("made", "image", planes, files, nothing, 0, 0, ""), Items(item, np.zeros_like(item), labels)


def main() -> None:
    """Train."""
    asked, said = job(), conversation()
    device = open_device("cpu")
    train = TrainSection(batch_size=asked.batch, lr=asked.lr, momentum=asked.momentum, weight_decay=asked.weight_decay)
    features, items = features_of(asked)
    with isolated(device, 0, asked.threads):
        resident = Resident(features, device)
        shape = resident.input_shape
        torch.manual_seed(0)
        section = ModelSection(dropout=asked.dropout) if asked.network == "su4" else ModelSection()
        learner = Learner(build_model(asked.network, section, shape, N_CLASSES), train, device)
        part = PartOnDevice(torch.from_numpy(resident.positions(items)), torch.from_numpy(items.labels))
        draws, bounds = Draws(train, len(items), shape, 0, device), batch_bounds(len(items), asked.batch)
        as_stored = torch.arange(len(items))
        for _ in range(asked.epochs):
            said.begin_epoch()
            learner.set_rate(train.lr)
            drawn = draws.epoch()
            learner.epoch(resident, part, drawn if asked.shuffled else replace(drawn, order=as_stored), bounds)
            said.end_epoch(learner.tally()[0])


if __name__ == "__main__":
    main()
