"""The race with other programs, a study of five folds and single planes, as tables and in Markdown for the README."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from harness.report.report_section import Table

Document = Mapping[str, Any]
NETWORKS = {"su4": "su4", "resnet18": "ResNet-18"}


def versions_of(contestant: Mapping[str, Any]) -> str:
    """Return the version of a contestant's own package; "" for a loop of ours."""
    return next(iter(contestant["versions"].values()), "")


def how(contestant: Mapping[str, Any]) -> str:
    """Return how a contestant uses the machine, in words."""
    processes, threads, workers = (contestant[key] for key in ("processes", "threads_of_each", "loader_workers"))
    said = f"{processes} x {threads} thread{'s' if threads > 1 else ''}"
    return f"{said}, {workers} loader workers" if workers else said


def _ratio(document: Document, network: str, name: str) -> str:
    found = document.get(network, {}).get("ratios", {}).get(f"harness / {name}")
    return f"{found['median']:.2f} ({found['min']:.2f} to {found['max']:.2f})" if found else ""


def peer_rows(document: Document) -> list[dict[str, str]]:
    """Return a row for each contestant: what it is, how many times as fast the harness is, memory and start."""
    rows = []
    for name, contestant in document["contestants"].items():
        row = {"program": " ".join(filter(None, (name, versions_of(contestant)))), "processes": how(contestant)}
        for network, title in NETWORKS.items():
            if network in document:
                row[f"{title}: harness is"] = _ratio(document, network, name)
                row[f"{title}: peak in MB"] = f"{document[network]['peak_megabytes'][name]}"
        starts = [document[network]["start_seconds"][name] for network in NETWORKS if network in document]
        rows.append({**row, "start in s": " and ".join(f"{seconds:.1f}" for seconds in starts)})
    return rows


def peers_table(document: Document) -> Table:
    """Return the race as a table."""
    data = pd.DataFrame(peer_rows(document))
    networks = [network for network in NETWORKS if network in document]
    repeats = next(iter(document[networks[0]]["items_a_second"].values()))["n"]
    equal = [document[network]["equal_numbers"]["largest_relative_difference"] for network in networks]
    wrong = max(difference for found in equal for difference in found.values())
    caption = (
        "Times as fast as each program the harness trains (items per second, all processes together, float32), as "
        f"median and range of {repeats} rounds in which all alternate; batch {document[networks[0]]['batch']}, SGD "
        "with momentum, equal items. Memory: the most of a program and all its processes, pages of files counted once. "
        "From equal weights in an equal order without dropout, mean losses of epochs differ from the harness's by at "
        f"most {wrong:.0e} of their value."
    )
    return Table("peers", "Training speed of other programs", caption, data, data, 2)


def verdict_table(document: Document) -> Table:
    """Return the study of five folds as a table."""
    data = pd.DataFrame(
        [
            {
                "program": name,
                "seconds": f"{document['seconds'][name]['median']:.0f}",
                "range": f"{document['seconds'][name]['min']:.0f} to {document['seconds'][name]['max']:.0f}",
                "peak in MB": f"{document['peak_megabytes'][name]['median']:.0f}",
            }
            for name in document["seconds"]
        ]
    )
    caption = (
        f"A study of {document['folds']} folds of ESC-10 with the 4-layer network, {document['epochs']} epoch(s), from "
        "its command to its end: the harness from audio to a test against a published accuracy, autrainer "
        f"{document['versions_of_peers']['autrainer']} from segments that were cut before to its last evaluation. "
        f"Repeats: {document['seconds']['harness']['n']}."
    )
    return Table("verdict", "Time to a verdict", caption, data, data, 1)


def planes_table(document: Document) -> Table:
    """Return the race of the planes as a table: a row for each plane and library."""
    data = pd.DataFrame(plane_rows(document))
    one = next(iter(next(iter(document["times_as_fast"].values())).values()))
    caption = (
        "Clips per second of the harness divided by those of each library, one plane at a time from the file, as "
        f"medians of {one['n']} rounds in which all alternate, with one thread in each process; {document['clips']} "
        f"clips of ESC-10. Fbank of speechbrain {document['speechbrain']['speechbrain']}, compared with log-mel, is "
        "another feature."
    )
    return Table("planes", "Speed of single planes", caption, data, data, 2)


def plane_rows(document: Document) -> list[dict[str, str]]:
    """Return a row for each plane and library, with a column for each format and number of processes."""
    rows = []
    for plane, cases in document["times_as_fast"].items():
        by_library: dict[str, dict[str, str]] = {}
        for case, found in cases.items():
            form, processes, library = case.split(", ")
            by_library.setdefault(library, {})[f"{form}, {processes}"] = f"{found['median']:.2f}"
        rows += [{"plane": plane, "library": library, **found} for library, found in by_library.items()]
    return rows


def readme_block(documents: Mapping[str, Document | None]) -> str:
    """Return the speed section's part on other programs, wins and losses alike; empty where nothing was measured."""
    return "\n".join(_readme_lines(documents))


def _readme_lines(documents: Mapping[str, Document | None]) -> Iterator[str]:
    if race := documents.get("peers"):
        machine = f"{race['machine']['processor']}, {race['machine']['cores']} cores, torch {race['versions']['torch']}"
        yield f"Times as fast as other programs the harness trains, in float32 ({machine}; median and range):"
        yield from ("", *markdown_table(peer_rows(race)), "")
    if study := documents.get("verdict"):
        (ours, theirs), (mine, yours) = (
            [f"{study[key][name]['median']:.0f}" for name in ("harness", "autrainer")]
            for key in ("seconds", "peak_megabytes")
        )
        yield (
            f"A study of {study['folds']} folds of ESC-10 ({study['epochs']} epoch) takes {ours} s from audio to "
            f"verdict and {mine} MB; autrainer {study['versions_of_peers']['autrainer']} takes {theirs} s from "
            f"segments to its last evaluation and {yours} MB."
        )
        yield ""
    if planes := documents.get("planes"):
        yield "Times as fast as other libraries the harness computes planes from files (below 1 it is slower):"
        yield from ("", *markdown_table(plane_rows(planes)), "")


def markdown_table(rows: list[dict[str, str]]) -> list[str]:
    """Return the lines of a table in Markdown; a row without a column has an empty cell."""
    heads = list(dict.fromkeys(head for row in rows for head in row))
    lines = [heads, ["---"] * len(heads), *([row.get(head, "") for head in heads] for row in rows)]
    return ["| " + " | ".join(cells) + " |" for cells in lines]
