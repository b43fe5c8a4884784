"""What was measured, as LaTeX tables: each follows from one committed JSON file and nothing else.

Absolute speeds belong to one machine in one hour and stand in the JSON; tables show ratios of contestants that took
turns, as median and range.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from benchmarks.peers.tables import peers_table, planes_table, verdict_table
from harness.registry import DATASETS
from harness.report.report_section import Table

Spread = Mapping[str, float]
Document = Mapping[str, Any]


def ratio_table(
    name: str, title: str, caption: str, rows: Mapping[str, Spread], digits: int = 2, unit: str = "ratio"
) -> Table:
    """Return a table with median and range of each row; ``rows`` maps what is compared to what :func:`spread` gives.

    The number of repeats is added to the caption.
    """
    data = pd.DataFrame([{unit: row, **values} for row, values in rows.items()])
    printed = pd.DataFrame(
        {
            unit: data[unit],
            "median": [f"{value:.{digits}f}" for value in data["median"]],
            "range": [
                f"{low:.{digits}f} to {high:.{digits}f}" for low, high in zip(data["min"], data["max"], strict=True)
            ],
        }
    )
    return Table(name, title, f"{caption} {_repeats(list(data['n']))}", printed, data, 1)


def _repeats(n: Sequence[int]) -> str:
    fewest, most = int(min(n)), int(max(n))
    return f"Repeats: {fewest}." if fewest == most else f"Repeats: {fewest} to {most}."


def tables_of(name: str, document: Document) -> list[Table]:
    """Return the tables that follow from NAME.json; none where nothing is compared."""
    return [make(document) for make in _TABLES.get(name, ()) if make is not _features_profile or "profile" in document]


def _naive(document: Document) -> Table:
    rows, frames = document["input"][1:]
    return ratio_table(
        "naive",
        "Training speed",
        "Segments per second in training, as ratios within rounds in which the contestants alternate; 4-layer "
        f"network, {rows} x {frames}, batch {document['batch']}, {document['steps']} steps per epoch in each process. "
        f"Naive: one process with a thread per core, a DataLoader with {document['naive_loader_workers']} workers, "
        "float32, synchronising on the loss at each step. Harness and bare loop over batches in memory: "
        f"{document['processes']['harness float32']} processes with one thread, one per core.",
        document["ratios"],
    )


def _training(document: Document) -> Table:
    rows = {
        f"{precision}, {clock} time": document[precision][key]
        for precision in ("float32", "bfloat16")
        for clock, key in (
            ("wall", "share_outside_forward_backward_optimiser"),
            ("processor", "share_by_processor_time"),
        )
        if key in document[precision]
    }
    return ratio_table(
        "training",
        "Time of an epoch outside the step",
        "Share (%) of an epoch outside forward, backward and optimiser: 1 minus the time of a bare loop over batches "
        f"in memory divided by the time of the harness, alternating; 4-layer network, batch {document['batch']}. "
        "Negative if noise exceeds the share.",
        {name: _times(values, 100) for name, values in rows.items()},
        digits=1,
        unit="share in %",
    )


def _features(document: Document) -> Table:
    kinds = {"times_as_fast_from_files": "from audio files", "times_as_fast_after_loading": "without loading"}
    race = document["race"]
    return ratio_table(
        "features",
        "Feature speed",
        "Clips per second of the harness divided by those of plain librosa calls, all five planes (MLMC), alternating "
        f"on the same clips, with one process on each of {document['workers']} cores. Without loading: the time of "
        "decoding and resampling is subtracted on both sides.",
        {
            f"{DATASETS.get(dataset).title}, {said}": race[dataset][kind]
            for dataset in race
            for kind, said in kinds.items()
            if kind in race[dataset]
        },
    )


def _features_profile(document: Document) -> Table:
    found = {DATASETS.get(dataset).title: of["milliseconds_a_clip"] for dataset, of in document["profile"].items()}
    stages = list(dict.fromkeys(stage for of in found.values() for stage in of))
    columns = {name: [of[stage]["median"] if stage in of else None for stage in stages] for name, of in found.items()}
    printed = {name: ["" if value is None else f"{value:.2f}" for value in values] for name, values in columns.items()}
    repeats = _repeats([int(values["n"]) for of in found.values() for values in of.values()])
    caption = f"Milliseconds per clip on one core, by stage; median. A stage may include others. {repeats}"
    return Table(
        "features_profile",
        "Profile of the features",
        caption,
        pd.DataFrame({"stage": stages, **printed}),
        pd.DataFrame({"stage": stages, **columns}),
        1,
    )


def _floor(document: Document) -> Table:
    precisions = [name for name in ("float32", "bfloat16") if name in document]
    counted = "; ".join(
        f"{name}: {document[name]['counted']['gigaoperations']:.1f} G operations, "
        f"{document[name]['counted']['network_megabytes']:.0f} MB through the network, "
        f"{document[name]['counted']['optimizer_megabytes']:.0f} MB through the optimiser, ceilings "
        f"{document[name]['ceilings']['arithmetic']['median']:.0f} G operations and "
        f"{document[name]['ceilings']['memory']['median']:.0f} GB per second"
        for name in precisions
    )
    return ratio_table(
        "floor",
        "Training steps and their floor",
        f"Minimum time of a training step divided by its measured time, 4-layer network, batch {document['batch']}, "
        f"{document['threads']} thread. Counted and measured: {counted}.",
        {f"{name}: floor / step": document[name]["floor_over_step"] for name in precisions},
    )


def _profile(document: Document) -> Table:
    precisions = [name for name in ("float32", "bfloat16") if name in document]
    kinds = sorted(
        document[precisions[0]]["kinds"], key=lambda kind: -document[precisions[0]]["kinds"][kind]["share"]["median"]
    )
    columns: dict[object, list[str]] = {("", "operation"): kinds}
    data: dict[str, list[Any]] = {"operation": kinds}
    for precision in precisions:
        of = document[precision]["kinds"]
        columns[(precision, "share in %")] = [f"{100 * of[kind]['share']['median']:.1f}" for kind in kinds]
        columns[(precision, "ms")] = [f"{of[kind]['milliseconds_a_step']['median']:.1f}" for kind in kinds]
        columns[(precision, "floor in ms")] = [
            "" if of[kind]["floor_milliseconds"] is None else f"{of[kind]['floor_milliseconds']:.1f}" for kind in kinds
        ]
        data[f"{precision}_share"] = [of[kind]["share"]["median"] for kind in kinds]
        data[f"{precision}_milliseconds"] = [of[kind]["milliseconds_a_step"]["median"] for kind in kinds]
        data[f"{precision}_floor_milliseconds"] = [of[kind]["floor_milliseconds"] for kind in kinds]
    repeats = document[precisions[0]]["step_milliseconds"]["n"]
    caption = (
        "Time of a training step of the 4-layer network by operation, from torch's profiler: batch "
        f"{document['batch']}, {document['threads']} thread, medians of {repeats} rounds of {document['steps']} steps. "
        "Floor: counted arithmetic or bytes divided by the ceilings measured in the same run."
    )
    return Table("profile", "Profile of a training step", caption, pd.DataFrame(columns), pd.DataFrame(data), 1)


def _memory(document: Document) -> Table:
    rows = document["rows"]
    printed = pd.DataFrame(
        {
            "batch": [str(row["batch"]) for row in rows],
            "clips": [str(row["clips"]) for row in rows],
            "features in MB": [f"{row['features_megabytes']:.0f}" for row in rows],
            "peak in MB": [f"{row['peak_megabytes']['median']:.0f}" for row in rows],
            "peak minus features": [f"{row['beyond_features_megabytes']['median']:.0f}" for row in rows],
        }
    )
    repeats = _repeats([row["peak_megabytes"]["n"] for row in rows])
    caption = (
        "Peak memory of a training of one epoch, entire process (4-layer network, synthetic features, "
        f"{document['precision']}), as proportional set size; median. {repeats}"
    )
    firsts = tuple(i for i in range(1, len(rows)) if rows[i]["batch"] != rows[i - 1]["batch"])
    return Table("memory", "Memory of training", caption, printed, pd.DataFrame(rows), 0, firsts)


def _growth(document: Document) -> Table:
    rows = {}
    for kind in ("clips", "trials", "folds"):
        found = document.get(f"by_{kind}")
        if found is None:
            continue
        sizes = ", ".join(str(size[kind]) for size in found["sizes"])
        rows[f"{kind} ({sizes}), CPU time"] = found["processor_seconds_added_by_a_unit_late_over_early"]
        rows[f"{kind} ({sizes}), wall time"] = found["seconds_added_by_a_unit_late_over_early"]
    return ratio_table(
        "growth",
        "Growth of a study's cost",
        "Seconds added by a clip, a trial or a fold between the middle and the largest size, divided by those added "
        "between the smallest and the middle size; 1 if the cost is linear. With more folds each training uses more "
        "clips, so the unit is a processed clip. Embedded study, one worker, including search, record and report.",
        rows,
    )


def _outside(document: Document) -> Table:
    computed = next(key for key in document if key.startswith("share_at_"))
    epochs = computed.split("_")[2]
    return ratio_table(
        "outside",
        "Time outside training",
        "Share (%) of a study's wall time outside training: search, tracking, report and everything else. LMCNet on "
        f"ESC-10, {document['trainings']} trainings, one worker, features computed before.",
        {
            f"measured at {document['epochs']} epochs": _times(document["share"], 100),
            f"computed for {epochs} epochs": _times(document[computed], 100),
        },
        unit="share in %",
    )


def _start_up(document: Document) -> Table:
    return ratio_table(
        "start_up",
        "Start of the command line",
        "Time of a command divided by that of a bare Python interpreter, alternating.",
        {f"harness {arguments}": values for arguments, values in document["over_bare_python"].items()},
        digits=1,
    )


def _times(values: Spread, factor: float) -> dict[str, float]:
    return {key: value if key == "n" else factor * value for key, value in values.items()}


_TABLES: dict[str, tuple[Callable[[Document], Table], ...]] = {
    "peers": (peers_table,),
    "verdict": (verdict_table,),
    "planes": (planes_table,),
    "naive": (_naive,),
    "training": (_training,),
    "features": (_features, _features_profile),
    "floor": (_floor,),
    "profile": (_profile,),
    "memory": (_memory,),
    "growth": (_growth,),
    "outside": (_outside,),
    "start_up": (_start_up,),
}
