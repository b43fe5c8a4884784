"""MLflow, the only record of a study: written by StudyRecorder, read back by read_study, looked at with serve_ui.

Importing this folder loads neither mlflow nor pandas: names are imported where they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from harness.tracking.delivery import Delivery, send_waiting
    from harness.tracking.digests import search_digest, spec_digest
    from harness.tracking.environment import Environment, collect_environment
    from harness.tracking.folds import FinishedFold, StoredFold
    from harness.tracking.read import StudySummary, list_studies, load_fold, load_weights, read_study
    from harness.tracking.recorded import RecordedFold, RecordedRun, load_kept_weights, read_run
    from harness.tracking.spool import recording_uri
    from harness.tracking.store import readable_uri
    from harness.tracking.ui import serve_ui, ui_server
    from harness.tracking.uri import local_folder, mask_secrets
    from harness.tracking.write import StudyRecorder, log_reports

__all__ = [
    "Delivery",
    "Environment",
    "FinishedFold",
    "RecordedFold",
    "RecordedRun",
    "StoredFold",
    "StudyRecorder",
    "StudySummary",
    "collect_environment",
    "list_studies",
    "load_fold",
    "load_kept_weights",
    "load_weights",
    "local_folder",
    "log_reports",
    "mask_secrets",
    "read_run",
    "read_study",
    "readable_uri",
    "recording_uri",
    "search_digest",
    "send_waiting",
    "serve_ui",
    "spec_digest",
    "ui_server",
]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "delivery": ["Delivery", "send_waiting"],
        "digests": ["search_digest", "spec_digest"],
        "environment": ["Environment", "collect_environment"],
        "folds": ["FinishedFold", "StoredFold"],
        "read": ["StudySummary", "list_studies", "load_fold", "load_weights", "read_study"],
        "recorded": ["RecordedFold", "RecordedRun", "load_kept_weights", "read_run"],
        "spool": ["recording_uri"],
        "store": ["readable_uri"],
        "ui": ["serve_ui", "ui_server"],
        "uri": ["local_folder", "mask_secrets"],
        "write": ["StudyRecorder", "log_reports"],
    },
)
