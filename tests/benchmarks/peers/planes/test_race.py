"""The race of planes: what is asked, what is counted, and the ratios within a round."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.peers.planes import ours, race
from harness.data.clips import ClipTable
from harness.features import compute
from tests.features.conftest import write_clips

__all__ = ["write_clips"]


def test_ratios_are_of_one_round_and_costs_of_one_clip() -> None:
    def taken(ours: float, theirs: float) -> dict[tuple[str, str, int, str], race.Taken]:
        return {
            ("chroma", "WAV", 2, "librosa"): race.Taken(theirs, 2 * theirs, 0),
            ("chroma", "WAV", 2, "harness"): race.Taken(ours, 2 * ours, 40),
        }

    made = race.summary([taken(1.0, 2.0), taken(3.0, 12.0), taken(2.0, 6.0)], clips=4)
    assert list(made["times_as_fast"]["chroma"]) == ["WAV, 2 processes, librosa"]
    assert made["times_as_fast"]["chroma"]["WAV, 2 processes, librosa"]["median"] == 3.0
    assert made["clips_a_second"]["chroma"]["WAV, 2 processes, harness"]["median"] == 2.0
    assert made["processor_milliseconds_a_clip"]["chroma"]["WAV, 2 processes, harness"]["median"] == 1000.0
    assert made["page_faults_a_clip"]["chroma"]["WAV, 2 processes, harness"]["median"] == 10.0


def test_the_harness_computes_clip_by_clip_as_its_cache_does(
    monkeypatch: pytest.MonkeyPatch, write_clips: Callable[..., ClipTable]
) -> None:
    sizes: list[int] = []
    real = compute.compute

    def counted(clips, *rest):  # type: ignore[no-untyped-def]
        sizes.append(len(clips))
        return real(clips, *rest)

    monkeypatch.setattr(compute, "compute", counted)
    ours.computed("LM", [str(path) for path in write_clips(3).frame["path"]])
    assert sizes == [1, 1, 1]


@pytest.mark.slow
def test_every_process_answers_with_what_its_clips_took(tmp_path: Path, write_clips: Callable[..., ClipTable]) -> None:
    paths = [str(path) for path in write_clips(3).frame["path"]]
    with race.Servers("harness", Path(sys.executable), 2, tmp_path) as servers:
        assert servers.planes == list(ours.SETS)
        servers.warm_up(paths[:1])
        one, both = (servers.compute("log-mel", paths, count) for count in (1, 2))
    for taken in (one, both):
        assert taken.seconds > 0
        assert 0 < taken.processor_seconds < 2 * taken.seconds
        assert taken.page_faults >= 0
