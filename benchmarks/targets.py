"""The targets of speed and memory beside what was measured: on the terminal, as LaTeX, and in this folder's README.

All of it follows from the JSON files of the results; nothing is measured here. A target is met when the median meets
it; the range over repeats stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.record import read, spread, write_table
from benchmarks.tables import Document, Spread, tables_of
from harness.report.section import Table

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- speed: written by `python -m benchmarks targets` -->", "<!-- /speed -->"
OLDER_FORM = (KeyError, TypeError)
"""What reading a file raises that an older form of its benchmark has written."""
GPU = "gpu"
LINEAR = 1.25
FLAT = 1.1
RESULTS = (
    "naive", "training", "floor", "profile", "features", "memory", "outside", "growth", "start_up",
)  # fmt: skip
"""The files whose tables are written again."""


def _itself(found: Any) -> Spread:
    return {str(key): float(value) for key, value in found.items()}


@dataclass(frozen=True)
class Target:
    """One target and where its number stands: at ``path`` in the file ``source``, after ``reduce``.

    ``at_least`` tells the side of ``bound``; ``percent`` prints both in percent.
    """

    what: str
    source: str
    path: tuple[str, ...]
    bound: float
    reduce: Callable[[Any], Spread] = _itself
    at_least: bool = True
    percent: bool = False
    unit: str = ""

    def find(self, document: Document) -> Spread:
        """Return median, smallest and largest value; KeyError or TypeError where the file has another form."""
        found: Any = document
        for key in self.path:
            found = found[key]
        return self.reduce(found)

    def met(self, median: float) -> bool:
        """Return whether ``median`` is on the right side."""
        return median >= self.bound if self.at_least else median <= self.bound

    def shown(self, value: float) -> str:
        """Return a measured value as printed, with two decimals."""
        return f"{100 * value:.2f} %" if self.percent else f"{value:.2f}{self.unit}"

    @property
    def wanted(self) -> str:
        """The bound in words."""
        bound = f"{100 * self.bound:g} %" if self.percent else f"{self.bound:g}{self.unit}"
        return f"at least {bound}" if self.at_least else f"at most {bound}"

    @property
    def where(self) -> str:
        """The file, and the place in it."""
        return " > ".join([f"{self.source}.json", *self.path])


def _worst(values: Sequence[float]) -> Spread:
    """Return the largest of ``values`` as the figure that counts, and the range over all."""
    return {**spread(values), "median": max(values)}


def _largest_median(found: Mapping[str, Spread]) -> Spread:
    return max(found.values(), key=lambda values: values["median"])


def _feature_memory(found: Mapping[str, Any]) -> Spread:
    """Return the peak of building the most clips over that of the fewest, of each data set; the worst counts."""
    by_set = [found] if any(clips.isdigit() for clips in found) else list(found.values())
    ratios = []
    for peaks in by_set:
        ordered = [peaks[clips] for clips in sorted(peaks, key=int)]
        first, last = (
            float(peak["median"] if isinstance(peak, Mapping) else peak) for peak in (ordered[0], ordered[-1])
        )
        ratios.append(last / first)
    return _worst(ratios)


def _best_over_naive(found: Mapping[str, Spread]) -> Spread:
    return _largest_median({name: values for name, values in found.items() if name.endswith("/ naive float32")})


def _nearest_floor(found: Mapping[str, Any]) -> Spread:
    return spread([max(share for precision in found.values() for share in precision["floor_over_step"].values())])


def _naive(precision: str, other: str, bound: float) -> Target:
    said = "times the naive float32 loop" if other == "naive" else "share of a bare loop's speed"
    return Target(f"training, {precision}: {said}", "naive", ("ratios", f"harness {precision} / {other}"), bound)


def _librosa(dataset: str, name: str) -> Target:
    return Target(f"features, {name}: times librosa", "features", ("race", dataset, "times_as_fast_from_files"), 5)


def _outside(said: str, key: str) -> Target:
    what = f"outside training: share of a study's time, {said}"
    return Target(what, "outside", (key,), 0.03, at_least=False, percent=True)


def _linear(kind: str) -> Target:
    what = f"growth with {kind}: a later unit's cost over an earlier one's"
    return Target(
        what, "growth", (f"by_{kind}", "processor_seconds_added_by_a_unit_late_over_early"), LINEAR, at_least=False
    )


TARGETS = (
    _naive("float32", "naive", 1.8),
    _naive("bfloat16", "naive", 1.8),
    _naive("float32", "bare float32", 0.95),
    _naive("bfloat16", "bare bfloat16", 0.95),
    _librosa("esc10", "ESC-10"),
    _librosa("urbansound8k", "UrbanSound8K"),
    _outside("as measured, few epochs", "share"),
    _outside("computed for 50 epochs", "share_at_50_epochs_computed"),
    _linear("clips"),
    _linear("trials"),
    _linear("folds"),
    Target(
        "memory of training: 16 times the clips, beyond their features",
        "memory",
        ("growth_beyond_features_by_batch",),
        FLAT,
        lambda found: _worst(list(found.values())),
        at_least=False,
    ),
    Target(
        "memory of building features: most clips over fewest",
        "features",
        ("peak_megabytes_by_clips",),
        FLAT,
        _feature_memory,
        at_least=False,
    ),
    Target("start of the command line", "start_up", ("seconds",), 0.5, _largest_median, at_least=False, unit=" s"),
    Target("GPU training: times the naive float32 loop", GPU, ("epochs", "ratios"), 10, _best_over_naive),
    Target("GPU training: share of the counted floor reached", GPU, ("floor",), 0.5, _nearest_floor),
    Target(
        "GPU features of all UrbanSound8K, after decoding",
        GPU,
        ("features", "urbansound8k_seconds_after_decoding"),
        60,
        at_least=False,
        unit=" s",
    ),
)

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
    heads = list(rows[0])
    lines = [
        "| " + " | ".join(cells) + " |" for cells in (heads, ["---"] * len(heads), *(row.values() for row in rows))
    ]
    return "\n".join([*lines, "", _machines(documents), *_explained(documents)])


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


def in_readme(text: str, block: str) -> str:
    """Return ``text`` with what stands between the markers replaced by ``block``."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"the README has no markers {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n{block}\n{END}{after}"


def documents() -> dict[str, Document | None]:
    """Return the results as they were written last."""
    return {name: read(name) for name in (*RESULTS, GPU)}


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
    if readme is not None:
        readme.write_text(in_readme(readme.read_text(encoding="utf-8"), markdown(found)), encoding="utf-8")
        print(f"written to {readme.parent.name}/{readme.name}")
