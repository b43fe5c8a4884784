"""How a report begins: the findings with what each rests on, and the protocol in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from harness.choices import EpochRule, FinalTrain, TunedOn, Validation
from harness.comparisons.arm_contrast import Contrast
from harness.comparisons.between_arms import MOST_ARMS
from harness.comparisons.scores import StudyScores
from harness.data.splits import validating
from harness.record import StudyRecord
from harness.report import style, wording
from harness.report.cells import accuracy, count, p_value, points
from harness.report.evidence import Evidence
from harness.report.report_section import Drawing, Finding, Findings, Items, Paragraph, Section
from harness.report.style import SKY, TEXT_WIDTH, VERMILLION
from harness.report.topics.claimed_accuracy import claim_basis
from harness.report.topics.contrasts import contrast_basis, of_own_stream
from harness.statistics.verdict import Verdict
from harness.study import ProtocolSection

_TUNED: dict[str, str] = {
    TunedOn.NOT_STATED: "were chosen on data that the study does not state",
    TunedOn.NONE: "were not tuned on any data",
    TunedOn.OTHER_DATA: "were tuned on other data",
    TunedOn.VALIDATION_FOLDS: "were tuned for each fold on its own validation fold",
    TunedOn.REPORTED_FOLDS: "were tuned on the reported folds",
}
_EPOCHS: dict[str, str] = {
    EpochRule.FIXED: "the weights after the last epoch are tested",
    EpochRule.BEST_ON_VALIDATION: "the epoch that is best on the validation fold is tested",
    EpochRule.BEST_ON_TEST: "the epoch that is best on the test fold is reported",
    EpochRule.BEST_MEAN_ON_TEST: "one epoch for all folds, with the best mean over the test folds, is reported",
}
_VALIDATES = {
    "same-as-test": "the test part also validates, and all else trains",
    "none": "nothing validates, and all else trains",
    "next-fold": "the next fold validates",
}
_TEST, _VALIDATE, _TRAIN = "test", "validate", "train"
_ROLES = {_TEST: VERMILLION, _VALIDATE: SKY, _TRAIN: "#E3E3E3", "": "white"}
# Inches: a row, the space for the legend and for the names of folds, the right edge, and a cell with a whole word.
_ROW, _BELOW, _ABOVE, _EDGE, _WIDE = 0.24, 0.3, 0.26, 0.08, 0.56
_SIZE = 7.5
_MOST_ROWS, _MOST_COLUMNS = 30, 50
_PARTS = "the parts that the data set names: train, validation if there is one, and test"
_MOST_NAMED = 6
# More undecided pairs than these are merged into one sentence: a list of them would hide the findings.
_MOST_UNDECIDED = 3


def sections(evidence: Evidence) -> Iterator[Section]:
    """Yield the sections on the findings and on the protocol."""
    care = (Items(evidence.marks, "Read with care."),) if evidence.marks else ()
    yield Section("findings", "Findings", before=(Findings(tuple(findings(evidence))), *care))
    protocol = Paragraph(tuple(protocol_sentences(evidence.record, evidence.scores)))
    yield Section("protocol", "Protocol", before=(protocol,), figures=(_drawing(evidence.record),))


def protocol_sentences(record: StudyRecord, scores: StudyScores) -> list[str]:
    """Return the protocol in sentences, for the beginning of the report."""
    search = record.spec.search
    tested = wording.tested_folds(record, scores)
    clips = record.predictions["clip_id"].nunique()
    recordings = record.predictions["recording"].nunique()
    seeds = sorted(wording.expected_seeds(record, arm) for arm in scores.arms["arm"]) or [1]
    fewest, most = seeds[0], seeds[-1]
    shown = f"{most} seed{'s' if most > 1 else ''}"
    if fewest < most:
        shown = f"{fewest} to {most} seeds (see the table of accuracies)"
    holdout, data = wording.is_holdout(record), record.spec.data
    tested_on = f"are tested, {wording.folds_statement(tested, wording.official_folds(record))}"
    if holdout:
        tested_on = "of the test part are tested (hold-out)"
    fold = "part" if holdout else "fold"
    meanings = {protocol.label: _meaning(protocol) for protocol in record.protocols}
    sentences = [
        f"Data: {data.name} with {len(record.classes)} classes; {clips:,} clips from {recordings:,} recordings "
        f"{tested_on}.",
        f"Split: {_PARTS if data.description.holdout else _each(wording.split_names(record), meanings)}.",
        f"Epoch: {_each(wording.epoch_rules(record), _EPOCHS)}.",
    ]
    if not data.description.recordings:
        known = "The recordings behind the clips are not known: each clip counts as one, and leaks cannot be counted."
        sentences.insert(1, known)
    if not data.validates:
        sentences.append(f"There is no validation {fold}, so nothing was chosen or stopped by validation accuracy.")
    if len(record.protocols) > 1:
        sentences.append("Protocols differ between arms; the table of accuracies lists them.")
    if record.spec.protocol.final_train == FinalTrain.TRAIN_AND_VALIDATION:
        sentences.append(f"Final trainings also use the validation {fold}.")
    if wording.searched(record):
        pooled = wording.pooled(record)
        chosen = "one choice for all folds" if pooled else "chosen for each fold on its own validation fold"
        if holdout:
            chosen = "chosen on the validation part"
        how = str(search.sampler)
        if search.parallel_trials > 1:
            how += f", {search.parallel_trials} at a time"
        sentences.append(f"Search: {search.trials} trials per arm ({how}) by validation macro accuracy, {chosen}.")
    else:
        sentences.append("No hyperparameters were searched.")
    sentences += _tuned_sentences(record)
    if holdout:
        sentences.append(f"Each arm is trained with {shown}; accuracies are means over seeds.")
    else:
        sentences.append(
            f"Each fold is trained with {shown}. Seeds are averaged within each fold before means and standard "
            "deviations over folds (ddof 1) are computed."
        )
    sentences.append(
        "A clip is assigned the class with the largest sum of probabilities over its segments. Macro accuracy is the "
        "unweighted mean of the class accuracies; clip accuracy is the fraction of clips classified correctly."
    )
    return sentences


def _meaning(protocol: ProtocolSection) -> str:
    """Return what a split deals, and what validates where it is not what the split says."""
    validates = protocol.cut.validation
    if validates is None:
        return protocol.rule.meaning
    what = _VALIDATES.get(str(validates), f"{validates} of the training part, by recordings, validates")
    return f"as {protocol.split}, but {what}"


def _tuned_sentences(record: StudyRecord) -> list[str]:
    """Return on what data the study's values were chosen, once for each choice that its arms declare."""
    declared: dict[tuple[str, str], list[str]] = {}
    for arm in record.spec.trained_arms:
        declared.setdefault(record.tuned(arm.name), []).append(arm.name)
    sentences = []
    for (on, by), arms in declared.items():
        whose = "Stated hyperparameters" if len(declared) == 1 else f"Stated hyperparameters of {', '.join(arms)}"
        sentences.append(f"{whose} {_TUNED[on]}{f': {by}' if by else ''}.")
    return sentences


