"""The effect of the protocol alone on an accuracy: one network under several protocols, compared with a reference.

The reference is the arm with the official folds and a fixed epoch, the one protocol in which neither a recording nor
the choice of an epoch passes from the test part into training; without such an arm it is the network's first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from harness.comparisons.arm_contrast import Contrast
from harness.comparisons.between_arms import ArmComparisons
from harness.comparisons.scores import StudyScores
from harness.record import StudyRecord
from harness.study import Arm, Dotted, StudySpec

_STRICT = ("official", "fixed")
"""Split and epoch rule."""


@dataclass(frozen=True)
class ProtocolEffect:
    """One arm and the effect of its protocol; accuracies in percent, shifts in percentage points.

    Attributes
    ----------
    network, arm
        Name of the reference arm, and of this one.
    split, epoch_rule, final_train
        Its protocol.
    folds, mean, sd
        Macro accuracy by fold, seeds averaged first; mean and SD over folds (ddof 1; NaN for one fold).
    shift, low, high, p, p_adjusted, paired
        This arm minus the reference, with the corrected interval over folds and the p values of :class:`Contrast`; None
        for the reference itself, or where there is no test. ``paired`` says whether folds were paired.
    recordings_low, recordings_high
        Interval of the shift over recordings, on which the two arms are paired; networks held fixed.
    """

    network: str
    arm: str
    split: str
    epoch_rule: str
    final_train: str
    folds: Mapping[int, float]
    mean: float
    sd: float
    shift: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    paired: bool | None = None
    recordings_low: float | None = None
    recordings_high: float | None = None

    @property
    def is_reference(self) -> bool:
        """Whether this arm is the reference of the others."""
        return self.arm == self.network


def protocol_effects(record: StudyRecord, scores: StudyScores, arms: ArmComparisons) -> tuple[ProtocolEffect, ...]:
    """Return every tested arm whose network has at least two protocols, by network in the study's order with the
    reference first; empty for a study with one protocol."""
    groups: dict[str, list[str]] = {}
    for arm in record.spec.arms:
        if scores.folds_of(arm.name):
            groups.setdefault(_network(record.spec, arm), []).append(arm.name)
    found: list[ProtocolEffect] = []
    for names in groups.values():
        protocols = {name: record.protocol(name) for name in names}
        if len(set(protocols.values())) < 2:
            continue
        strict = [name for name, own in protocols.items() if (own.label, own.epoch_rule) == _STRICT]
        reference = (strict or names)[0]
        ordered = [reference, *(name for name in names if name != reference)]
        found += [_effect(record, scores, arms, reference, name) for name in ordered]
    return tuple(found)


def _network(spec: StudySpec, arm: Arm) -> str:
    """Return what an arm is apart from its name and its protocol, as text; equal for equal networks."""
    what = arm.model_dump(mode="json", include={"model", "features", "rule", "level", "search"})
    values = {name: value for name, value in arm.set.items() if Dotted.parse(name).section != "protocol"}
    streams = [_network(spec, spec.arm(stream)) for stream in arm.fuse or ()]
    return json.dumps({**what, "set": values, "fuse": streams}, sort_keys=True)


def _effect(
    record: StudyRecord, scores: StudyScores, arms: ArmComparisons, reference: str, name: str
) -> ProtocolEffect:
    protocol = record.protocol(name)
    summary = scores.arms[scores.arms["arm"] == name].iloc[0]
    effect = ProtocolEffect(
        network=reference,
        arm=name,
        folds=scores.fold_percents(name),
        mean=100 * float(summary["macro_accuracy_mean"]),
        sd=100 * float(summary["macro_accuracy_sd"]),
        split=protocol.label,
        epoch_rule=protocol.epoch_rule_in_effect,
        final_train=protocol.final_train,
    )
    for contrast in arms.contrasts:
        if {contrast.first, contrast.second} == {reference, name} and reference != name:
            return _with_shift(effect, contrast)
    return effect


def _with_shift(effect: ProtocolEffect, contrast: Contrast) -> ProtocolEffect:
    sign = 1 if contrast.first == effect.arm else -1
    drawn = contrast.bootstrap
    low, high = _turned(contrast.interval, sign)
    recordings_low, recordings_high = _turned((drawn.low, drawn.high) if drawn else None, sign)
    return replace(
        effect,
        shift=sign * contrast.mean,
        low=low,
        high=high,
        p=contrast.p,
        p_adjusted=contrast.p_adjusted,
        paired=contrast.unpaired is None,
        recordings_low=recordings_low,
        recordings_high=recordings_high,
    )


def _turned(interval: tuple[float, float] | None, sign: int) -> tuple[float | None, float | None]:
    """Return the interval of the difference, reversed where ``sign`` is negative."""
    if interval is None:
        return None, None
    low, high = sorted(sign * end for end in interval)
    return low, high
