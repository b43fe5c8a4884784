"""The conditions of published accuracies in words, and their groups by protocol.

Rules come from the registry, so that a rule of an installed package, or a new one, has its place by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.choices import EpochRule
from harness.claims import NOT_STATED, AccuracyTable, Claim
from harness.claims.paper import ONE_SPLIT
from harness.registry import SPLITS

NOT_SEEN = "not seen"
"""What the part of the source that was read does not say."""

_OTHERS = {
    ONE_SPLIT: "one split of the source's own; the page of its paper says how it was made, where that was seen",
    NOT_STATED: "how training and test were separated was not seen in what was read",
}


@dataclass(frozen=True)
class Protocol:
    """How training and test were separated, and what chose the tested epoch, as claims files write it."""

    split: str
    epoch_rule: str

    @property
    def title(self) -> str:
        """Both rules in a few words."""
        return f"split {seen(self.split)}, epoch {seen(self.epoch_rule)}"


def seen(text: str) -> str:
    """Return a condition, or that it was not seen."""
    return NOT_SEEN if text in ("", NOT_STATED) else text


def protocol_of(claim: Claim) -> Protocol:
    """Return the protocol of ``claim``."""
    return Protocol(claim.table.split, claim.table.epoch_rule)


def by_protocol(claims: Iterable[Claim]) -> dict[Protocol, list[Claim]]:
    """Return ``claims`` by protocol, each group from the highest accuracy to the lowest.

    Official rules are first, then other rules by name, then what no rule describes.
    """
    groups: dict[Protocol, list[Claim]] = {}
    for claim in claims:
        groups.setdefault(protocol_of(claim), []).append(claim)
    splits, epochs = _splits(), (*EpochRule, NOT_STATED)
    ordered = sorted(groups, key=lambda one: (splits.index(one.split), epochs.index(one.epoch_rule)))
    return {one: sorted(groups[one], key=lambda claim: (-claim.percent, claim.address)) for one in ordered}


def meaning(split: str) -> str:
    """Return what a split does, in words."""
    return SPLITS.get(split).meaning if split in SPLITS else _OTHERS[split]


def folds_text(table: AccuracyTable) -> str:
    """Return which folds were tested: ``all 10``, ``10 of 1 to 10``, ``5``, and how many trained, if that is known."""
    known = table.description.tested_folds
    if table.tested_folds:
        tested = f"fold{'s' if len(table.tested_folds) > 1 else ''} {', '.join(map(str, table.tested_folds))}"
    elif table.split in (ONE_SPLIT, NOT_STATED):
        tested = f"{table.folds}" if table.split == ONE_SPLIT else NOT_SEEN
    else:
        tested = f"all {len(known)}" if table.folds == len(known) > 1 else str(table.folds)
    return tested if table.training_folds is None else f"{tested}, trained on {table.training_folds}"


def unseen(table: AccuracyTable) -> list[str]:
    """Return the names of the conditions that were not seen."""
    stated = {
        "estimand": table.estimand,
        "split": table.split,
        "epoch rule": table.epoch_rule,
        "tuning": table.tuning,
        "pretraining": NOT_STATED if any(one.pretraining == NOT_STATED for one in table.columns) else "seen",
        "ensemble": NOT_STATED if any(one.ensemble == NOT_STATED for one in table.columns) else "seen",
    }
    return [name for name, value in stated.items() if value == NOT_STATED]


def _splits() -> tuple[str, ...]:
    official = [name for name in SPLITS.names() if SPLITS.get(name).official]
    return (*official, *(name for name in SPLITS.names() if name not in official), ONE_SPLIT, NOT_STATED)
