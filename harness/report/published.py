"""Published accuracies of a study's networks, whatever the protocol that they were published under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from harness.comparisons.against_claim import ClaimComparison
from harness.comparisons.protocols import ProtocolEffect
from harness.comparisons.scores import StudyScores
from harness.report import wording
from harness.report.cells import claimed
from harness.report.evidence import Evidence

Published = Mapping[str, Sequence[tuple[float, str]]]
"""By arm: published accuracies in percent, and their text."""


def is_macro(scores: StudyScores, comparison: ClaimComparison) -> bool:
    """Return :func:`reads_as_macro` of a comparison with one of a study's arms."""
    return reads_as_macro(comparison.estimand, scores.folds[scores.folds["arm"] == comparison.arm])


def reads_as_macro(estimand: str, folds: pd.DataFrame) -> bool:
    """Return whether an accuracy can be compared with macro accuracy.

    That is also true of clip accuracy if the two are equal, as on balanced folds. ``folds`` has a row for each fold of
    one arm, with ``clip_accuracy`` and ``macro_accuracy``.
    """
    if estimand != "clip":
        return estimand == "macro"
    return bool(np.allclose(folds["clip_accuracy"], folds["macro_accuracy"], rtol=0, atol=1e-12))


def published_accuracies(evidence: Evidence) -> Published:
    """Return the macro accuracies that a study compares its arms with."""
    found: dict[str, list[tuple[float, str]]] = {}
    for each in evidence.claims:
        if is_macro(evidence.scores, each):
            text = as_published(claimed(each.claim), each.read_as)
            found.setdefault(each.arm, []).append((each.claim.percent, text))
    return found


def as_published(accuracy: str, read_as: str) -> str:
    """Return a printed accuracy, marked if it is a reference instead of a claim about the network."""
    return f"{accuracy} (reference)" if read_as == "reference" else accuracy


def marked(published: Published) -> str:
    """Return the text of a caption on the references among ``published``; empty if there are none."""
    texts = [text for values in published.values() for _, text in values]
    return (
        f" (reference): {wording.REFERENCE.partition(': ')[2]}" if any("(reference)" in text for text in texts) else ""
    )


def of_network(network: str, effects: Sequence[ProtocolEffect], published: Published) -> list[tuple[float, str]]:
    """Return the published accuracies of any arm of ``network``, each number once."""
    arms = [each.arm for each in effects if each.network == network]
    return list(dict.fromkeys(value for arm in arms for value in published.get(arm, ())))
