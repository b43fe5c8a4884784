"""Sentences on the findings of a study: verdicts, what each rests on, and what would be needed to decide more.

Plain text; LaTeX escapes it later.
"""

from __future__ import annotations

from harness.comparisons.against_claim import ClaimComparison
from harness.comparisons.arm_contrast import Contrast
from harness.comparisons.between_arms import MOST_ARMS
from harness.comparisons.claim_side import Basis
from harness.report import wording
from harness.report.cells import accuracy, count, interval, p_value, points
from harness.report.claim_tables import addressed
from harness.report.contrast_tables import of_own_stream
from harness.report.evidence import Evidence
from harness.statistics.verdict import Verdict
from harness.text.decimals import CUT, is_cut

_POWER = "80 % power"
_MOST_NAMED = 6
# More undecided pairs than these are merged into one sentence: a list of them would hide the findings.
_MOST_UNDECIDED = 3


def findings(evidence: Evidence) -> list[str]:
    """Return the findings in sentences.

    There is one per claim, one per declared pair or per fusion against one of its own streams, with many undecided
    pairs merged into one, and one for all other pairs.
    """
    found = [f"{_sentence_case(each.outcome)}: {each.decision.reason}" for each in evidence.claims]
    if evidence.claims_refused:
        found.append(f"The comparison with published numbers could not be made: {evidence.claims_refused}")
    elif not evidence.claims:
        found.append("The study names no published number to compare with.")
    return found + _between_arms(evidence)


def _between_arms(evidence: Evidence) -> list[str]:
    declared = evidence.arms.family == "declared"
    family = [each for each in evidence.arms.contrasts if each.in_family]
    leading = [each for each in family if declared or of_own_stream(evidence, each)]
    undecided = [
        each
        for each in leading
        if each.decision.verdict is Verdict.INCONCLUSIVE and None not in (each.p_adjusted, each.p_equivalence_adjusted)
    ]
    gathered = undecided if len(undecided) > _MOST_UNDECIDED else []
    found = [
        f"{_sentence_case(each.decision.verdict.value)}: {each.decision.reason}"
        for each in leading
        if each not in gathered
    ]
    if gathered:
        found.append(_undecided(evidence, gathered))
    others = [each for each in family if each not in leading]
    if others:
        found.append(_counted(others, "other pair" if leading else "pair"))
    outside = len(evidence.arms.contrasts) - len(family)
    if outside:
        found.append(f"{count(outside, 'more pair')} of arms stand without a verdict: the study did not declare them.")
    tested = sum(bool(evidence.scores.folds_of(str(arm))) for arm in evidence.scores.arms["arm"])
    if tested > MOST_ARMS:
        found.append(
            f"With {tested} arms, {'no other pair is' if family else 'no pair is'} compared: evaluate.contrasts names "
            "pairs of interest."
        )
    return found


def _undecided(evidence: Evidence, contrasts: list[Contrast]) -> str:
    named = "; ".join(
        f"{each.first} against {each.second} {points(each.mean, 2)} (p {p_value(each.p_adjusted)})"
        for each in contrasts
    )
    return (
        f"Inconclusive: {count(len(contrasts), 'pair')} of arms, neither told apart from chance nor shown to lie "
        f"within ±{evidence.margin:g} points: {named}.{_too_few(evidence, contrasts)}"
    )


def _too_few(evidence: Evidence, contrasts: list[Contrast]) -> str:
    """Return that so few folds cannot decide, if a difference beyond the margin is among the undecided."""
    large = [each for each in contrasts if abs(each.mean) > evidence.margin]
    if not large:
        return ""
    found = [each.smallest_found for each in large]
    least, most = (accuracy(min(end, 100.0)) for end in (min(found), max(found)))
    span = least if least == most else f"{least} to {most}"
    folds = wording.seeds_cell(min(each.n_folds for each in large), max(each.n_folds for each in large))
    return f" {folds} folds cannot decide these: with their spread only differences above {span} points would be found."


def _counted(contrasts: list[Contrast], noun: str) -> str:
    decided = [each for each in contrasts if each.decision.verdict in (Verdict.HIGHER, Verdict.LOWER)]
    alike = sum(each.decision.verdict is Verdict.CONSISTENT for each in contrasts)
    undecided = len(contrasts) - len(decided) - alike
    counts = (
        (len(decided), "differs beyond chance", "differ beyond chance"),
        (alike, "is shown to be equivalent", "are shown to be equivalent"),
        (undecided, "stays undecided", "stay undecided"),
    )
    parts = [f"{number} {one if number == 1 else several}" for number, one, several in counts if number]
    named = "; ".join(_better(each) for each in decided[:_MOST_NAMED])
    more = f" and {len(decided) - _MOST_NAMED} more" if len(decided) > _MOST_NAMED else ""
    listed = f" ({named}{more})" if named else ""
    return f"Of {count(len(contrasts), noun)} of arms, {', '.join(parts)}{listed}."


