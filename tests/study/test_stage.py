"""stage_of: the arms that are named, in the study's order, with all that they need."""

from __future__ import annotations

import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from harness.errors import StudyError
from harness.study import StudySpec, load_study, stage_of
from harness.study.study_file import parse_study

STUDIES = Path(__file__).parents[2] / "studies"


@pytest.fixture
def spec() -> StudySpec:
    arms = [
        {"name": "A", "model": "su4", "features": "LM"},
        {"name": "A-6", "model": "su6", "features": "LM", "tuned_as": "A"},
        {"name": "B (own)", "model": "su4", "features": "MFCC", "search": False},
        {"name": "C", "model": "su4", "features": "chroma", "seed_of": "A"},
        {"name": "fused", "fuse": ["A-6", "B (own)"], "rule": "mean"},
    ]
    return parse_study({"study": {"name": "s"}, "data": {"dataset": "esc10"}, "arms": arms}, "s.toml")


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ((), ["A", "A-6", "B (own)", "C", "fused"]),
        (("A",), ["A"]),
        (("A*",), ["A", "A-6"]),
        (("C", "B (own)"), ["B (own)", "C"]),
        # The values of the search of A are those of A-6; random numbers are no dependency.
        (("A-?",), ["A", "A-6"]),
        (("C",), ["C"]),
        # The fusion needs its streams, and one of these the search of A.
        (("fused",), ["A", "A-6", "B (own)", "fused"]),
    ],
)
def test_a_stage_has_what_its_arms_need(spec: StudySpec, patterns: tuple[str, ...], expected: list[str]) -> None:
    assert [arm.name for arm in stage_of(spec, patterns)] == expected


@pytest.mark.parametrize("pattern", ["D", "a", "", "[A]", "A-6 "])
def test_a_name_that_no_arm_has_is_refused(spec: StudySpec, pattern: str) -> None:
    with pytest.raises(StudyError, match=r"no arm has such a name; allowed: A, A-6, B \(own\), C, fused"):
        stage_of(spec, ["A", pattern])


def stage_commands() -> list[tuple[str, list[str]]]:
    """Return the commands with --arms of the pages and studies in studies/, as study and words."""
    found = []
    for path in sorted((*STUDIES.glob("*.md"), *STUDIES.glob("*.toml"))):
        for line in path.read_text(encoding="utf-8").splitlines():
            if "--arms" in line and line.startswith(("    harness ", "#   harness ")):
                words = shlex.split(line.removeprefix("#"), comments=True)
                found.append((Path(words[2]).stem, words))
    return found


def test_the_stages_that_pages_and_studies_name_exist() -> None:
    commands = stage_commands()
    assert len(commands) >= 15
    assert {"protocols-esc50", "su2019-esc50", "resnet18-esc50-categories"} <= {study for study, _ in commands}
    for study, words in commands:
        given = {name: [after for before, after in pairwise(words) if before == name] for name in ("--arms", "--set")}
        spec = load_study(STUDIES / f"{study}.toml", given["--set"])
        assert stage_of(spec, given["--arms"])
