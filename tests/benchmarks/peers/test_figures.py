"""Ratios, memory and tables of the race with other programs, from made-up numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from benchmarks.peers import equality, verdict
from benchmarks.peers.family_memory import Member, Watch, family_bytes, member_of
from benchmarks.peers.planes.race import Taken, summary
from benchmarks.peers.race import ratios
from benchmarks.peers.tables import peers_table, plane_rows, planes_table, readme_block, verdict_table
from benchmarks.record import spread
from harness.study.study_file import load_study

MACHINE = {"machine": {"processor": "P", "cores": 2}, "versions": {"torch": "2.15.0"}}


def race(**networks: Any) -> dict[str, Any]:
    contestant = {"processes": 1, "threads_of_each": 2, "loader_workers": 2, "data": ""}
    return {
        **MACHINE,
        "contestants": {
            "harness": {**contestant, "versions": {}, "processes": 2, "threads_of_each": 1, "loader_workers": 0},
            "Lightning": {**contestant, "versions": {"lightning": "2.6.6", "torch": "2.15.0"}},
        },
        **networks,
    }


SU4 = {
    "batch": 32,
    "equal_numbers": {"largest_relative_difference": {"harness": 0.0, "Lightning": 2e-6}},
    "items_a_second": {"harness": spread([300.0] * 3), "Lightning": spread([200.0] * 3)},
    "ratios": {"harness / Lightning": spread([1.4, 1.5, 1.6])},
    "peak_megabytes": {"harness": 1500, "Lightning": 1200},
    "start_seconds": {"harness": 2.0, "Lightning": 5.25},
}


def test_speeds_are_compared_within_rounds() -> None:
    rounds = [{"harness": 4.0, "other": 2.0}, {"harness": 9.0, "other": 3.0}]
    assert ratios(rounds) == {"harness / other": {"n": 2, "median": 2.5, "min": 2.0, "max": 3.0}}


def test_a_family_counts_the_pages_of_files_once() -> None:
    members = [Member(own=500, files=300), Member(own=200, files=250)]
    assert family_bytes(members) == 500 + 200 + 300
    assert family_bytes([]) == 0


def test_the_kernel_s_tables_are_read_in_bytes() -> None:
    rollup = "aaa-bbb ---p 0 00:00 0 [rollup]\nRss: 9 kB\nPss_Anon: 5 kB\nPss_File: 3 kB\nPss_Shmem: 1 kB\n"
    assert member_of(rollup, "Name:\tpython\nRssAnon:\t 7 kB\nRssFile:\t   4 kB\n") == Member(6 * 1024, 4 * 1024)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_child_s_memory_belongs_to_the_family() -> None:
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    child = "x = bytearray(80_000_000); x[::4096] = b'a' * len(x[::4096]); import time; time.sleep(1.5)"
    process = subprocess.Popen([sys.executable, "-c", program, child])
    with Watch([process.pid], every=0.1) as watch:
        process.wait()
    assert len(watch.peak) == 2
    assert watch.peak[0].own > 80_000_000
    assert family_bytes(watch.peak) < family_bytes([*watch.peak, *watch.peak])
    assert os.getpid() != process.pid


def test_losses_are_compared_in_every_epoch_and_process() -> None:
    reference = [[2.0, 2.0], [1.0, 1.0]]
    assert equality.differences([[2.0], [1.0]], reference) == 0.0
    assert equality.differences([[2.0, 2.2], [1.0, 1.0]], reference) == pytest.approx(0.1)


def test_the_race_is_a_table_with_versions_and_ranges() -> None:
    made = peers_table(race(su4=SU4))
    assert made.printed["program"].tolist() == ["harness", "Lightning 2.6.6"]
    assert made.printed["processes"].tolist() == ["2 x 1 thread", "1 x 2 threads, 2 loader workers"]
    assert made.printed["su4: harness is"].tolist() == ["", "1.50 (1.40 to 1.60)"]
    assert "at most 2e-06" in made.caption


def test_planes_are_a_row_for_each_library_wins_and_losses_alike() -> None:
    rounds = [
        {
            ("log-mel", "WAV", 1, "harness"): Taken(2.0, 1.6, 80),
            ("log-mel", "WAV", 1, "librosa"): Taken(1.0 + k, 0.8, 0),
            ("log-mel", "WAV", 1, "b"): Taken(4.0, 4.0, 0),
        }
        for k in range(2)
    ]
    document = {**MACHINE, "clips": 8, "speechbrain": {"speechbrain": "1.1.2"}, **summary(rounds, clips=8)}
    assert document["clips_a_second"]["log-mel"]["WAV, 1 process, harness"]["median"] == 4.0
    assert document["processor_milliseconds_a_clip"]["log-mel"]["WAV, 1 process, harness"]["median"] == 200.0
    assert document["page_faults_a_clip"]["log-mel"]["WAV, 1 process, harness"]["max"] == 10.0
    assert plane_rows(document) == [
        {"plane": "log-mel", "library": "librosa", "WAV, 1 process": "0.75"},
        {"plane": "log-mel", "library": "b", "WAV, 1 process": "2.00"},
    ]
    assert planes_table(document).caption.count("2 rounds") == 1


def runs(*seconds: float, own: int) -> list[verdict.Watched]:
    return [verdict.Watched(each, [Member(own, 100)]) for each in seconds]


def test_the_study_of_five_folds_is_compared_run_by_run() -> None:
    found = verdict.summary({"harness": runs(50, 40, own=900), "autrainer": runs(100, 120, own=400)})
    assert found["ratios"]["autrainer / harness"] == {"n": 2, "median": 2.5, "min": 2.0, "max": 3.0}
    assert found["memory_ratios"]["harness / autrainer"]["median"] == 2.0
    versions = {"versions_of_peers": {"autrainer": "0.10.0"}}
    made = verdict_table({**MACHINE, "folds": 5, "epochs": 1, **versions, **found})
    assert made.printed["seconds"].tolist() == ["45", "110"]


def test_the_study_that_is_timed_is_valid(tmp_path: Any) -> None:
    path = tmp_path / "verdict.toml"
    path.write_text(verdict.study(1, (1, 2)), encoding="utf-8")
    spec = load_study(path)
    assert (spec.train.epochs, spec.data.folds, spec.arms[0].model) == (1, (1, 2), "su4")


def test_the_front_page_quotes_what_was_measured_and_nothing_else() -> None:
    assert readme_block({"peers": None}) == ""
    block = readme_block({"peers": race(su4=SU4)})
    assert "| Lightning 2.6.6 | 1 x 2 threads, 2 loader workers | 1.50 (1.40 to 1.60) | 1200 | 5.2 |" in block
    assert "P, 2 cores, torch 2.15.0" in block
    assert "planes" not in block
