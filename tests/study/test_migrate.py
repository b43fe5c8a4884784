"""A recorded study is read as today's whatever version recorded it, and what it did not state stays unstated."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import StudyError
from harness.study import StudySpec, load_study, read_recorded, recorded_document

ROOT = Path(__file__).parents[2]
REPORTS = sorted(ROOT.glob("reports/*/results.json"))
LATER = ("claim_exact", "norm_statistics", "tuned_on", "tuned_by", "seed_of", "tuned_as", "seeds", "parallel_trials")
"""Fields that the first versions did not have."""


@pytest.fixture
def document() -> dict[str, Any]:
    found: dict[str, Any] = load_study(ROOT / "studies" / "su2019-urbansound8k.toml").model_dump(mode="json")
    return found


def read(document: dict[str, Any], **environment: Any) -> StudySpec:
    return read_recorded(document, "study.json", environment)


def test_what_is_recorded_today_is_read_as_it_is(document: dict[str, Any]) -> None:
    assert read(document).model_dump(mode="json") == recorded_document(read(document)) == document


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.parent.name)
def test_the_committed_reports_state_what_they_did(path: Path) -> None:
    recorded = json.loads(path.read_text(encoding="utf-8"))["spec"]
    assert recorded_document(read(recorded)) == recorded


def test_settings_of_planes_that_were_one_list_are_tables_of_the_planes_in_use(document: dict[str, Any]) -> None:
    document["features"] = {
        "sample_rate": 16000,
        "n_fft": 2048,
        "n_mels": 40,
        "contrast_bands": 5,
        "contrast_fmin": 100.0,
    }
    document["features"]["image"] = {"sample_rate": 8000, "rows": 32, "n_mels": 20}
    document["arms"] = [
        {"name": "A", "model": "su4", "features": "LMC"},
        {"name": "B", "model": "resnet18", "features": "image:mel"},
    ]
    document |= {"compare": [], "search": {"trials": 0}, "evaluate": {}}
    features = read(document).features
    assert features.sample_rate == 16000
    assert features.image.rows == 32
    dumped = {name: dict(options) for name, options in features.planes.items()}
    assert (dumped["LM"], dumped["contrast"]) == (
        {"n_fft": 2048, "n_mels": 40},
        {"n_fft": 2048, "bands": 5, "fmin": 100.0},
    )
    assert (dumped["mel"]["sample_rate"], dumped["mel"]["n_mels"]) == (8000, 20)
    assert "MFCC" not in dumped


def test_options_of_networks_that_a_study_does_not_train_are_left_out(document: dict[str, Any]) -> None:
    document |= {"compare": [], "search": {"trials": 0}, "evaluate": {}}
    document["arms"] = [{"name": "B", "model": "resnet18", "features": "image:mel"}]
    document["model"] = {"conv4": "pool", "dropout": 0.5, "init": "kaiming-normal"}
    document["data"]["synthetic"] = {"clips_per_class_and_fold": 4, "seed": 0}
    spec = read(document)
    assert spec.model.options == {}
    assert spec.model.init == "kaiming-normal"
    assert spec.data.model_extra == {}


def test_fields_of_later_versions_have_their_defaults_and_are_not_stated(document: dict[str, Any]) -> None:
    first = copy.deepcopy(document)
    for section in (first["train"], first["evaluate"], *first["arms"]):
        for field in LATER:
            if section is not first["evaluate"] or field != "seeds":
                section.pop(field, None)
    spec = read(first)
    assert recorded_document(spec) == first
    assert (spec.train.tuned_on, spec.train.norm_statistics, spec.evaluate.claim_exact) == (
        "not stated",
        "running",
        False,
    )
    assert "tuned_on" not in spec.train.model_fields_set


def test_what_was_trained_before_cuda_graphs_was_trained_without(document: dict[str, Any]) -> None:
    del document["train"]["cuda_graphs"]
    assert read(document).train.cuda_graphs is False
    assert "cuda_graphs" not in document["train"], "the document is left as it is"
    document["train"]["cuda_graphs"] = True
    assert read(document).train.cuda_graphs is True


def test_a_value_beyond_its_bound_is_read(document: dict[str, Any]) -> None:
    document["train"]["epochs"] = 10**6
    assert read(document).train.epochs == 10**6


@pytest.mark.parametrize(
    ("environment", "made"),
    [
        ({"git": {"commit": "f" * 40}, "harness": "0.0.1"}, f"commit {'f' * 40}"),
        ({"git": {"commit": None}, "harness": "0.0.1"}, r"version 0\.0\.1"),
        ({"git": "?"}, "version unknown"),
        ({}, "version unknown"),
    ],
)
def test_one_that_cannot_be_read_names_field_and_version(
    document: dict[str, Any], environment: dict[str, Any], made: str
) -> None:
    document["train"]["gone"] = 1
    message = (
        rf"^study\.json: train\.gone: unknown key.*received 1[^\n]*\nThe study was recorded by {made} of the harness"
    )
    with pytest.raises(StudyError, match=message):
        read(document, **environment)


@pytest.mark.parametrize("damaged", [{}, {"train": 3}, {"arms": "A"}, {"study": None, "train": {}}])
def test_a_damaged_one_is_one_error(damaged: dict[str, Any]) -> None:
    with pytest.raises(StudyError, match="recorded by version unknown"):
        read(damaged)
