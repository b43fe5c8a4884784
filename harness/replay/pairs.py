"""diff_runs: the differences between two recorded runs, in their studies, conditions and results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import TrackingError
from harness.replay.outcome import FINAL, counted, title
from harness.replay.predictions import ClipChange, compare_clips
from harness.replay.rebuild import conditions_apart, recorded_conditions
from harness.replay.training_conditions import Difference, leaves
from harness.study import StudySpec, recorded_document
from harness.tracking.recorded_run import RecordedFold, RecordedRun, read_run
from harness.tracking.store import readable_uri
from harness.tracking.study_reader import load_fold

_UNSET = "not set"


@dataclass(frozen=True)
class Pair:
    """The same training of two runs."""

    title: str
    first: RecordedFold
    second: RecordedFold
    clips: ClipChange
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class RunDiff:
    """Two runs of one level, compared.

    Attributes
    ----------
    spec
        Fields of the two studies that differ, by dotted name, except where runs are recorded.
    pairs
        Trainings that both have.
    alone
        Names of those that only the first, and only the second, has.
    """

    first: RecordedRun
    second: RecordedRun
    spec: tuple[Difference, ...]
    pairs: tuple[Pair, ...]
    alone: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def conditions(self) -> dict[Difference, int]:
        """Conditions that differ, each with the number of pairs it differs for."""
        return counted(pair.differences for pair in self.pairs)

    @property
    def equal(self) -> bool:
        """Whether studies, conditions and predictions are all equal."""
        same = all(pair.clips.probabilities.equal for pair in self.pairs)
        return same and not (self.spec or self.conditions or any(self.alone))


def diff_runs(uri: str, first: str, second: str) -> RunDiff:
    """Compare two finished runs of one level in the store at ``uri``, given by id or its beginning.

    Two fold runs are compared whatever they trained. The folds of two trials are paired by fold and seed, those of two
    studies also by arm and trial.

    Raises
    ------
    TrackingError
        When a run is unknown, not finished or damaged, or the two are of different levels.
    """
    uri = readable_uri(uri)
    runs = read_run(uri, first), read_run(uri, second)
    if runs[0].level != runs[1].level:
        raise TrackingError(
            f"{runs[0].run_id} ({runs[0].title}) is a {runs[0].level} run and {runs[1].run_id} ({runs[1].title}) a "
            f"{runs[1].level} run; choose two runs of the same level"
        )
    left, right = (_by_place(run) for run in runs)
    return RunDiff(
        first=runs[0],
        second=runs[1],
        spec=_spec_differences(runs[0].spec, runs[1].spec),
        pairs=tuple(_pair(uri, left[place], right[place]) for place in left if place in right),
        alone=(_only(left, right), _only(right, left)),
    )


def _by_place(run: RecordedRun) -> dict[tuple[object, ...], RecordedFold]:
    """Return the trainings of ``run`` by the key that pairs them."""
    places: dict[tuple[object, ...], RecordedFold] = {}
    for fold in run.folds:
        trial = None if fold.phase == FINAL else fold.trial
        whole: tuple[object, ...] = (fold.arm, fold.phase, trial, fold.fold, fold.seed)
        places[{"study": whole, "trial": whole[3:], "fold": ()}[run.level]] = fold
    return places


def _pair(uri: str, first: RecordedFold, second: RecordedFold) -> Pair:
    clips = compare_clips(load_fold(uri, first.run_id).clips, load_fold(uri, second.run_id).clips)
    names = list(dict.fromkeys((title(first), title(second))))
    return Pair(
        " | ".join(names),
        first,
        second,
        clips,
        conditions_apart(recorded_conditions(first), recorded_conditions(second)),
    )


def _only(left: Mapping[tuple[object, ...], RecordedFold], right: Mapping[tuple[object, ...], Any]) -> tuple[str, ...]:
    return tuple(title(fold) for place, fold in left.items() if place not in right)


def _spec_differences(first: StudySpec, second: StudySpec) -> tuple[Difference, ...]:
    before, after = (leaves(recorded_document(spec)) for spec in (first, second))
    return tuple(
        Difference(name, before.get(name, _UNSET), after.get(name, _UNSET))
        for name in {**before, **after}
        if before.get(name) != after.get(name) and name != "search.storage" and not name.startswith("tracking.")
    )
