"""A study's scores beside published claims, and its arms beside each other.

Names are imported where they are first used, so importing this folder loads neither pandas nor scipy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from harness.comparisons.against_claim import ClaimComparison, Rules, compare_with_claim, settle_family
    from harness.comparisons.between_arms import ArmComparisons, compare_arms
    from harness.comparisons.conditions import Conditions, conditions_of
    from harness.comparisons.contrast import Contrast
    from harness.comparisons.fold_scores import compare_scores, contrast_scores, one_family
    from harness.comparisons.missed_clips import HardClips, hard_clips
    from harness.comparisons.score_file import FoldScores, read_scores
    from harness.comparisons.scores import SCORES, StudyScores, arm_names, score_study
    from harness.comparisons.study_claims import compare_claims, library_of, rules_of

__all__ = [
    "SCORES",
    "ArmComparisons",
    "ClaimComparison",
    "Conditions",
    "Contrast",
    "FoldScores",
    "HardClips",
    "Rules",
    "StudyScores",
    "arm_names",
    "compare_arms",
    "compare_claims",
    "compare_scores",
    "compare_with_claim",
    "conditions_of",
    "contrast_scores",
    "hard_clips",
    "library_of",
    "one_family",
    "read_scores",
    "rules_of",
    "score_study",
    "settle_family",
]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "against_claim": ["ClaimComparison", "Rules", "compare_with_claim", "settle_family"],
        "between_arms": ["ArmComparisons", "compare_arms"],
        "conditions": ["Conditions", "conditions_of"],
        "contrast": ["Contrast"],
        "fold_scores": ["compare_scores", "contrast_scores", "one_family"],
        "missed_clips": ["HardClips", "hard_clips"],
        "score_file": ["FoldScores", "read_scores"],
        "scores": ["SCORES", "StudyScores", "arm_names", "score_study"],
        "study_claims": ["compare_claims", "library_of", "rules_of"],
    },
)
