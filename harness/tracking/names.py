"""Names of tags, metrics and artifacts, shared by the recorder and the reader.

Every run carries the flat tags of :data:`FLAT_TAGS`, with ``-`` where one does not apply (the fold of a study run).
Curves are metrics below ``epoch/`` with the epoch as step; scores of a training have plain names.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from harness.training import task, weights

NOT_APPLICABLE = "-"

STUDY, TRIAL, FOLD = "study", "trial", "fold"
SEARCH, FINAL, SURVEY = task.SEARCH, task.FINAL, task.SURVEY

FLAT_TAGS = (
    "study",
    "level",
    "study_run",
    "phase",
    "arm",
    "model",
    "features",
    "dataset",
    "split",
    "epoch_rule",
    "fold",
    "seed",
    "trial",
    "digest",
)

DIGEST_TAG = "digest"
"""Of what a run is, by which finished work is found again: of a study and its inputs, or of a training. The digests of
the inputs are in the ``environment.json`` of the study run."""
EARLIER_DIGEST_TAGS = {"study": "spec_digest", "fold": "task_digest"}
"""By level, the tag of earlier versions, which also recorded ``data_digest`` and ``features_digest`` as tags."""

PARENT_TAG = "mlflow.parentRunId"
STUDY_RUN_TAG = "study_run"
TASK_KEY_TAG = "task_key"
SET_TAG = "set"  # JSON of the hyperparameters that override the study's
ERROR_TAG = "error"
PRUNED_TAG = "pruned"
FLOOR_TAG = "pruning_floor"  # JSON: by epoch, the validation accuracy below which a search's training is stopped
UNTIL_TAG = "chosen_epoch"  # after which a training ends, because all test folds together chose it
STOPPED_TAG = "stopped_after_epoch"  # of a pruned training of a search
DEVICE_TAG = "device"
CONDITIONS_TAG = "conditions"
WARNINGS_TAG = "warnings"
FUSED_FROM_TAG = "fused_from"  # ids of the runs whose predictions were fused
TRAINED_WITH_TAG = "trained_with"  # trainings that shared this one, under another epoch rule
SESSIONS_TAG = "sessions"
SESSION_IDS_TAG = "session_ids"  # of all sessions, the last one last, to know who wrote a study run
SESSION_START_TAG = "session_start_ms"
ACTIVE_SECONDS_TAG = "active_seconds"
VERDICT_TAG = "verdict"  # what the tests of the report say of an arm
NOTE_TAG = "mlflow.note.content"  # Markdown at the top of a run's page
SEARCH_REPEATS_TAG = "search_is_reproducible"
SOURCE_TAG = "harness.source_run"  # on a server, and where it was received: the run as it was recorded first
RESUMED_TAG = "changed_between_sessions"
DECLARED_LATER = "declared_later"  # comparisons that changed after something had been tested

EPOCH_PREFIX = "epoch/"
BEST_EPOCH = "best_epoch"
SECONDS = "seconds"
SEGMENTS_PER_SECOND = "segments_per_second"

SPEC_FILE = "study.json"
DATA_FILE = "data.json"
LEAKAGE_FILE = "leakage.json"
CODE_FOLDER = "code"
"""Source files of the user's own code that the study names."""
CLAIMS_FILE = "claims.json"
ENVIRONMENT_FILE = "environment.json"
DIFF_FILE = "git.diff"
SEGMENTS_FILE = "segments.parquet"
PREDICTIONS_FILE = "predictions.parquet"
HISTORY_FILE = "history.csv"
WEIGHTS_FILE, NETWORK_FILE = weights.WEIGHTS_FILE, weights.NETWORK_FILE
ERROR_FILE = "error.txt"
PICTURES_FOLDER = "pictures"
REPORTS_FOLDER = "reports"
SEARCH_FOLDER = "search"

FINISHED, FAILED, KILLED, RUNNING = "FINISHED", "FAILED", "KILLED", "RUNNING"

_FOREIGN = re.compile(r"[^\w -]")
_LONGEST_NAME = 200


def metric_names(arms: Sequence[str]) -> dict[str, str]:
    """Return by arm a name that may be part of a metric's: MLflow allows letters, digits, and few signs.

    Examples
    --------
    >>> metric_names(["A & B", "A + B"])
    {'A & B': 'A _ B', 'A + B': 'A _ B 2'}
    """
    found: dict[str, str] = {}
    for arm in arms:
        safe = _FOREIGN.sub("_", arm)[:_LONGEST_NAME]
        candidates = itertools.chain([safe], (f"{safe} {number}" for number in itertools.count(2)))
        found[arm] = next(name for name in candidates if name not in found.values())
    return found
