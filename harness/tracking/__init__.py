"""MLflow, the only record of a study: written by StudyRecorder, read back by read_study, looked at with serve_ui.

Importing this folder loads neither mlflow nor pandas: names are imported where they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.tracking.digests import spec_digest
    from harness.tracking.environment import Environment, collect_environment
    from harness.tracking.folds import FinishedFold, StoredFold
    from harness.tracking.read import StudySummary, list_studies, load_fold, load_weights, read_study
    from harness.tracking.ui import serve_ui, ui_server
    from harness.tracking.uri import local_folder, mask_secrets
    from harness.tracking.write import StudyRecorder, log_reports

__all__ = [
    "Environment",
    "FinishedFold",
    "StoredFold",
    "StudyRecorder",
    "StudySummary",
    "collect_environment",
    "list_studies",
    "load_fold",
    "load_weights",
    "local_folder",
    "log_reports",
    "mask_secrets",
    "read_study",
    "serve_ui",
    "spec_digest",
    "ui_server",
]

_HOMES = {
    "Environment": "environment",
    "FinishedFold": "folds",
    "StoredFold": "folds",
    "StudyRecorder": "write",
    "StudySummary": "read",
    "collect_environment": "environment",
    "list_studies": "read",
    "load_fold": "read",
    "load_weights": "read",
    "local_folder": "uri",
    "log_reports": "write",
    "mask_secrets": "uri",
    "read_study": "read",
    "serve_ui": "ui",
    "spec_digest": "digests",
    "ui_server": "ui",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
