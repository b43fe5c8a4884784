"""What the tests of a report say, in the few words that fit on a run's page, into a table of runs, and on a screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from harness.report.cells import accuracy
from harness.report.evidence import Evidence
from harness.report.topics.opening import findings
from harness.report.typeset.markdown import escape, table
from harness.statistics.verdict import Verdict

LONGEST = 5000
"""Most characters of a note: what every tracking store keeps of a tag."""


@dataclass(frozen=True)
class Notes:
    """What is said of a study.

    Attributes
    ----------
    findings
        The findings in sentences.
    study
        Findings and accuracies as Markdown.
    arms
        By arm, what claims and other arms it was compared with, as Markdown; empty for an arm without comparisons.
    verdicts
        By arm, the verdicts in a few words: ``lower (su2019:T2/LMCNet); above B``.
    """

    findings: tuple[str, ...] = ()
    study: str = ""
    arms: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, str] = field(default_factory=dict)


def notes(evidence: Evidence) -> Notes:
    """Return the notes of a study."""
    sentences = [each.text for each in findings(evidence)]
    arms = evidence.scores.arms
    rows = [
        (row["arm"], accuracy(100 * row["macro_accuracy_mean"]), accuracy(100 * row["macro_accuracy_sd"]))
        for row in arms.to_dict("records")
    ]
    listed = "\n".join(f"- {escape(sentence)}" for sentence in sentences)
    accuracies = table(("arm", "macro accuracy in %", "SD over folds"), rows)
    own = {str(arm): list(_of_arm(evidence, str(arm))) for arm in arms["arm"]}
    return Notes(
        findings=tuple(sentences),
        study=f"{listed}\n\n{accuracies}"[:LONGEST],
        arms={arm: "\n".join(f"- {escape(reason)}" for _, reason in found)[:LONGEST] for arm, found in own.items()},
        verdicts={arm: "; ".join(verdict for verdict, _ in found)[:LONGEST] for arm, found in own.items()},
    )


def _of_arm(evidence: Evidence, arm: str) -> Iterator[tuple[str, str]]:
    """Yield the verdict and the reason of each claim that ``arm`` is compared with, and of each pair of the family that
    it differs from or equals."""
    for claim in evidence.claims:
        if claim.arm == arm:
            yield f"{claim.outcome} ({claim.claim.address})", claim.decision.reason
    words = {Verdict.HIGHER: ("above", "below"), Verdict.LOWER: ("below", "above")}
    for pair in evidence.arms.contrasts:
        verdict = pair.decision.verdict
        if not pair.in_family or arm not in (pair.first, pair.second) or verdict is Verdict.INCONCLUSIVE:
            continue
        first = arm == pair.first
        word = words[verdict][0 if first else 1] if verdict in words else "equivalent to"
        yield f"{word} {pair.second if first else pair.first}", pair.decision.reason
