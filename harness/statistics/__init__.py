"""Tests on numbers: folds against a claim, arms against each other, and what can be concluded.

Nothing here knows of studies or claims. Conventions: values, targets and margins stand in one unit, commonly percentage
points; a value belongs to a fold, seeds averaged already; ``ratio`` is n_test / n_train; every result says what its
interval is over. Names are imported where they are first used, so importing this folder costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from harness.statistics.bayes import CorrelatedT, correlated_t
    from harness.statistics.bootstrap import (
        BootstrapInterval,
        accuracy_difference_bootstrap,
        clustered_bootstrap,
        macro_accuracy_bootstrap,
    )
    from harness.statistics.clips import CochranQ, McNemar, cochran_q, mcnemar, wilson
    from harness.statistics.correction import corrected_standard_error, fold_ratio
    from harness.statistics.family import holm
    from harness.statistics.folds import FoldValues
    from harness.statistics.power import (
        FoldsNeeded,
        folds_needed,
        power_of_difference,
        power_of_equivalence,
        seeds_needed,
    )
    from harness.statistics.published import (
        DifferenceTest,
        PublishedTest,
        against_folds,
        against_mean,
        against_published,
        sensitivity,
    )
    from harness.statistics.ranks import Wilcoxon, wilcoxon_folds
    from harness.statistics.seeds import Components, Trainings, average_seeds, seeds_per_fold, variance_components
    from harness.statistics.t_tests import TTest, one_sample, paired
    from harness.statistics.tost import Equivalence, equivalence, paired_equivalence, smallest_provable_margin
    from harness.statistics.verdict import Decision, Verdict, decide

__all__ = [
    "BootstrapInterval",
    "CochranQ",
    "Components",
    "CorrelatedT",
    "Decision",
    "DifferenceTest",
    "Equivalence",
    "FoldValues",
    "FoldsNeeded",
    "McNemar",
    "PublishedTest",
    "TTest",
    "Trainings",
    "Verdict",
    "Wilcoxon",
    "accuracy_difference_bootstrap",
    "against_folds",
    "against_mean",
    "against_published",
    "average_seeds",
    "clustered_bootstrap",
    "cochran_q",
    "corrected_standard_error",
    "correlated_t",
    "decide",
    "equivalence",
    "fold_ratio",
    "folds_needed",
    "holm",
    "macro_accuracy_bootstrap",
    "mcnemar",
    "one_sample",
    "paired",
    "paired_equivalence",
    "power_of_difference",
    "power_of_equivalence",
    "seeds_needed",
    "seeds_per_fold",
    "sensitivity",
    "smallest_provable_margin",
    "variance_components",
    "wilcoxon_folds",
    "wilson",
]

# No file is called as a function in it: the package's attribute would be one or the other, by order of import.
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "bayes": ["CorrelatedT", "correlated_t"],
        "bootstrap": [
            "BootstrapInterval",
            "accuracy_difference_bootstrap",
            "clustered_bootstrap",
            "macro_accuracy_bootstrap",
        ],
        "clips": ["CochranQ", "McNemar", "cochran_q", "mcnemar", "wilson"],
        "correction": ["corrected_standard_error", "fold_ratio"],
        "family": ["holm"],
        "folds": ["FoldValues"],
        "power": ["FoldsNeeded", "folds_needed", "power_of_difference", "power_of_equivalence", "seeds_needed"],
        "published": [
            "DifferenceTest",
            "PublishedTest",
            "against_folds",
            "against_mean",
            "against_published",
            "sensitivity",
        ],
        "ranks": ["Wilcoxon", "wilcoxon_folds"],
        "seeds": ["Components", "Trainings", "average_seeds", "seeds_per_fold", "variance_components"],
        "t_tests": ["TTest", "one_sample", "paired"],
        "tost": ["Equivalence", "equivalence", "paired_equivalence", "smallest_provable_margin"],
        "verdict": ["Decision", "Verdict", "decide"],
    },
)
