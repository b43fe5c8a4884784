"""The targets as data: targets.toml says what is wanted and where it was measured, reasons.toml why some are missed.

Reasons are written by hand, each with the profile that supports it: a place in a committed JSON file.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.record import spread
from benchmarks.tables import Document, Spread

TARGETS_FILE = Path(__file__).with_name("targets.toml")
REASONS_FILE = Path(__file__).with_name("reasons.toml")


def _itself(found: Any) -> Spread:
    return {str(key): float(value) for key, value in found.items()}


def _worst(values: Sequence[float]) -> Spread:
    """Return the largest of ``values`` as the figure that counts, and the range over all."""
    return {**spread(values), "median": max(values)}


def _largest(found: Mapping[str, float]) -> Spread:
    return _worst(list(found.values()))


def _largest_median(found: Mapping[str, Spread]) -> Spread:
    return max(found.values(), key=lambda values: values["median"])


def _smallest_median(found: Mapping[str, Spread]) -> Spread:
    return min(found.values(), key=lambda values: values["median"])


def _slowest_against(*names: str) -> Callable[[Mapping[str, Spread]], Spread]:
    """Return the case of the smallest median among those whose last word is one of ``names``."""
    return lambda found: _smallest_median(
        {case: values for case, values in found.items() if case.split(", ")[-1] in names}
    )


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


def _loss_of_halving(found: Sequence[Mapping[str, Mapping[str, float]]]) -> Spread:
    """Return what the choice of a search with ``halving`` loses, over the SD over folds of one without; the worst seed
    counts."""
    losses = [(run["none"]["chosen"] - run["halving"]["chosen"]) / run["none"]["sd_over_folds"] for run in found]
    return _worst(losses)


def _over_n_log_n(found: Sequence[Mapping[str, float]]) -> Spread:
    """Return by how much more the processor time grows than n log n does, from the fewest clips to each larger number;
    the worst counts."""
    fewest, *larger = sorted(found, key=lambda row: row["clips"])

    def growth(row: Mapping[str, float]) -> float:
        expected = row["clips"] * math.log(row["clips"]) / (fewest["clips"] * math.log(fewest["clips"]))
        return row["processor_seconds"] / fewest["processor_seconds"] / expected

    return _worst([growth(row) for row in larger])


REDUCTIONS: Mapping[str, Callable[[Any], Spread]] = {
    "itself": _itself,
    "largest": _largest,
    "largest median": _largest_median,
    "smallest median": _smallest_median,
    "slowest against librosa and torchaudio": _slowest_against("librosa", "torchaudio"),
    "slowest against librosa": _slowest_against("librosa"),
    "slowest against torchaudio": _slowest_against("torchaudio"),
    "most clips over fewest": _feature_memory,
    "best over naive": _best_over_naive,
    "nearest floor": _nearest_floor,
    "loss of halving": _loss_of_halving,
    "over n log n": _over_n_log_n,
}
"""How the figure that counts follows from what the file has at the target's place."""


@dataclass(frozen=True)
class Target:
    """One target and where its number is: at ``path`` in the file ``source``, after ``reduce``.

    ``at_least`` tells the side of ``bound``; ``percent`` prints both in percent.
    """

    what: str
    source: str
    path: tuple[str, ...]
    bound: float
    reduce: str = "itself"
    at_least: bool = True
    percent: bool = False
    unit: str = ""

    def find(self, document: Document) -> Spread:
        """Return median, smallest and largest value; KeyError or TypeError where the file has another form."""
        found: Any = document
        for key in self.path:
            found = found[key]
        return REDUCTIONS[self.reduce](found)

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


@dataclass(frozen=True)
class Reason:
    """Why a target is missed: a sentence, and the place of the profile in a committed file, as ``NAME > key > key``."""

    text: str
    profile: str


def read_targets(text: str) -> tuple[Target, ...]:
    """Return the targets that ``text`` (TOML) lists.

    Raises
    ------
    ValueError
        When an entry names an unknown reduction, has both bounds or none, or repeats a name.
    """
    targets = tuple(_target(dict(entry)) for entry in tomllib.loads(text)["target"])
    names = [target.what for target in targets]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"targets.toml: {repeated[0]!r} is there twice; give each target a name of its own")
    return targets


def _target(entry: dict[str, Any]) -> Target:
    sides = [side for side in ("at_least", "at_most") if side in entry]
    if len(sides) != 1:
        raise ValueError(f"targets.toml: {entry.get('what')!r} needs one of at_least and at_most, received {sides}")
    bound = float(entry.pop(sides[0]))
    target = Target(bound=bound, at_least=sides == ["at_least"], path=tuple(entry.pop("path")), **entry)
    if target.reduce not in REDUCTIONS:
        raise ValueError(
            f"targets.toml: {target.what!r} has the reduction {target.reduce!r}; allowed: {', '.join(REDUCTIONS)}"
        )
    return target


def read_reasons(text: str) -> dict[str, Reason]:
    """Return the reasons that ``text`` (TOML) lists, by target."""
    return {entry["target"]: Reason(entry["text"], entry["profile"]) for entry in tomllib.loads(text).get("reason", [])}


TARGETS = read_targets(TARGETS_FILE.read_text(encoding="utf-8"))
REASONS = read_reasons(REASONS_FILE.read_text(encoding="utf-8"))
