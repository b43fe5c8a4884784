"""The effect of each protocol alone on the accuracy of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import pandas as pd

from harness.choices import EpochRule
from harness.comparisons.protocols import ProtocolEffect
from harness.report import wording
from harness.report.cells import accuracy, cut_note, interval, p_value, points
from harness.report.contrast_tables import family_sentence
from harness.report.evidence import Evidence
from harness.report.published import Published, marked, of_network, published_accuracies
from harness.report.table import Table
from harness.text.decimals import possible

EPOCHS: dict[str, str] = {
    EpochRule.FIXED: "last",
    EpochRule.BEST_ON_VALIDATION: "best on validation",
    EpochRule.BEST_ON_TEST: "best on test",
}
"""Names of epoch rules in tables and figures."""


def protocol_tables(evidence: Evidence) -> list[Table]:
    """Return one row per network and protocol, or nothing for a study of one protocol."""
    effects = evidence.protocols
    if not effects:
        return []
    family = family_sentence(evidence).partition("; below")[0].rstrip(".")
    caption = (
        "The same networks under several protocols: macro accuracy in percent, and what the protocol moves it by, in "
        f"points against the first row of the network. SD: {wording.OVER_FOLDS}. Recordings: {evidence.confidence} "
        "bootstrap interval, paired by recording, networks held fixed. Folds: the same from the corrected t-test, "
        "under one split paired by fold, else of two sets of folds taken as independent, which is cautious; p is of "
        f"that test. {family}. Published: whatever its protocol. A shift is no gain: it is what a number owes to "
        "recordings that training shares with the test part, or to an epoch that the test part chose."
    )
    published = published_accuracies(evidence)
    caption = wording.with_marks(caption + marked(published), evidence.marks)
    return [effects_table(effects, published, "protocols", "What the protocol alone does", caption)]


def effects_table(
    effects: Sequence[ProtocolEffect], published: Published, name: str, title: str, caption: str
) -> Table:
    """Return the table with one row per network and protocol: accuracy, shift, its intervals and p values.

    Parameters
    ----------
    effects
        One entry per network and protocol, the reference first for each network.
    published
        Published accuracies by arm, in percent; those of a network are printed in its first row.
    name
        Stem of the table's files.
    title
        Short caption.
    caption
        Full caption in plain text.
    """
    claims = {
        each.arm: ", ".join(text for _, text in of_network(each.network, effects, published))
        for each in effects
        if each.is_reference
    }
    rows = [
        [
            each.network if each.is_reference else "",
            each.split,
            EPOCHS.get(each.epoch_rule, each.epoch_rule),
            accuracy(each.mean),
            accuracy(each.sd),
            points(each.shift) if not each.is_reference else "reference",
            interval(each.recordings_low, each.recordings_high, signed=True),
            interval(each.low, each.high, signed=True),
            p_value(each.p),
            p_value(each.p_adjusted),
            str(len(each.folds)),
            claims.get(each.arm, ""),
        ]
        for each in effects
    ]
    headers = [("", "Network"), ("", "Split"), ("", "Epoch"), ("Macro accuracy", "Mean"), ("Macro accuracy", "SD")]
    headers += [("Shift by the protocol", name) for name in ("Points", "Recordings", "Folds", "p raw", "p Holm")]
    headers += [("n", "Folds"), ("", "Published")]
    caption += cut_note([(each.low, each.high) for each in effects], signed=True)
    data = [{k: v for k, v in asdict(_possible(each)).items() if k != "folds"} for each in effects]
    return Table(
        name=name,
        title=title,
        caption=caption,
        printed=pd.DataFrame(rows, columns=pd.MultiIndex.from_tuples(headers)),
        data=pd.DataFrame(data).assign(published=[claims.get(each.arm, "") for each in effects]),
        text_columns=3,
        rules=tuple(row for row, each in enumerate(effects) if each.is_reference and row),
    )


def _possible(effect: ProtocolEffect) -> ProtocolEffect:
    """Return an effect whose interval is cut to possible differences of accuracies."""
    if effect.low is None or effect.high is None:
        return effect
    low, high = possible(effect.low, effect.high, difference=True)
    return replace(effect, low=low, high=high)
