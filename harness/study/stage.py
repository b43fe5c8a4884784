"""A stage of a study: some of its arms, with those that they need, to be trained before the others."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from harness.errors import StudyError
from harness.study.arms import Arm
from harness.study.spec import StudySpec


def stage_of(spec: StudySpec, patterns: Sequence[str]) -> tuple[Arm, ...]:
    """Return the arms of ``spec`` whose names match one of ``patterns``, in the study's order, with the streams of
    fusions and the arms whose searches they use; all arms if there are no patterns.

    Parameters
    ----------
    spec : StudySpec
        The study.
    patterns : sequence of str
        Names of arms; ``*`` stands for any text and ``?`` for one character.

    Raises
    ------
    StudyError
        When a pattern matches no arm.
    """
    names = [arm.name for arm in spec.arms]
    wanted: set[str] = set() if patterns else set(names)
    for pattern in patterns:
        # A name may itself contain brackets, which are no pattern here.
        found = {name for name in names if fnmatchcase(name, pattern.replace("[", "[[]"))}
        if not found:
            raise StudyError(f"--arms {pattern}: no arm has such a name; allowed: {', '.join(names)}")
        wanted |= found
    # An arm that is needed may itself need another one: a fusion whose stream uses the search of a third arm.
    waiting = list(wanted)
    while waiting:
        arm = spec.arm(waiting.pop())
        needed = {*(arm.fuse or ()), *([arm.tuned_as] if arm.tuned_as else [])} - wanted
        wanted |= needed
        waiting += needed
    return tuple(arm for arm in spec.arms if arm.name in wanted)
