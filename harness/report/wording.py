"""Words that the sections of a report share: sample sizes, folds, and the marks of a study.

Plain text; LaTeX escapes it later.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.choices import Selection, TunedOn
from harness.comparisons.scores import StudyScores
from harness.record import StudyRecord, shown_command, shown_git
from harness.registry import SPLITS, Unit
from harness.terminal.progress import duration
from harness.text.decimals import decimals

MOST_NAMED = 3
"""The most arms without a tested fold that are named in a sentence."""

_GIB = 2**30

NOTHING = "–"
"""The cell of a number that does not exist."""

OVER_FOLDS = "over folds (ddof 1), seeds averaged first"
"""The sample of every standard deviation."""

ESTIMANDS = {
    "macro": "macro accuracy",
    "clip": "clip accuracy",
    "segment": "segment accuracy",
    "class": "accuracy of one class",
}
"""Names of accuracies in sentences."""

REFERENCE = "Reference: the accuracy of another system, for comparison; it is not a replication."
"""The note in a caption if a claim is a reference."""

# Fraction of the distance from guessing to perfect accuracy.
_NEAR = 0.1
# Up to this number of folds, the t quantile alone makes an interval more than four standard errors wide on each side.
_FEW = 3
_UNFINISHED = {
    "RUNNING": "Preliminary: the study run has not ended.",
    "FAILED": "Incomplete: the study run failed.",
    "KILLED": "Incomplete: the study run was stopped.",
}


def percent(value: float, *, digits: int = 1) -> str:
    """Return a fraction in percent without the percent sign, or a dash if it is missing."""
    return NOTHING if value is None or not math.isfinite(value) else decimals(100 * value, digits)


def is_holdout(record: StudyRecord) -> bool:
    """Return whether every arm tests one part of the data, instead of folds."""
    return all(record.tests_one_part(arm.name) for arm in record.spec.arms)


def official_folds(record: StudyRecord) -> tuple[int, ...]:
    """Return the folds defined by the data set's authors."""
    return record.spec.data.description.folds


def searched(record: StudyRecord) -> bool:
    """Return whether hyperparameters were searched."""
    return bool(record.spec.search.trials)


def tuned_on_reported_folds(record: StudyRecord) -> bool:
    """Return whether hyperparameters were chosen on folds that are reported: by a pooled search, or as declared."""
    return pooled(record) or any(record.tuned(arm.name)[0] == TunedOn.REPORTED_FOLDS for arm in record.spec.arms)


def pooled(record: StudyRecord) -> bool:
    """Return whether the search made one choice for all folds, including the tested ones."""
    return searched(record) and record.spec.search.selection == Selection.POOLED


def pruned_across_folds(record: StudyRecord) -> bool:
    """Return whether a trial was dropped after some of its folds, as searches of earlier versions did."""
    trials = [trial for each in record.searches.values() for trial in each.get("trials", ())]
    return any(trial["state"] == "pruned" and not trial.get("stopped") for trial in trials)


def split_names(record: StudyRecord) -> tuple[str, ...]:
    """Return the splits of the study's arms, each once."""
    return tuple(dict.fromkeys(protocol.label for protocol in record.protocols))


def epoch_rules(record: StudyRecord) -> tuple[str, ...]:
    """Return the rules that choose the tested epoch, each once."""
    return tuple(dict.fromkeys(protocol.epoch_rule_in_effect for protocol in record.protocols))


def tested_folds(record: StudyRecord, scores: StudyScores) -> list[int]:
    """Return the tested folds of the data set, ascending; arms whose split has folds or parts of its own test none."""
    own = [arm.name for arm in record.spec.arms if (rule := record.protocol(arm.name).rule).single or rule.folds]
    return sorted({int(fold) for fold in scores.folds.loc[~scores.folds["arm"].isin(own), "fold"]})


def _leaks(record: StudyRecord, split: str) -> bool:
    """Return whether a split's test part shares recordings with training, as counted; true where that is unknown."""
    if record.leakage.empty:
        return True
    own = record.leakage[record.leakage["protocol"] == split]
    return own.empty or bool((own["n_test_sharing_recording"] > 0).any())


def folds_statement(folds: Sequence[int], official: Sequence[int]) -> str:
    """Return ``all 10 folds``, or ``3 of 10 folds: 1, 2, 10``."""
    if set(folds) == set(official):
        return f"all {len(official)} folds"
    known = len(set(official) | set(folds))
    return f"{len(folds)} of {known} folds: {', '.join(map(str, sorted(folds))) or 'none'}"