def _each(names: Sequence[str], meanings: Mapping[str, str]) -> str:
    """Return the meaning of each name; with several, each after its name."""
    if len(names) == 1:
        return meanings.get(names[0], names[0])
    return "; ".join(f"{name}: {meanings.get(name, name)}" for name in names)


def _drawing(record: StudyRecord) -> Drawing:
    part = "part" if wording.is_holdout(record) else "fold"
    caption = f"What each {part} of the data is used for. A row is one training and its test."
    if wording.is_holdout(record):
        caption = "What each part of the data set is used for."
    if FinalTrain.TRAIN_AND_VALIDATION in {protocol.final_train for protocol in record.protocols}:
        caption += f" The validation {part} chooses hyperparameters or epochs; final trainings then learn from it too."
    for of_kind, text in (
        (lambda rule: not rule.single and rule.shuffles, "folds are not the authors': their items are drawn at random"),
        (lambda rule: not (rule.single or rule.shuffles or rule.official), "folds are not the authors'"),
        (lambda rule: rule.single, "one part is tested instead of folds"),
    ):
        names = [protocol.label for protocol in record.protocols if of_kind(protocol.rule)]
        caption += f" Under {', '.join(dict.fromkeys(names))}, {text}." if names else ""
    return Drawing("folds-used", caption, partial(folds_figure, *fold_roles(record)))


