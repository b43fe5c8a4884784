"""The view of a study in the MLflow UI: one row per arm, with its accuracy, SD, network, features and verdict.

MLflow 3 keeps views that are shared by a link as a tag of the experiment.
"""

from __future__ import annotations

import json
from typing import Any

from harness.tracking import names

KEY = "harness"
"""Name of the view, in addresses."""

TAG = f"mlflow.sharedViewState.{KEY}"

# A column shows about twelve letters of a name. At 1280 pixels there is room for these, the last of them the verdict;
# the name of a run is its arm.
_MEAN, _SD = "mean_test_macro_accuracy", "sd_test_macro_accuracy"
_BY_FOLD = "test_macro_accuracy_by_fold"
_SECTION = "harness-accuracy"


def view() -> str:
    """Return the value of the tag."""
    state = {
        "searchFilter": f"tags.level = '{names.TRIAL}' and tags.phase = '{names.FINAL}'",
        "orderByKey": f"metrics.`{_MEAN}`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "selectedColumns": [
            *(f"tags.`{tag}`" for tag in ("model", "features", names.VERDICT_TAG)),
            *(f"metrics.`{metric}`" for metric in (_MEAN, _SD)),
        ],
        "compareRunSections": [
            {"uuid": _SECTION, "name": "Macro accuracy on the test folds", "display": True, "isReordered": False}
        ],
        "compareRunCharts": [
            _chart("harness-mean", "BAR", _MEAN, "Mean over folds"),
            _chart("harness-by-fold", "LINE", _BY_FOLD, "By fold (step: fold)")
            | {"selectedMetricKeys": [_BY_FOLD], "xAxisKey": "step", "lineSmoothness": 0, "useGlobalXaxisKey": False},
        ],
    }
    return json.dumps(state)


def _chart(uuid: str, kind: str, metric: str, title: str) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "type": kind,
        "metricKey": metric,
        "displayName": title,
        "metricSectionId": _SECTION,
        "runsCountToCompare": 20,
        "deleted": False,
        "isGenerated": False,
    }
