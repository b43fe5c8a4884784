"""The page of a data set: every published accuracy on it, grouped by protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from harness.claims import Claim
from harness.registry import DATASETS
from harness.report.claims_site.claim_tables import accuracy_text, protocol_claims
from harness.report.claims_site.condition_groups import Protocol, by_protocol, meaning, seen
from harness.report.claims_site.figure import protocol_drawing
from harness.report.claims_site.site_contents import title_of
from harness.report.report_section import Facts, Paragraph, Section, Table, file_stem, grid


@dataclass(frozen=True)
class Chance:
    """What guessing reaches, in percent.

    ``macro`` is a class drawn at random, whatever the accuracy is over; ``largest`` is the share of clips of the most
    frequent class, None where it is not known.
    """

    macro: float
    largest: float | None


def chance_of(dataset: str, claims: Sequence[Claim]) -> Chance | None:
    """Return chance on a data set; None where its number of classes is not known."""
    info = DATASETS.get(dataset) if dataset in DATASETS else None
    classes = info.n_classes if info else max((len(claim.table.classes) for claim in claims), default=0)
    if not classes:
        return None
    largest = None
    if info and info.class_counts:
        counts = [count for _, count in info.class_counts]
        largest = 100 * max(counts) / sum(counts)
    elif info and info.balanced:
        largest = 100 / classes
    return Chance(100 / classes, largest)


def sections(dataset: str, claims: Sequence[Claim]) -> list[Section]:
    """Return the sections of the page of ``dataset``."""
    groups, chance = by_protocol(claims), chance_of(dataset, claims)
    title = title_of(dataset)
    drawing = protocol_drawing(groups, title, None if chance is None else chance.macro)
    opening = Section(
        "protocols",
        "Protocols",
        before=(
            Facts(tuple(_facts(dataset, claims, chance)), ""),
            Paragraph(
                (
                    "Numbers are grouped by how training and test were separated. Numbers of different groups cannot "
                    "be compared: where recordings or clips are shared with training, or the test part chose the "
                    "epoch, an accuracy can be higher for that reason alone.",
                )
            ),
        ),
        tables=(_overview(groups, title),),
        figures=(drawing,),
    )
    found = [opening]
    for split in dict.fromkeys(protocol.split for protocol in groups):
        own = [claim for protocol, each in groups.items() if protocol.split == split for claim in each]
        stem = file_stem(split)
        table = protocol_claims(own, f"split-{stem}", f"{title}, split {seen(split)}")
        text = f"{meaning(split)}."
        before = (Paragraph((f"{text[0].upper()}{text[1:]}",)),)
        found.append(Section(f"rule-{stem}", f"Split: {seen(split)}", before=before, tables=(table,)))
    return found


def _facts(dataset: str, claims: Sequence[Claim], chance: Chance | None) -> list[tuple[str, str]]:
    info = DATASETS.get(dataset) if dataset in DATASETS else None
    rows = [("Called in files", f'dataset = "{dataset}"')]
    if info:
        folds = "training, validation and test part" if info.holdout else f"{len(info.folds)}"
        rows += [("Clips", f"{info.n_clips:,}" if info.n_clips else "as a study decides")]
        rows += [("Classes", str(info.n_classes)), ("Official folds", folds)]
    if chance is None:
        rows.append(("Chance", "not known: no file names the classes"))
    else:
        share = "" if chance.largest is None else f"; {chance.largest:.1f} % of clips are of the most frequent class"
        rows.append(("Chance", f"{chance.macro:.1f} % (macro accuracy){share}"))
    sources = len({claim.source.key for claim in claims})
    rows.append(("Published accuracies", f"{len(claims)} of {sources} source{'s' * (sources != 1)}"))
    return rows


def _overview(groups: Mapping[Protocol, Sequence[Claim]], title: str) -> Table:
    rows = [
        (
            seen(protocol.split),
            seen(protocol.epoch_rule),
            len(claims),
            len({claim.source.key for claim in claims}),
            min(claims, key=lambda claim: claim.percent),
            max(claims, key=lambda claim: claim.percent),
        )
        for protocol, claims in groups.items()
    ]
    printed = grid(
        rows,
        {
            "Split": lambda row: row[0],
            "Epoch": lambda row: row[1],
            "Numbers": lambda row: str(row[2]),
            "Sources": lambda row: str(row[3]),
            "Lowest": lambda row: accuracy_text(row[4]),
            "Highest": lambda row: accuracy_text(row[5]),
        },
    )
    data = pd.DataFrame(
        [(*row[:4], row[4].percent, row[5].percent) for row in rows],
        columns=["split", "epoch_rule", "numbers", "sources", "lowest", "highest"],
    )
    caption = "Published accuracies in percent by protocol, every version of a source counted."
    return Table("protocols", f"{title} by protocol", caption, printed, data, text_columns=2)
