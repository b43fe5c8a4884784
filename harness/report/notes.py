"""What the tests of a report say, in the few words that fit on a run's page, into a table of runs, and on a screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.report.cells import accuracy
from harness.report.evidence import Evidence
from harness.report.report_section import Finding
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
        By arm, what claims and other arms it was compared with, and its accuracies by fold, as Markdown.
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
    accuracies = table(("arm", "macro accuracy in %", "SD over folds"), rows)
    own = {str(arm): list(_of_arm(evidence, str(arm))) for arm in arms["arm"]}
    return Notes(
        findings=tuple(sentences),
        study=_fitting(sentences, accuracies),
        arms={arm: _fitting([each for _, each in found], _by_fold(evidence, arm)) for arm, found in own.items()},
        verdicts={arm: "; ".join(verdict for verdict, _ in found if verdict)[:LONGEST] for arm, found in own.items()},
    )


def _fitting(sentences: Sequence[str], accuracies: str) -> str:
    """Return a list of ``sentences`` above a table; those that make it too long are left out, and counted."""
    for left in range(len(sentences), -1, -1):
        listed = [f"- {escape(each)}" for each in sentences[:left]]
        if left < len(sentences):
            listed.append(f"- The report has {len(sentences) - left} more.")
        note = "\n\n".join(part for part in ("\n".join(listed), accuracies) if part)
        if len(note) <= LONGEST:
            break
    return note[:LONGEST]


def _by_fold(evidence: Evidence, arm: str) -> str:
    """Return the accuracies of ``arm`` by fold, with mean and SD, as a table."""
    scores = evidence.scores
    (total,) = scores.arms[scores.arms["arm"] == arm].to_dict("records")
    # An arm with one tested part has no folds.
    folds = scores.folds[scores.folds["arm"] == arm].to_dict("records") if scores.folds_of(arm) else []
    rows = [(f"fold {int(row['fold'])}", accuracy(100 * row["macro_accuracy"])) for row in folds]
    rows += [(name, accuracy(100 * total[f"macro_accuracy_{name.lower()}"])) for name in ("mean", "SD")]
    return table(("tested on", "macro accuracy in %"), rows)


def _of_arm(evidence: Evidence, arm: str) -> Iterator[tuple[str, str]]:
    """Yield a few words and a sentence on each claim that ``arm`` is compared with, and on each pair of the family; no
    words for a pair that is undecided."""
    for claim in evidence.claims:
        if claim.arm == arm:
            text = Finding(claim.decision.reason, claim.outcome).text
            yield f"{claim.outcome} ({claim.claim.address})", text
    words = {Verdict.HIGHER: ("above", "below"), Verdict.LOWER: ("below", "above")}
    for pair in evidence.arms.contrasts:
        if not pair.in_family or arm not in (pair.first, pair.second):
            continue
        verdict = pair.decision.verdict
        first = arm == pair.first
        word = words[verdict][0 if first else 1] if verdict in words else "equivalent to"
        few = "" if verdict is Verdict.INCONCLUSIVE else f"{word} {pair.second if first else pair.first}"
        yield few, Finding(pair.decision.reason, verdict.value).text
