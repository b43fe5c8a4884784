"""Hyperparameter search with Optuna, one search per arm."""

from harness.search.arm_search import Evaluate, search_arm
from harness.search.trials import FoldScore, SearchOutcome, TrialRecord, choose

__all__ = ["Evaluate", "FoldScore", "SearchOutcome", "TrialRecord", "choose", "search_arm"]