def fold_roles(record: StudyRecord) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return the names of the data set's folds, and for each row of the picture the role of every fold: ``test``,
    ``validate``, ``train``, or empty if it is not used."""
    data = record.spec.data
    description = data.description
    if wording.is_holdout(record):
        roles = {"test": _TEST, "validation": _VALIDATE, "train": _TRAIN}
        several = data.validates if description.holdout else _has_validation(record)
        names = tuple(name for name in ("train", "validation", "test") if name != "validation" or several)
        return names, {"": tuple(roles[name] for name in names)}
    used = tuple(data.used_folds)
    shown = tuple(sorted({*description.folds, *used}))
    rows = {}
    for tested in record.spec.test_folds:
        chooses = validating(used, tested) if data.validates else None
        rows[f"test {tested}"] = tuple(
            "" if fold not in used else _TEST if fold == tested else _VALIDATE if fold == chooses else _TRAIN
            for fold in shown
        )
    return tuple(f"fold {fold}" for fold in shown), rows


def _has_validation(record: StudyRecord) -> bool:
    return any(protocol.validates not in (Validation.NONE, Validation.SAME_AS_TEST) for protocol in record.protocols)


def folds_figure(names: Sequence[str], rows: Mapping[str, Sequence[str]]) -> Figure | None:
    """Return the picture of :func:`fold_roles`; None for more folds than a page has space for."""
    if len(rows) > _MOST_ROWS or len(names) > _MOST_COLUMNS:
        return None
    left = style.text_inches(rows, _SIZE) + 0.16
    width = min(TEXT_WIDTH - left - _EDGE, 1.1 * len(names))
    height = _ROW * len(rows)
    figure = Figure(figsize=(left + width + _EDGE, _BELOW + height + _ABOVE))
    axes = style.place(figure, left, _BELOW, width, height)
    short = width / len(names) < _WIDE
    for row, roles in enumerate(rows.values()):
        for column, role in enumerate(roles):
            edge = "none" if role else "#CCCCCC"
            corner = (column + 0.03, row + 0.05)
            axes.add_patch(Rectangle(corner, 0.94, 0.9, facecolor=_ROLES[role], edgecolor=edge, linewidth=0.5))
            text = role[:1].upper() if short else role
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=_SIZE)
    axes.set_xlim(0, len(names))
    axes.set_ylim(len(rows), 0)
    turned = width / len(names) < style.text_inches(names, _SIZE) + 0.06
    shown = [name.removeprefix("fold ") for name in names] if turned else names
    axes.set_xticks([column + 0.5 for column in range(len(names))], shown)
    axes.xaxis.tick_top()
    axes.set_yticks([row + 0.5 for row in range(len(rows))], list(rows))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    present = dict.fromkeys(role for roles in rows.values() for role in roles)
    handles = [
        Patch(facecolor=_ROLES[role], edgecolor="none" if role else "#CCCCCC", label=role or "not used")
        for role in present
    ]
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), borderpad=0.1, columnspacing=1.2)
    return figure


def findings(evidence: Evidence) -> list[Finding]:
    """Return the findings.

    There is one per claim, one per declared pair or per fusion against one of its own streams, with many undecided
    pairs merged into one, and one for all other pairs of the family.
    """
    found = [Finding(each.decision.reason, each.outcome, claim_basis(evidence, each)) for each in evidence.claims]
    if evidence.claims_refused:
        found.append(Finding(f"The comparison with published numbers could not be made: {evidence.claims_refused}"))
    elif evidence.record.spec.compare and not evidence.claims:
        found.append(Finding("No arm that the study compares with a published number has a tested fold."))
    elif not evidence.claims:
        found.append(Finding("The study declares no comparison with a published number."))
    return found + _between_arms(evidence)


def _between_arms(evidence: Evidence) -> list[Finding]:
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
        Finding(each.decision.reason, each.decision.verdict.value, contrast_basis(evidence, each))
        for each in leading
        if each not in gathered
    ]
    if gathered:
        found.append(_undecided(evidence, gathered))
    others = [each for each in family if each not in leading]
    if others:
        found.append(Finding(_counted(others, "other pair" if leading else "pair")))
    tested = sum(bool(evidence.scores.folds_of(str(arm))) for arm in evidence.scores.arms["arm"])
    if tested > MOST_ARMS:
        compared = "no other pair is" if family else "no pair is"
        text = f"With {tested} arms, {compared} compared; declare pairs of interest in evaluate.contrasts."
        found.append(Finding(text))
    return found


def _undecided(evidence: Evidence, contrasts: list[Contrast]) -> Finding:
    largest = sorted(contrasts, key=lambda each: abs(each.mean), reverse=True)[:_MOST_NAMED]
    named = "; ".join(
        f"{each.first} against {each.second} {points(each.mean, 2)} (p {p_value(each.p_adjusted)})"
        for each in contrasts
        if each in largest
    )
    if len(contrasts) > len(largest):
        named = f"the largest differences are {named}; the table of pairs has all"
    sentence = (
        f"{count(len(contrasts), 'pair')} of arms, whose differences are not significant and whose equivalence within "
        f"±{evidence.margin:g} points is not shown: {named}.{_too_few(evidence, contrasts)}"
    )
    return Finding(sentence, Verdict.INCONCLUSIVE.value)


def _too_few(evidence: Evidence, contrasts: list[Contrast]) -> str:
    """Return that so few folds cannot decide, if a difference beyond the margin is among the undecided."""
    large = [each for each in contrasts if each.over == "folds" and abs(each.mean) > evidence.margin]
    if not large:
        return ""
    found = [each.smallest_found for each in large]
    least, most = (accuracy(min(end, 100.0)) for end in (min(found), max(found)))
    span = least if least == most else f"{least} to {most}"
    folds = wording.span(min(each.n_folds for each in large), max(each.n_folds for each in large))
    return f" With {folds} folds and this spread, only differences above {span} points would be significant."


def _counted(contrasts: list[Contrast], noun: str) -> str:
    decided = [each for each in contrasts if each.decision.verdict in (Verdict.HIGHER, Verdict.LOWER)]
    alike = sum(each.decision.verdict is Verdict.CONSISTENT for each in contrasts)
    undecided = len(contrasts) - len(decided) - alike
    counts = (
        (len(decided), "differs significantly", "differ significantly"),
        (alike, "is equivalent within the margin", "are equivalent within the margin"),
        (undecided, "is inconclusive", "are inconclusive"),
    )
    parts = [f"{number} {one if number == 1 else several}" for number, one, several in counts if number]
    named = "; ".join(_better(each) for each in decided[:_MOST_NAMED])
    more = f" and {len(decided) - _MOST_NAMED} more" if len(decided) > _MOST_NAMED else ""
    listed = f" ({named}{more})" if named else ""
    if len(contrasts) == 1:
        return f"The {noun} of arms {parts[0].removeprefix('1 ')}{listed}."
    return f"Of {count(len(contrasts), noun)} of arms, {', '.join(parts)}{listed}."


def _better(contrast: Contrast) -> str:
    high = contrast.decision.verdict is Verdict.HIGHER
    better, other = (contrast.first, contrast.second) if high else (contrast.second, contrast.first)
    return f"{better} above {other}"
