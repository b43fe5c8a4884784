"""The view that `harness ui` opens: every column and chart of it names something that is recorded."""

from __future__ import annotations

import json
from typing import Any

from mlflow import MlflowClient

from harness.tracking import ui_view
from harness.tracking.study_recorder import log_notes
from harness.tracking.ui import study_addresses


def test_the_view_selects_the_arms_and_shows_what_they_have(study: Any) -> None:
    with study.recording() as recorder:
        arm = study.spec.arm("A")
        recorder.finish_trial(recorder.trial(arm, "search", 0), {1: 0.5, 2: 0.75}, "validation")
        final = recorder.trial(arm, "final", None)
        study.run_fold(recorder, final, study.task())
        recorder.finish_trial(final, {1: 0.5, 2: 0.75}, "test")
    log_notes(study.uri, recorder.run_id, "", {"A": ""}, {"A": "lower (x:T1/A)"})
    client = MlflowClient(study.uri)
    experiment = client.get_experiment_by_name("tiny")
    state = json.loads(experiment.tags[ui_view.TAG])
    found = client.search_runs([experiment.experiment_id], state["searchFilter"], order_by=[state["orderByKey"]])
    assert [run.info.run_id for run in found] == [final]
    recorded = {f"tags.`{name}`" for name in found[0].data.tags} | {
        f"metrics.`{name}`" for name in found[0].data.metrics
    }
    assert set(state["selectedColumns"]) <= recorded
    assert {f"metrics.`{chart['metricKey']}`" for chart in state["compareRunCharts"]} <= recorded
    sections = {section["uuid"] for section in state["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} <= sections


def test_a_study_of_an_earlier_version_opens_without_the_view(study: Any) -> None:
    with study.recording():
        pass
    client = MlflowClient(study.uri)
    experiment = client.get_experiment_by_name("tiny")
    page = f"http://x/#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning"
    assert study_addresses(study.uri, "http://x") == {"tiny": f"{page}&viewStateShareKey=harness"}
    client.delete_experiment_tag(experiment.experiment_id, ui_view.TAG)
    assert study_addresses(study.uri, "http://x") == {"tiny": page}