def _better(contrast: Contrast) -> str:
    high = contrast.decision.verdict is Verdict.HIGHER
    better, other = (contrast.first, contrast.second) if high else (contrast.second, contrast.first)
    return f"{better} above {other}"


def claim_note(evidence: Evidence, each: ClaimComparison) -> tuple[str, str]:
    """Return the heading and the paragraph of one comparison: what its verdict rests on, and what remains open."""
    heading = f"{each.arm} and {addressed(each)}: {each.outcome}."
    parts = [each.decision.reason, _basis(evidence, each), _claims_sd(each)]
    if each.caveats:
        parts.append(f"To keep in mind: {'; '.join(each.caveats)}.")
    parts += [_vanishing(evidence, each), _needed(evidence, each)]
    return heading, " ".join(part for part in parts if part)


def sources(evidence: Evidence) -> list[str]:
    """Return the sources of the compared claims: each paper once, with its tables."""
    tables: dict[str, dict[str, str]] = {}
    for each in evidence.claims:
        tables.setdefault(each.claim.source.key, {})[each.claim.table.id] = each.claim.table.where
    return [
        f"{key}: {evidence.papers[key].source.citation}; "
        + ", ".join(f"{name} ({where})" for name, where in own.items())
        + "."
        for key, own in tables.items()
    ]


def _basis(evidence: Evidence, each: ClaimComparison) -> str:
    seeds = wording.seeds_cell(*each.n_seeds)
    size = f"{count(len(each.folds), 'fold')} × {seeds} seed{'' if seeds == '1' else 's'}"
    what = f"Measured: {wording.ESTIMANDS.get(each.estimand, each.estimand)}, {size}"
    if each.test is None:
        return f"{what}."
    return (
        f"{what}; the corrected {evidence.confidence} interval over folds is {interval(each.low, each.high)} % "
        f"(n_test / n_train = {each.ratio:.3g}{f'; {CUT}' if is_cut(each.low, each.high) else ''})."
    )


def _claims_sd(each: ClaimComparison) -> str:
    if each.differences:
        return ""
    if each.decisive and each.basis is Basis.FOLD_BY_FOLD:
        return "The source gives its accuracy on each of these folds, so the two are compared fold by fold."
    if each.published:
        return (
            f"The claim's own SD over folds, {accuracy(each.claim_sd, 2)} points, is used (Welch's test, both "
            "variances corrected)."
        )
    if not each.published_refused:
        return ""
    given = f"The SD that the source gives is not used: {each.published_refused.rstrip('.')}."
    return "The source gives no SD over folds for it." if each.claim_sd_kind == "none" else given


def _vanishing(evidence: Evidence, each: ClaimComparison) -> str:
    """Return how large the claim's own SD would have to be for a found difference to vanish."""
    if not each.sensitivity or each.published or each.differences or each.claim.table.folds < 2:
        return ""
    return (
        f"The difference would no longer be found at {evidence.confidence} confidence if the claim's own SD over its "
        f"{each.claim.table.folds} folds were {accuracy(each.sensitivity)} points or more."
    )


def _needed(evidence: Evidence, each: ClaimComparison) -> str:
    """Return what would be needed to decide an undecided comparison."""
    if each.decision.verdict is not Verdict.INCONCLUSIVE or each.needed is None:
        return ""
    parts = []
    if each.needed.for_difference:
        parts.append(f"to find a difference of this size, {count(each.needed.for_difference, 'such fold')}")
    if each.needed.for_equivalence:
        parts.append(
            f"to show equivalence within ±{evidence.margin:g} points, {count(each.needed.for_equivalence, 'such fold')}"
        )
    sentence = f"With this spread it would take, at {_POWER}: {'; '.join(parts)}." if parts else ""
    if each.needed.reason:
        sentence = f"{sentence} Out of reach: {each.needed.reason}.".strip()
    if each.seeds_needed:
        sentence += f" With these folds, {count(each.seeds_needed, 'seed')} a fold would find the difference."
    return sentence


def cochran_sentence(evidence: Evidence) -> str:
    """Return Cochran's Q over the trained arms in a sentence; empty with fewer than three."""
    cochran, arms = evidence.arms.cochran, evidence.arms.cochran_arms
    if cochran is None:
        return ""
    p = p_value(cochran.p)
    equals = "" if p.startswith("<") else "= "
    return (
        f"Over clips, Cochran's Q for the {len(arms)} trained arms ({', '.join(arms)}; first seed) is "
        f"{cochran.statistic:.1f} with {count(cochran.df, 'degree')} of freedom, p {equals}{p}; "
        "it takes clips as independent though slices of one recording are not."
    )


def _sentence_case(words: str) -> str:
    return words.capitalize()
