"""What a comparison of systems found, in sentences."""

from __future__ import annotations

from harness.comparisons.systems.system import ClipPredictions, ConfusionCounts
from harness.comparisons.systems.system_comparison import SystemComparisons
from harness.text.decimals import decimals

_NAMED = 6


def findings(found: SystemComparisons) -> list[str]:
    """Return which systems differ, in one or two sentences."""
    if len(found.standings) < 2:
        return []
    best = found.standings[0]
    leaders = [each.name for each in found.standings if each.rank == 1]
    have = "have" if len(leaders) > 1 else "has"
    first = f"{_list(leaders)} {have} the highest accuracy, {decimals(best.accuracy, 1)} %"
    if found.every_pair:
        apart = {frozenset(pair) for pair in found.differ}
        alike = [each.name for each in found.standings[1:] if frozenset((best.name, each.name)) not in apart]
        others = several(len(found.standings) - 1, "other system")
        if not alike:
            rest = "the other one" if len(found.standings) == 2 else f"all {others}"
            return [f"{first}; {best.name} differs from {rest}."]
        return [f"{first}; not shown to differ from {best.name}: {_list(alike)} (of {others})."]
    tested = several(len(found.contrasts) + len(found.counts), "pair")
    if not found.differ:
        return [f"{first}. Of {tested} tested ({found.family}) none is shown to differ."]
    pairs = _list([f"{one} is higher than {other}" for one, other in found.differ])
    return [f"{first}. Of {tested} tested ({found.family}) {len(found.differ):,} differ: {pairs}."]


def sample_of(found: SystemComparisons) -> str:
    """Return what the systems were tested on: clips, recordings, folds and seeds."""
    system = found.standings[0].system
    if isinstance(system, ConfusionCounts):
        return f"{int(system.counts.sum()):,} clips of {len(system.classes)} classes"
    if not isinstance(system, ClipPredictions):
        return several(len(system.by_fold), "fold") if len(system.by_fold) > 1 else "one tested part"
    rows = system.rows
    parts = [several(rows["clip"].nunique(), "clip")]
    if system.recordings:
        parts.append(several(rows["recording"].nunique(), "recording"))
    if system.folds:
        parts.append(several(rows["fold"].nunique(), "fold"))
    return ", ".join([*parts, several(rows["seed"].nunique(), "seed")])


def detectable_sentences(found: SystemComparisons) -> list[str]:
    """Return the smallest true differences that would be found, as sentences; empty without tests."""
    sentences, pairs = [], len(found.contrasts)
    for each in found.detectable:
        over = "clips, taken as independent (McNemar)," if each.over == "clips" else each.over
        family = f", one of {decimals(each.family, 1)} points if {pairs:,} pairs are a family" if pairs > 1 else ""
        sentences.append(
            f"Over {over} one test would find a true difference of {decimals(each.one, 1)} points with a probability "
            f"of 80 %{family} (at the median spread of the pairs)."
        )
    return sentences


def several(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 fold``, ``3 folds``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED:,} more"
