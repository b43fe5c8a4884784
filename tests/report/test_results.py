"""results.json: strict JSON, full precision, equal to what is counted by hand."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest

from harness.comparisons.as_json import json_data
from harness.record import StudyRecord
from harness.report import results
from harness.report.evidence import Evidence, gather
from harness.report.results import SCHEMA_FILE, results_json
from harness.study import recorded_document
from harness.study.sections import TrackingSection
from tests.records import restated

MakeRecord = Callable[..., StudyRecord]


def read(record: StudyRecord) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    found: dict[str, Any] = json.loads(results_json(gather(record)), parse_constant=refuse)
    return found


def test_numbers_equal_a_count_by_hand(record: StudyRecord) -> None:
    found = read(record)
    assert found["schema"] == 3
    assert [arm["name"] for arm in found["arms"]] == ["LMCNet", "MCNet", "MLMC", "TSCNN-DS"]
    arm = found["arms"][1]
    table = record.predictions[record.predictions["arm"] == "MCNet"]
    right = table.filter(regex="^p_").to_numpy().argmax(axis=1) == table["y_true"].to_numpy()
    clip = table.assign(right=right).groupby(["fold", "seed"])["right"].mean()
    for run in arm["runs"]:
        assert run["clip_accuracy"] == pytest.approx(clip[run["fold"], run["seed"]], abs=1e-15)
    folds = clip.groupby("fold").mean()
    assert [fold["clip_accuracy"] for fold in arm["folds"]] == pytest.approx(folds.tolist(), abs=1e-15)
    assert arm["mean"]["clip_accuracy"] == pytest.approx(folds.mean(), abs=1e-15)
    assert arm["sd"]["clip_accuracy"] == pytest.approx(folds.std(ddof=1), abs=1e-15)
    assert (arm["n_folds"], arm["n_seeds"], arm["missing_folds"]) == (5, [2, 2], [])
    dogs = table.assign(right=right).query("y_true == 0").groupby(["fold", "seed"])["right"].mean()
    assert arm["classes"][0]["class"] == "dog"
    assert arm["classes"][0]["mean"] == pytest.approx(dogs.groupby("fold").mean().mean(), abs=1e-15)
    assert arm["classes"][0]["folds"]["3"] == pytest.approx(dogs[3].mean(), abs=1e-15)
    assert sum(map(sum, arm["confusion"])) == len(table)


def test_fused_arm_has_no_segment_accuracy(record: StudyRecord) -> None:
    fused = read(record)["arms"][3]
    assert fused["mean"]["segment_accuracy"] is None
    assert (fused["fuse"], fused["rule"]) == (["LMCNet", "MCNet"], "dempster-shafer")


def test_what_a_reader_must_know_is_said(make_record: MakeRecord) -> None:
    record = make_record(
        dataset="urbansound8k",
        folds=(1, 2, 10),
        protocol={"split": "random-clip", "epoch_rule": "best-on-test", "final_train": "train"},
        search={"trials": 2, "selection": "pooled", "space": {"train.lr": {"low": 1e-4, "high": 1e-2}}},
    )
    found = read(record)
    assert found["protocol"]["epoch_chosen_on_test"] is True
    assert found["protocol"]["partial"] is True
    assert found["protocol"]["tested_folds"] == [1, 2, 10]
    assert found["selection"]["tuned_on_reported_folds"] is True
    assert len(found["marks"]) == 5
    assert found["command"].startswith("harness run-study")
    assert found["environment"]["git"]["dirty"] is True
    assert found["spec"] == recorded_document(record.spec)
    assert [row["fold"] for row in found["leakage"]] == [1, 2, 10]


def test_a_plain_study_has_no_marks(record: StudyRecord) -> None:
    found = read(record)
    assert found["marks"] == []
    assert found["selection"]["tuned_on_reported_folds"] is False
    assert found["protocol"]["partial"] is False


def test_missing_fold_and_failure_are_listed(record: StudyRecord) -> None:
    table, folds = record.predictions, record.folds.copy()
    lost = (table["arm"] == "MLMC") & (table["fold"] == 3)
    folds.loc[0, ["status", "error", "trial"]] = ["FAILED", "boom", np.nan]
    found = read(dataclasses.replace(record, predictions=table[~lost], folds=folds))
    assert found["arms"][2]["missing_folds"] == [3]
    (failure,) = found["failures"]
    assert (failure["error"], failure["trial"]) == ("boom", None)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("harness run-study studies/a.toml --set 'x=[1, 2]'", "harness run-study studies/a.toml --set 'x=[1, 2]'"),
        ("harness run-study --workers=3 /home/me/a.toml", "harness run-study --workers=3 a.toml"),
        ("harness run-study /home/me/a.toml --data-root /mnt/audio", "harness run-study a.toml --data-root DIR"),
        ("harness run-study a.toml --data-root=~/audio -v", "harness run-study a.toml --data-root=DIR -v"),
        (r"harness run-study 'C:\work\a b.toml' '\x\b.toml'", "harness run-study 'a b.toml' b.toml"),
        ("harness run-study a.toml --tracking-uri sqlite:////me/m.db", "harness run-study a.toml --tracking-uri URI"),
        (
            "harness run-study a.toml --tracking-uri sqlite:///m.db",
            "harness run-study a.toml --tracking-uri sqlite:///m.db",
        ),
        ("harness run-study a.toml --tracking-uri http://b/c", "harness run-study a.toml --tracking-uri http://b/c"),
        ("harness run-study a.toml --set data.root=/home/me/x", "harness run-study a.toml --set data.root=DIR"),
        ("harness run-study a.toml '--set=a=[\"/b/c.csv\"]'", "harness run-study a.toml '--set=a=[\"c.csv\"]'"),
        ("harness run-study 'a.toml", "harness run-study 'a.toml"),
    ],
)
def test_no_folder_of_the_machine_is_published(record: StudyRecord, given: str, shown: str) -> None:
    part = {"run_id": "a", "arms": [], "seconds": 1.0, "command": given}
    overrides = ["data.root=/home/me/x", "train.lr=0.1"]
    environment = {**record.environment, "command": given, "overrides": overrides, "parts": [part]}
    found = read(dataclasses.replace(record, environment=environment))
    commands = found["command"], found["environment"]["command"], found["environment"]["parts"][0]["command"]
    assert commands == (shown,) * 3
    assert found["environment"]["overrides"] == ["data.root=DIR", "train.lr=0.1"]


def test_no_store_at_a_path_of_the_machine_is_published(record: StudyRecord) -> None:
    def tracking(uri: str) -> dict[str, str]:
        section = record.spec.tracking.model_copy(update={"uri": uri})
        spec = record.spec.model_copy(update={"tracking": section})
        found: dict[str, str] = read(dataclasses.replace(record, spec=spec))["spec"].get("tracking", {})
        return found

    assert tracking("sqlite:////home/me/m.db")["uri"] == TrackingSection().uri
    assert tracking("http://server:5000").get("uri", "http://server:5000") == "http://server:5000"


def test_command_given_as_words_is_quoted(record: StudyRecord) -> None:
    environment = record.environment | {"command": ["harness", "report", "a study"]}
    assert read(dataclasses.replace(record, environment=environment))["command"] == "harness report 'a study'"


SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


class TestSchema:
    def test_it_is_a_schema_of_this_version(self) -> None:
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        assert SCHEMA["properties"]["schema"]["const"] == results.SCHEMA
        assert SCHEMA_FILE.parent == Path(results.__file__).parent, "ships in the package"

    def test_every_kind_of_report_fits(self, make_record: MakeRecord, us8k: Evidence, small: StudyRecord) -> None:
        verified = make_record(compare=[("piczak2015cnn:ESC-10/CNN", "LMCNet"), ("su2019:T2/MLMC", "MLMC")], trials=2)
        alike = restated(verified, "piczak2015cnn", tuning="none")
        for evidence in (us8k, gather(small), gather(verified), gather(alike)):
            assert [error.message for error in VALIDATOR.iter_errors(results.results(evidence))] == []

    def test_each_comparison_says_whether_it_is_a_reference(self, make_record: MakeRecord, us8k: Evidence) -> None:
        other = make_record(compare=[("piczak2015cnn:ESC-10/CNN", "LMCNet")])
        for evidence, said in ((us8k, "replication"), (gather(other), "reference")):
            assert {each["as"] for each in results.results(evidence)["comparisons"]} == {said}
        (claim,) = (each["claim"] for each in results.results(gather(other))["comparisons"])
        assert (claim["training_folds"], claim["tested_folds"]) == (3, [])
        unsaid = results.results(us8k)
        del unsaid["comparisons"][0]["as"]
        assert list(VALIDATOR.iter_errors(unsaid)) != []

    def test_gaps_fit(self, make_record: MakeRecord) -> None:
        record = make_record(trials=1, compare=[("piczak2015cnn:ESC-10/CNN", "MLMC")], status="FAILED")
        table, folds = record.predictions, record.folds.copy()
        folds.loc[0, ["status", "error", "trial"]] = ["FAILED", "boom", np.nan]
        kept = (table["arm"] != "MCNet") & ((table["arm"] != "MLMC") | (table["fold"] == 3))
        gaps = dataclasses.replace(
            record, predictions=table[kept], folds=folds, leakage=record.leakage.iloc[:0], environment={}
        )
        found = results.results(gather(gaps))
        assert [error.message for error in VALIDATOR.iter_errors(found)] == []
        assert found["comparisons"][0]["test"] is None
        assert found["arms"][2]["interval"] is None

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (["surprise"], 1),
            (["schema"], 1),
            (["arms", 0, "surprise"], 1),
            (["arms", 0, "mean", "macro_accuracy"], 93.5),
            (["arms", 0, "n_folds"], "10"),
            (["comparisons", 0, "verdict"], "better"),
            (["comparisons", 0, "p"], 1.2),
            (["comparisons", 0, "claim", "address"], "su2019"),
            (["comparisons", 0, "test", "surprise"], 1),
            (["contrasts", "family"], "some"),
            (["contrasts", "pairs", 0, "mcnemar", "only_first"], 1.5),
            (["searches", 0, "trials", 0, "state"], "lost"),
            (["hard_clips", "missed_by_all", "count"], -1),
        ],
    )
    def test_what_does_not_belong_is_refused(self, us8k: Evidence, path: list[Any], value: object) -> None:
        found = results.results(us8k)
        place = found
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        assert list(VALIDATOR.iter_errors(found)) != []

    @pytest.mark.parametrize("key", SCHEMA["required"])
    def test_no_key_may_be_missing(self, us8k: Evidence, key: str) -> None:
        found = results.results(us8k)
        del found[key]
        assert list(VALIDATOR.iter_errors(found)) != []

    def test_every_key_is_described(self) -> None:
        def undescribed(schema: Any, path: str) -> list[str]:
            found = []
            for name, entry in schema.get("properties", {}).items():
                told = entry.get("description") or entry.get("$ref")
                found += [] if told else [f"{path}/{name}"]
                found += undescribed(entry, f"{path}/{name}") + undescribed(entry.get("items", {}), f"{path}/{name}")
            return found

        parts = {"": SCHEMA, **SCHEMA["$defs"]}
        assert [place for name, part in parts.items() for place in undescribed(part, name)] == []


def test_comparisons_hold_what_the_tables_hold(us8k: Evidence) -> None:
    found = results.results(us8k)
    first, each = found["comparisons"][0], us8k.claims[0]
    assert first["claim"]["address"] == "su2019:T2/LMCNet"
    assert (first["claim"]["percent"], first["claim"]["sd_kind"]) == (95.2, "classes")
    assert first["claim"]["sd_over_folds"] is None
    assert first["mean"] == each.mean
    assert first["interval"] == [each.low, each.high]
    assert first["difference"] == pytest.approx(each.mean - 95.2)
    assert first["classes"]["siren"]["claimed"] == 98.6
    assert (first["verdict"], first["p_holm"]) == ("lower", each.p_adjusted)
    assert first["mean"] == pytest.approx(100 * found["arms"][0]["mean"]["macro_accuracy"])
    pair = found["contrasts"]["pairs"][0]
    assert (pair["first"], pair["second"], found["contrasts"]["family"]) == ("TSCNN-DS", "LMCNet", "every pair")
    assert found["contrasts"]["cochran"]["arms"] == ["LMCNet", "MCNet", "MLMC"]
    assert [search["arm"] for search in found["searches"]] == ["LMCNet", "MCNet", "MLMC"]


def test_hard_clips_are_counted_by_class(us8k: Evidence) -> None:
    table = us8k.record.predictions
    right = table.filter(regex="^p_").to_numpy().argmax(axis=1) == table["y_true"].to_numpy()
    missed = ~table.assign(right=right).groupby(["fold", "clip_id", "y_true"])["right"].any()
    counts = missed[missed].groupby("y_true").size()
    found = results.results(us8k)["hard_clips"]
    assert found["missed_by_all"]["count"] == int(missed.sum()) > 0
    assert found["missed_by_all"]["classes"] == {
        us8k.record.classes[position]: count for position, count in counts.items()
    }
    assert found["n_clips"] == len(missed)
    assert found["only_fusion"][0]["arm"] == "TSCNN-DS"


def test_json_data_makes_everything_plain() -> None:
    given = {
        1: np.float64("nan"),
        "a": (np.int64(3), np.bool_(True), pd.NA, pd.NaT),
        "b": np.array([[1.5, np.inf]]),
        "c": None,
    }
    assert json_data(given) == {"1": None, "a": [3, True, None, None], "b": [[1.5, None]], "c": None}
