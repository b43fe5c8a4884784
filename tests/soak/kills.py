"""kill -9 at random moments: the whole process group, from within at an event or from outside between two.

A life is a study from an empty folder to its report, killed up to four times on the way. After each death the disk is
examined as it lies there; at the end the study is compared with an undisturbed one.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.soak import evidence
from tests.soak.events import Death
from tests.soak.outcome import Outcome
from tests.soak.process import Ended, Event, Study

_DEATHS_OF_A_LIFE = 4
_KILLED = -9


@dataclass(frozen=True)
class Where:
    """In which phases of the story a study is killed, and at which targets of its writing; empty means any."""

    phases: tuple[str, ...]
    targets: tuple[str, ...] = ()
    to_a_server: bool = False
    """Whether the study is one of an MLflow server, which must have every run once in the end."""


WHERE = {
    "opening and closing": Where(("opening",)),
    "features": Where(("features",)),
    "search": Where(("search",), ("optuna",)),
    "training": Where(("search", "training")),
    "logging": Where(("search", "training", "fusion"), ("mlflow", "artifacts")),
    "report": Where(("report",)),
    # While the study goes on as well as after its end.
    "sending": Where((), ("server",), to_a_server=True),
}


@dataclass(frozen=True)
class Undisturbed:
    """The run that all others are compared with: its options, what it says, and every event on its way."""

    options: tuple[str, ...]
    facts: evidence.Facts
    events: list[Event]


Tell = Callable[[str], object]


def undisturbed(folder: Path, options: tuple[str, ...] = ()) -> Undisturbed:
    """Run the study once in peace; ``options`` are those of ``harness run-study``."""
    study = Study(folder, options=options)
    ended = study.run()
    if ended.code != 0:
        raise RuntimeError(f"the undisturbed study ended with exit code {ended.code}:\n{ended.said}")
    found = Undisturbed(options, evidence.facts(folder), ended.events)
    shutil.rmtree(folder)
    return found


def killed(
    name: str, kills: int, peace: Undisturbed, folder: Path, draw: random.Random, tell: Tell, workers: int = 1
) -> Outcome:
    """Kill studies in one part of the story until ``kills`` deaths were died."""
    from tests.soak.servers import beside_a_server

    outcome = Outcome(f"kill -9: {name}", workers)
    lives = 0
    events = peace.events
    if WHERE[name].to_a_server:
        with beside_a_server(folder / "undisturbed", peace.options) as (study, _):
            ended = study.run()
            events = ended.events
            if bad := must(ended, 0):
                raise RuntimeError(f"the undisturbed study of a server: {bad[0]}")
    while outcome.tried < kills:
        lives += 1
        deaths, place = min(_DEATHS_OF_A_LIFE, kills - outcome.tried), folder / f"{lives}"
        if not WHERE[name].to_a_server:
            study = Study(place, workers=workers, options=peace.options)
            _live(study, WHERE[name], deaths, outcome, peace, events, draw, tell)
            continue
        with beside_a_server(place, peace.options, workers) as (study, missing):
            _live(study, WHERE[name], deaths, outcome, peace, events, draw, tell, missing)
    outcome.note = f"{lives} studies"
    return outcome


def _live(
    study: Study,
    where: Where,
    deaths: int,
    outcome: Outcome,
    peace: Undisturbed,
    events: list[Event],
    draw: random.Random,
    tell: Tell,
    missing: Callable[[], list[str]] = list,
) -> None:
    """Put a study through up to ``deaths``; ``missing`` says what its server lacks in the end."""
    folder = study.folder
    died: list[str] = []
    bad: list[str] = []
    for _ in range(deaths):
        how, ended = _die(study, where, events, draw, first=not died)
        if ended.code != _KILLED:
            # It came to its end before its hour: what there was to do in this part is done.
            if ended.code != 0:
                bad.append(f"after {how}: exit code {ended.code}: {ended.said[-500:]}")
            break
        died.append(how)
        found = evidence.damage(folder, peace.facts)
        tell(f"  {outcome.scenario}: {how}: {'; '.join(found) or 'nothing broken'}")
        bad += [f"after {how}: {each}" for each in found]
    bad += finish(study, peace) or missing()
    # A study that goes wrong before its first death is one that was tried and lost, not one that never was.
    tried = max(len(died), 1 if bad else 0)
    outcome.tried += tried
    if bad:
        told = f"killed {' and '.join(died) or 'nowhere'}: {'; '.join(bad)}"
        tell(f"  LOST {told}")
        # Which death of a life did it cannot be told, so all of them are lost.
        outcome.lost += [told] * tried
    else:
        shutil.rmtree(folder)


def finish(study: Study, peace: Undisturbed, code: int = 0) -> list[str]:
    """Let the study come to its end; return what is not as in the undisturbed one."""
    ended = study.run()
    if ended.code != code:
        return [f"the resumed study ended with exit code {ended.code}: {ended.said[-2000:]}"]
    broken = evidence.damage(study.folder, peace.facts) + evidence.still_open(study.folder)
    return broken + evidence.differences(peace.facts, evidence.facts(study.folder))


def must(ended: Ended, code: int) -> list[str]:
    """Return nothing when the study ended with ``code``, else what it said."""
    return [] if ended.code == code else [f"exit code {ended.code}, not {code}: {ended.said[-500:]}"]


def _die(study: Study, where: Where, events: list[Event], draw: random.Random, *, first: bool) -> tuple[str, Ended]:
    """Run the study into one death, drawn at random; return it in words, and how the run ended."""
    at = [
        index
        for index, event in enumerate(events)
        if Death(where.phases, where.targets).matches(event.phase, event.target)
    ]
    # A study that goes on has less before it than one that begins.
    within = at if first else at[: max(1, len(at) // 2)]
    if draw.random() < 0.5:
        count = draw.randrange(len(within)) + 1
        share = draw.choice([None, 0.0, draw.random()])
        cut = "" if share is None else f", a file cut to {share:.0%}"
        return f"at event {count}{cut}", study.run(Death(where.phases, where.targets, count, share))
    gaps = [max(1e-6, events[index + 1].seconds - events[index].seconds) for index in within if index + 1 < len(events)]
    chosen = draw.choices(range(len(gaps)), weights=gaps)[0]
    delay = draw.uniform(0, gaps[chosen])
    how = f"{delay:.3f} s after event {chosen + 1}"
    return how, study.run_until(Death(where.phases, where.targets, chosen + 1), delay)
