"""The audit of a paper from its printed numbers alone."""

from harness.claims.audit.audit_summary import ClaimRow, summary, table_claims
from harness.claims.audit.checks import audit
from harness.claims.audit.clip_accuracy import ClipAccuracy, clip_accuracy
from harness.claims.audit.dispersion import DispersionKind, dispersion_kind, fold_sd
from harness.claims.audit.finding import Audit, Finding, Outcome

__all__ = [
    "Audit",
    "ClaimRow",
    "ClipAccuracy",
    "DispersionKind",
    "Finding",
    "Outcome",
    "audit",
    "clip_accuracy",
    "dispersion_kind",
    "fold_sd",
    "summary",
    "table_claims",
]
