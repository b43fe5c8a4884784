"""The functions of ``import harness``: studies, reports, comparisons and trained networks, with pandas tables.

Nothing is printed. Errors that a user can correct are :class:`harness.errors.HarnessError`; their message is the whole
explanation. Accuracies in tables are fractions, in comparisons percent; differences are percentage points.
"""

from harness.api.comparisons import compare
from harness.api.studies import StudyResults, load_model, load_report, load_study, run_study
from harness.study.shipped import shipped_studies

__all__ = ["StudyResults", "compare", "load_model", "load_report", "load_study", "run_study", "shipped_studies"]
