"""All programs train on the same values, whatever form they take them in."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.peers import made_items
from benchmarks.peers.contestants import CONTESTANTS
from benchmarks.peers.drivers.job import Job
from benchmarks.peers.drivers.ours import features_of
from benchmarks.peers.drivers.parts import PlaneItems, ReadyItems, network
from benchmarks.peers.drivers.replication import Segments
from harness.models.build import build_model
from harness.study import ModelSection
from harness.training.resident import Resident

N_ITEMS = 12


@pytest.fixture(params=["su4", "resnet18"])
def job(request: pytest.FixtureRequest, tmp_path: Path) -> Job:
    made_items.make(request.param, N_ITEMS, 4, tmp_path)
    return Job(request.param, str(tmp_path), 1, 4, 1, 0, 0.001, 0.9, 0.001, 0.5, False, "")


def test_every_form_has_the_same_items(job: Job) -> None:
    features, items = features_of(job)
    resident = Resident(features, torch.device("cpu"))
    ours = resident.gather(torch.from_numpy(resident.positions(items))).numpy()
    table = pd.read_csv(Path(job.items) / "train.csv")
    ready, planes, segments = ReadyItems(job), PlaneItems(job), Segments(job)
    assert len(ready) == len(planes) == len(segments) == len(table) == N_ITEMS
    for item in range(N_ITEMS):
        label = int(items.labels[item])
        forms = [ready[item], planes[item], segments[item]]
        assert [form[1] for form in forms] == [label] * 3
        assert table["label"][item] == f"class-{label}"
        stored = np.load(Path(job.items) / "default" / table["file"][item])
        for x in (*(np.asarray(form[0]) for form in forms), stored):
            np.testing.assert_array_equal(x, ours[item])


def test_every_network_begins_with_the_weights_of_the_harness(job: Job) -> None:
    shape = tuple(json.loads((Path(job.items) / "about.json").read_text())["shape"])
    section = ModelSection(dropout=0.5) if job.network == "su4" else ModelSection()
    theirs = network(job).state_dict()
    torch.manual_seed(0)
    ours = build_model(job.network, section, shape, 10).state_dict()
    assert list(theirs) == list(ours)
    assert all(torch.equal(theirs[name], ours[name]) for name in ours)


def test_a_job_survives_its_file(job: Job) -> None:
    assert Job(**json.loads(json.dumps(asdict(job)))) == job


def test_contestants_have_names_of_their_own() -> None:
    assert len({one.name for one in CONTESTANTS}) == len(CONTESTANTS)