def marks(record: StudyRecord, scores: StudyScores) -> list[str]:
    """Return one sentence for each reason why the numbers must not be read as a plain cross-validation."""
    found: list[str] = []
    splits = split_names(record)
    others = dict.fromkeys(protocol.label for protocol in record.protocols if not protocol.rule.official)
    leaking = [name for name in others if _leaks(record, name)]
    shuffled = {protocol.label for protocol in record.protocols if protocol.rule.shuffles}
    shared = "training and test parts share recordings"
    for names, kind, why in (
        ([name for name in leaking if name in shuffled], "Random split", shared),
        ([name for name in leaking if name not in shuffled], "Leaking split", shared),
        ([name for name in others if name not in leaking], "Other split", "other clips are tested together"),
    ):
        whose = "" if len(names) == len(splits) else " of these arms"
        if names:
            found.append(
                f"{kind} ({', '.join(names)}): {why}, so the accuracies{whose} are not comparable with those on "
                "official folds."
            )
    one_part = [arm.name for arm in record.spec.arms if record.protocol(arm.name).rule.single]
    if one_part:
        found.append(
            f"One test part (n = 1): {', '.join(one_part)}. There is no spread over folds, and no test over folds; "
            "intervals and tests of these arms are over recordings and seeds."
        )
    found += _pieces(record)
    if any(protocol.chooses_on_test for protocol in record.protocols):
        whose = "" if all(protocol.chooses_on_test for protocol in record.protocols) else " of these arms"
        found.append(f"Best-on-test: the test fold chose the epoch, so the accuracies{whose} are optimistic.")
    if pruned_across_folds(record):
        found.append(
            "Pruned across folds: the search dropped trials by their mean over several folds, so the validation part "
            "of one fold, which is the test part of another, influenced what that other fold could choose."
        )
    if tuned_on_reported_folds(record):
        how = "by one choice for all of them (pooled)" if pooled(record) else "as the study declares"
        found.append(f"Tuned on the reported folds: hyperparameters were chosen on them, {how}.")
    tested = tested_folds(record, scores)
    if tested and set(tested) != set(record.spec.data.description.tested_folds):
        found.append(f"Partial: {folds_statement(tested, official_folds(record))}.")
    if 1 < len(tested) <= _FEW and not is_holdout(record):
        found.append(
            f"Few folds: with {len(tested)} tested folds, intervals over folds are wide and only large differences can "
            "be significant; a difference that is not significant may still be real."
        )
    found += _gaps(record, scores)
    found += _near_guessing(record, scores)
    if later := record.environment.get("declared_later"):
        found.append(
            f"Declared later: {', '.join(map(str, later))} changed after folds had been tested, so not all comparisons "
            "were declared in advance."
        )
    if record.status != "FINISHED":
        found.append(_UNFINISHED.get(record.status, f"Incomplete: the study run is {record.status.lower()}."))
    return found


def _pieces(record: StudyRecord) -> list[str]:
    """Return a sentence if segments are dealt over folds, so that a fold tests clips on part of their segments."""
    by_segment = {rule.name for rule in SPLITS if rule.unit is Unit.SEGMENT}
    arms = [arm.name for arm in record.spec.trained_arms if record.protocol(arm.name).split in by_segment]
    rows = record.predictions[record.predictions["arm"].isin(arms)]
    if rows.empty:
        return []
    whole = rows.groupby(["arm", "seed", "clip_id"], observed=True)["n_segments"].transform("sum")
    return [
        f"Random-segment: each fold tests a clip on only those of its segments that were assigned to it (on average "
        f"{decimals(float(rows['n_segments'].mean()), 1)} of {decimals(float(whole.mean()), 1)}), so accuracies under "
        "this split are not accuracies of complete clips."
    ]


def _gaps(record: StudyRecord, scores: StudyScores) -> list[str]:
    """Return a sentence for each arm that lacks a fold or a seed of the study, and one for all that lack everything."""
    found, untested = [], []
    for arm in scores.arms["arm"]:
        own = scores.folds[scores.folds["arm"] == arm]
        missing = [fold for fold in record.tested(arm) if fold not in set(own["fold"])]
        if own.empty:
            untested.append(str(arm))
        elif missing:
            found.append(f"{arm} lacks {_folds(missing)}.")
        seeds = expected_seeds(record, arm)
        fewer = own.loc[own["n_seeds"] < seeds, "fold"].tolist()
        if fewer:
            where = "" if is_holdout(record) else f" in {_folds(fewer)}"
            found.append(f"{arm} has fewer than {seeds} seeds{where}.")
    if untested:
        # A stage of a long study trains some of its arms; tables show which.
        few = len(untested) <= MOST_NAMED
        names = ", ".join(untested) if few else f"{len(untested)} of {len(scores.arms)} arms"
        unit = "seed" if is_holdout(record) else "fold"
        found.append(f"{names} {'has' if len(untested) == 1 else 'have'} no tested {unit}.")
    return found


