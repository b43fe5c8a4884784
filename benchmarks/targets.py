"""The targets of speed and memory with what was measured: on the terminal, as LaTeX, and in this folder's README.

All of it follows from the JSON files of the results, targets.toml and reasons.toml; nothing is measured here. A target
is met when the median meets it; the range over repeats is printed with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.peers.tables import markdown_table, readme_block
from benchmarks.record import read, write_table
from benchmarks.tables import Document, tables_of
from benchmarks.wanted import REASONS, TARGETS, Reason, Target
from harness.report.report_section import Table

README = Path(__file__).with_name("README.md")
FRONT = Path(__file__).parents[1] / "README.md"
BEGIN_PEERS, END_PEERS = "<!-- peers: written by `python -m benchmarks targets` -->", "<!-- /peers -->"
BEGIN, END = "<!-- speed: written by `python -m benchmarks targets` -->", "<!-- /speed -->"
OLDER_FORM = (KeyError, TypeError)
"""What reading a file raises that an older form of its benchmark has written."""
GPU = "gpu"
LINEAR = 1.25
FLAT = 1.1
RESULTS = (
    "peers", "verdict", "planes", "cold",
    "naive", "training", "floor", "profile", "features", "memory", "outside", "growth", "start_up",
)  # fmt: skip
"""The files whose tables are written again."""


Rows = list[dict[str, str]]


def rows_of(documents: Mapping[str, Document | None]) -> Rows:
    """Return a row for each target, from the results by name; None where a file is missing."""
    return [_row(target, documents.get(target.source)) for target in TARGETS]


def _row(target: Target, document: Document | None) -> dict[str, str]:
    row = {"target": target.what, "wanted": target.wanted, "measured": "not measured", "range": "", "met": ""}
    row["file"] = f"{target.source}.json"
    if target.source == GPU and (document is None or document["device"]["type"] != "cuda"):
        return {**row, "measured": "not measured: no GPU"}
    if document is None:
        return row
    try:
        found = target.find(document)
    except OLDER_FORM:
        return row
    row["measured"] = target.shown(found["median"])
    row["range"] = f"{target.shown(found['min'])} to {target.shown(found['max'])}"
    row["met"] = "yes" if target.met(found["median"]) else "no"
    return row


def table(rows: Rows) -> Table:
    """Return the rows as a table."""
    caption = (
        "Targets and measurements: median and range over repeats; a target is met if the median meets it. Growth is "
        f"linear if a later unit costs at most {LINEAR:g} times an earlier one; memory is flat if it grows by at most "
        f"{100 * (FLAT - 1):.0f} %."
    )
    data = pd.DataFrame(rows).assign(where=[target.where for target in TARGETS])
    return Table("targets", "Targets of speed and memory", caption, data.drop(columns="where"), data, 2)


def markdown(documents: Mapping[str, Document | None]) -> str:
    """Return the README's block: the table, the machine, and what a step's time goes into."""
    rows = rows_of(documents)
    lines = markdown_table(rows)
    explained = [f"- {line}" for line in missed(rows)]
    return "\n".join([*lines, "", counted(rows), "", *explained, "", _machines(documents), *_explained(documents)])


def counted(rows: Rows) -> str:
    """Return how many targets are met, missed and not measured, in a sentence."""
    met, missed = (sum(row["met"] == said for row in rows) for said in ("yes", "no"))
    return f"Of {len(rows)} targets {met} are met, {missed} are missed, {len(rows) - met - missed} are not measured."


def missed(rows: Rows, reasons: Mapping[str, Reason] = REASONS) -> list[str]:
    """Return a line for each missed target: why, and the profile that supports it."""
    return [_why(row, reasons.get(row["target"])) for row in rows if row["met"] == "no"]


def _why(row: dict[str, str], reason: Reason | None) -> str:
    said = f"{row['target']}: {row['measured']}, wanted {row['wanted']}."
    if reason is None:
        return f"{said} Not explained yet."
    return f"{said} {reason.text} (`{reason.profile}`)"


def _machines(documents: Mapping[str, Document | None]) -> str:
    used = sorted(
        {
            f"{document['machine']['processor']}, {document['machine']['cores']} cores, "
            f"torch {document['versions']['torch']}"
            for document in documents.values()
            if document
        }
    )
    return f"Measured on: {'; '.join(used) or 'nothing yet'}."


def _explained(documents: Mapping[str, Document | None]) -> list[str]:
    """Return a sentence on the floor and the profile of each precision."""
    floor, profile, features = (documents.get(name) for name in ("floor", "profile", "features"))
    said = [_clip_explained(dataset, found) for dataset, found in ((features or {}).get("profile") or {}).items()]
    if floor is None or profile is None:
        return ["", *said] if said else []
    for precision in ("float32", "bfloat16"):
        share = floor[precision]["floor_over_step"]["median"]
        kinds = profile[precision]["kinds"]
        largest = sorted(kinds, key=lambda kind: -kinds[kind]["share"]["median"])[:5]
        parts = ", ".join(_part(kind, kinds[kind]) for kind in largest)
        said.append(f"A {precision} step takes {1 / share:.1f} times its counted floor. Its time is spent on {parts}.")
    return ["", *said]


def _clip_explained(dataset: str, found: Mapping[str, Any]) -> str:
    stages = {name: values["median"] for name, values in found["milliseconds_a_clip"].items()}
    listed = ", ".join(f"{name} {stages[name]:.1f} ms" for name in sorted(stages, key=lambda name: -stages[name])[:8])
    return f"Time per clip of {dataset} on one core: {listed}; a stage may include others."


def _part(kind: str, found: Mapping[str, Any]) -> str:
    percent = f"{kind} {100 * found['share']['median']:.0f} %"
    least = found["floor_milliseconds"]
    return (
        percent
        if least is None
        else f"{percent} ({found['milliseconds_a_step']['median'] / least:.1f} times its floor)"
    )


def in_readme(text: str, block: str, begin: str = BEGIN, end: str = END) -> str:
    """Return ``text`` with what is between the markers replaced by ``block``."""
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"the README has no markers {begin!r} and {end!r}")
    return f"{before}{begin}\n{block}\n{end}{after}"


def documents() -> dict[str, Document | None]:
    """Return the results as they were written last."""
    return {name: read(name) for name in dict.fromkeys((*RESULTS, *(target.source for target in TARGETS)))}


def targets(readme: Path | None = README) -> None:
    """Print the targets, and write every table that the results give; with ``readme``, its block too."""
    found = documents()
    for name, document in found.items():
        try:
            made = tables_of(name, document) if document else []
        except OLDER_FORM as missing:
            again = f"python -m benchmarks {name.replace('_', '-')}"
            print(f"{name}.json has an older format ({missing}); run `{again}` again")
            continue
        for each in made:
            write_table(each)
    rows = rows_of(found)
    write_table(table(rows))
    widths = [max(len(row[head]) for row in [{head: head}, *rows]) for head in rows[0]]
    for row in ({head: head for head in rows[0]}, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row.values(), widths, strict=True)))
    print(counted(rows), *missed(rows), sep="\n")
    if readme is not None:
        readme.write_text(in_readme(readme.read_text(encoding="utf-8"), markdown(found)), encoding="utf-8")
        front = in_readme(FRONT.read_text(encoding="utf-8"), readme_block(found), BEGIN_PEERS, END_PEERS)
        FRONT.write_text(front, encoding="utf-8")
        print(f"written to {readme.parent.name}/{readme.name} and {FRONT.name}")
