"""Hyperparameter search with Optuna, one search per arm."""

from harness.search.arm_search import Evaluate, Report, search_arm
from harness.search.outcome import SearchOutcome, TrialRecord, choose

__all__ = ["Evaluate", "Report", "SearchOutcome", "TrialRecord", "choose", "search_arm"]