def _near_guessing(record: StudyRecord, scores: StudyScores) -> list[str]:
    """Return a sentence about arms that are hardly better than guessing, an error until explained."""
    guessing = 1 / max(1, len(record.classes))
    low = scores.arms[scores.arms["macro_accuracy_mean"] <= guessing + _NEAR * (1 - guessing)]
    if low.empty:
        return []
    learnt = last_training_accuracy(record)
    near = []
    for arm, mean in low[["arm", "macro_accuracy_mean"]].itertuples(index=False):
        training = f" (training accuracy {percent(learnt[arm])} % of segments)" if arm in learnt else ""
        near.append(f"{arm} {percent(mean)} %{training}")
    return [
        f"Near chance level ({percent(guessing)} %): {', '.join(near)}. If such an arm fits its training part, its "
        "batch normalisation statistics in evaluation may differ from those in training; see train.norm_statistics."
    ]


def last_training_accuracy(record: StudyRecord) -> dict[str, float]:
    """Return the training accuracy of each arm's last epoch, averaged over its final trainings."""
    history = record.history
    # A report publishes it at full precision, and its curves rounded.
    if history.empty or record.learnt:
        return record.learnt
    last = history.sort_values("epoch").groupby(["arm", "fold", "seed"])["train_segment_accuracy"].last()
    return {str(arm): float(value) for arm, value in last.groupby("arm").mean().items()}


def expected_seeds(record: StudyRecord, arm: str) -> int:
    """Return the number of seeds per fold of ``arm`` in the study file; for a fused arm, that of its streams."""
    return min(
        (record.spec.seeds(each) for each in record.spec.arms if each.name == arm), default=record.spec.evaluate.seeds
    )


def _folds(folds: Sequence[int]) -> str:
    return f"fold{'s' if len(folds) > 1 else ''} {', '.join(str(int(fold)) for fold in folds)}"


def sample_size(scores: StudyScores) -> str:
    """Return the folds and seeds of the arms: ``n = 5 folds × 2 seeds``, with ranges if arms differ."""
    tested = scores.arms[scores.arms["n_folds"] > 0]
    return folds_by_seeds(
        int(tested["n_folds"].min()),
        int(tested["n_folds"].max()),
        int(tested["seeds_min"].min()),
        int(tested["seeds_max"].max()),
    )


def seeds_size(scores: StudyScores) -> str:
    """Return the seeds of the arms: ``n = 3 seeds``, with a range if arms differ."""
    tested = scores.arms[scores.arms["n_folds"] > 0]
    seeds = span(int(tested["seeds_min"].min()), int(tested["seeds_max"].max()))
    return f"n = {seeds} seed{'' if seeds == '1' else 's'}"


def folds_by_seeds(folds_min: int, folds_max: int, seeds_min: int, seeds_max: int) -> str:
    """Return the sample size as ``n = 5 folds × 2 seeds``, with ranges where the bounds differ.

    Parameters
    ----------
    folds_min, folds_max
        Fewest and most tested folds of an arm.
    seeds_min, seeds_max
        Fewest and most seeds of a fold.
    """
    folds, seeds = span(folds_min, folds_max), span(seeds_min, seeds_max)
    return f"n = {folds} fold{'' if folds == '1' else 's'} × {seeds} seed{'' if seeds == '1' else 's'}"


def span(low: int, high: int) -> str:
    """Return a number of folds or seeds: ``3``, or ``2–3`` if it differs."""
    return str(low) if low == high else f"{low}–{high}"


def joined_parts(parts: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield what differs between the parts of a study that was trained in several stores."""
    for number, part in enumerate(parts, start=1):
        by = commit(shown_git(part))
        facts = duration(part["seconds"]), hardware(part.get("hardware") or {}), f"commit {by}" if by else ""
        yield f"part {number}", f"{', '.join(part['arms'])}: {', '.join(filter(None, facts))}"


def commands(environment: Mapping[str, Any]) -> list[str]:
    """Return the commands that made a report, one for each of its parts, each once."""
    shown = [shown_command(part) for part in environment.get("parts") or [environment]]
    return [*dict.fromkeys(filter(None, shown))]


def commit(git: Mapping[str, Any]) -> str:
    """Return the commit of :func:`harness.record.shown_git` and what was not committed, in words."""
    made_by, dirty = str(git.get("commit") or ""), git.get("dirty")
    if isinstance(dirty, str):
        return made_by if made_by == dirty else f"{made_by}, uncommitted changes {dirty}"
    return f"{made_by}{', with uncommitted changes' if dirty else ''}"


def hardware(facts: Mapping[str, Any]) -> str:
    """Return the recorded ``facts`` on a machine in words."""
    parts = [str(facts.get("cpu") or "")]
    if facts.get("cores_usable"):
        parts.append(f"{facts['cores_usable']} cores")
    if facts.get("memory_bytes"):
        parts.append(f"{facts['memory_bytes'] / _GIB:.0f} GiB memory")
    gpus = facts.get("gpus") or ()
    parts.append(", ".join(str(gpu.get("name", gpu)) if isinstance(gpu, Mapping) else str(gpu) for gpu in gpus))
    return ", ".join(filter(None, parts)) + ("" if gpus or not parts[0] else ", no GPU")
