"""Tables of claims that several pages share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from harness.claims import Claim
from harness.claims.paper import option_text
from harness.comparisons.claim_pairs import known, relation
from harness.report.claims_site.condition_groups import folds_text, protocol_of, seen
from harness.report.claims_site.site_contents import title_of
from harness.report.report_section import Heading, Table, grid
from harness.report.wording import NOTHING

INTERVAL_NOTE = (
    "Over clips: Wilson's 95 % interval for the number of tested clips, taking clips as independent and the training "
    "as fixed; both make it too narrow. Where split or estimand are not seen, it is given as if every clip had been "
    "tested once."
)

AGAINST, HIGHEST = "Against the highest", "highest"
AGAINST_NOTE = (
    f"{AGAINST}, of the same split, epoch rule and clips: lower, whichever clips were missed (exact McNemar test, 5 % "
    "for each pair); cannot be told apart, whichever clips were missed; or cannot be told, because it depends on which "
    "clips were missed, and papers do not print them. This is about the trainings that were tested and says nothing of "
    "others."
)

Cell = Callable[[Claim], str]


def accuracy_text(claim: Claim) -> str:
    """Return an accuracy in percent with the digits that are printed, at most two."""
    return min(claim.percent_text, f"{claim.percent:.2f}", key=len)


def interval_text(claim: Claim) -> str:
    """Return the interval of an accuracy over its clips."""
    found = known(claim)
    return NOTHING if found is None else f"{found.low:.1f}–{found.high:.1f}"


SYSTEM: Mapping[Heading, Cell] = {
    "Claim": lambda claim: claim.address,
    "System": lambda claim: claim.column.system or NOTHING,
}
ACCURACY: Mapping[Heading, Cell] = {
    "Accuracy": accuracy_text,
    "Over clips": interval_text,
}
CONDITIONS: Mapping[Heading, Cell] = {
    "Split": lambda claim: seen(claim.table.split_text),
    "Epoch": lambda claim: seen(claim.table.epoch_rule),
    "Tested folds": lambda claim: folds_text(claim.table),
    "Estimand": lambda claim: seen(claim.table.estimand),
    "Tuned on": lambda claim: seen(claim.table.tuning),
    "Pretraining": lambda claim: seen(claim.column.pretraining),
    "Ensemble": lambda claim: seen(claim.column.ensemble),
    "Role": lambda claim: claim.table.role,
    "Version": lambda claim: claim.table.version or NOTHING,
}


def relations(claims: Sequence[Claim]) -> dict[str, str]:
    """Return for each of ``claims`` of one protocol, the highest first, what is known against the highest one."""
    found = {}
    for claim in claims:
        higher = next((one for one in claims if relation(claim, one) is not None), None)
        found[claim.address] = NOTHING if higher is None else HIGHEST if higher is claim else relation(claim, higher)
    return {address: text or NOTHING for address, text in found.items()}


def claims_frame(claims: Sequence[Claim]) -> pd.DataFrame:
    """Return every field of ``claims`` at full precision, a row each."""
    rows = []
    for claim in claims:
        found = known(claim)
        table, column = claim.table, claim.column
        rows.append(
            {
                "claim": claim.address,
                "paper": claim.source.key,
                "year": claim.source.year,
                "system": column.system,
                "dataset": table.dataset,
                "percent": claim.percent,
                "printed": column.value,
                "unit": table.unit,
                "estimand": seen(table.estimand),
                "split": seen(table.split),
                "split_options": ", ".join(f"{one} = {option_text(own)}" for one, own in table.split_options.items()),
                "epoch_rule": seen(table.epoch_rule),
                "validation": seen(str(table.validation)),
                "tuning": seen(table.tuning),
                "folds": table.folds,
                "tested_folds": " ".join(map(str, table.tested_folds)),
                "training_folds": table.training_folds,
                "pretraining": seen(column.pretraining),
                "ensemble": seen(column.ensemble),
                "role": table.role,
                "replicates": table.replicates or "",
                "version": table.version,
                "clips": None if found is None else found.n,
                "low": None if found is None else found.low,
                "high": None if found is None else found.high,
                "where": table.where,
                "seen": table.seen,
                "citation": claim.source.citation,
            }
        )
    frame = pd.DataFrame(rows)
    return frame.astype({"training_folds": "Int64", "clips": "Int64"}) if rows else frame


def all_claims(claims: Sequence[Claim]) -> Table:
    """Return the table of ``claims`` of any data set and protocol, both visible in each row."""
    columns: dict[Heading, Cell] = {
        "Claim": SYSTEM["Claim"],
        "Data set": lambda claim: title_of(claim.table.dataset),
        "Split": CONDITIONS["Split"],
        "Epoch": CONDITIONS["Epoch"],
        **ACCURACY,
        **{name: cell for name, cell in CONDITIONS.items() if name not in ("Split", "Epoch")},
    }
    caption = f"Accuracies in percent, with at most two decimals, in the order of the files. {INTERVAL_NOTE}"
    return _table("claims", "All claims", caption, claims, columns)


def protocol_claims(claims: Sequence[Claim], name: str, title: str) -> Table:
    """Return the table of ``claims`` of one data set and split, grouped by epoch rule, the highest first."""
    groups: dict[str, list[Claim]] = {}
    alike: dict[tuple[str, str], list[Claim]] = {}
    for claim in claims:
        rule = protocol_of(claim).epoch_rule
        groups.setdefault(rule, []).append(claim)
        alike.setdefault((rule, claim.table.split_text), []).append(claim)
    against = {address: text for own in alike.values() for address, text in relations(own).items()}
    compared = any(text not in (NOTHING, HIGHEST) for text in against.values())
    shown = ("Epoch",) if any(claim.table.split_options for claim in claims) else ("Split", "Epoch")
    columns: dict[Heading, Cell] = {
        **SYSTEM,
        "Epoch": CONDITIONS["Epoch"],
        **ACCURACY,
        **({AGAINST: lambda claim: against[claim.address]} if compared else {}),
        **{name: cell for name, cell in CONDITIONS.items() if name not in shown},
    }
    sizes = [len(own) for own in groups.values()]
    rules = tuple(sum(sizes[:place]) for place in range(1, len(sizes)))
    caption = f"Accuracies in percent, with at most two decimals. {INTERVAL_NOTE}"
    caption += f" {AGAINST_NOTE}" if compared else ""
    return replace(_table(name, title, caption, claims, columns), rules=rules)


def _table(name: str, title: str, caption: str, claims: Sequence[Claim], columns: Mapping[Heading, Cell]) -> Table:
    words = tuple(place for place, heading in enumerate(columns) if heading not in ACCURACY)
    return Table(name, title, caption, grid(claims, columns), claims_frame(claims), words=words)
