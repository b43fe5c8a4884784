"""The audit of a paper: every check, in the order of its subject in a paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.claims.audit.average import check_averages, check_fold_means
from harness.claims.audit.clip_accuracy import check_clip_accuracy
from harness.claims.audit.dispersion import check_dispersions
from harness.claims.audit.finding import Audit, Finding
from harness.claims.audit.grim import check_class_fractions
from harness.claims.audit.headlines import check_headline_fractions, check_versions
from harness.claims.audit.layer_tables import check_layers
from harness.claims.audit.text import check_text
from harness.claims.paper import Paper

CHECKS: tuple[Callable[[Paper], list[Finding]], ...] = (
    check_averages,
    check_fold_means,
    check_dispersions,
    check_clip_accuracy,
    check_class_fractions,
    check_layers,
    check_text,
)


HEADLINE_CHECKS: tuple[Callable[[Paper], list[Finding]], ...] = (check_headline_fractions, check_versions)
"""What a survey of many papers checks besides: most print headlines alone."""


def audit(paper: Paper, checks: Sequence[Callable[[Paper], list[Finding]]] = CHECKS) -> Audit:
    """Return the findings of ``checks`` about ``paper`` from its printed numbers alone; nothing is stored.

    A table of layers, or a statement about one, is compared with the networks themselves, which imports torch.
    """
    return Audit(paper.source, tuple(finding for check in checks for finding in check(paper)))
