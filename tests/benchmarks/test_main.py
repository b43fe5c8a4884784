"""The command runs what is named, tells what it could not run, and leaves the results alone when it is quick."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import record, targets
from harness.errors import DataError


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace all benchmarks by three that note that they ran; one of them lacks its audio."""
    ran: list[str] = []

    def lacking() -> None:
        raise DataError("no audio here")

    def noting(name: str) -> command.Benchmark:
        def write(kind: str) -> None:
            ran.append(f"{name} {kind}")
            record.write(name, {"kind": kind})

        return command.Benchmark(lambda: write("full"), lambda: write("quick"), 1.0)

    made = {"one": noting("one"), "lacking": command.Benchmark(lacking, lacking, 1.0), "two": noting("two")}
    monkeypatch.setattr(command, "BENCHMARKS", made)
    return ran


def results_are_as_they_were(before: dict[str, bytes]) -> bool:
    return {path.name: path.read_bytes() for path in record.RESULTS.iterdir()} == before


def test_quick_runs_the_named_ones_and_writes_nothing(ran: list[str]) -> None:
    before = {path.name: path.read_bytes() for path in record.RESULTS.iterdir()}
    readme = targets.README.read_bytes()
    command.main(["two", "--quick"])
    assert ran == ["two quick"]
    assert results_are_as_they_were(before)
    assert targets.README.read_bytes() == readme


def test_what_cannot_run_costs_the_others_nothing_and_is_told_at_the_end(
    ran: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(targets, "README", None)
    with record.written_to(tmp_path), pytest.raises(SystemExit, match="not measured: lacking"):
        command.main([])
    assert ran == ["one full", "two full"]
    printed = capsys.readouterr().out
    assert "lacking: no audio here" in printed
    assert "== one (1 of 3, about 3 minutes to go)" in printed
    assert {"one.json", "two.json", "targets.tex"} <= {path.name for path in tmp_path.iterdir()}


def test_an_unknown_name_is_refused_before_anything_runs(ran: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["one", "three"])
    assert ended.value.code == 2
    assert "unknown benchmark 'three'; allowed: one, lacking, two, all, targets" in capsys.readouterr().err
    assert ran == []


def test_every_target_is_measured_by_a_benchmark_of_the_command() -> None:
    sources = {target.source.replace("_", "-") for target in targets.TARGETS}
    assert sources - {targets.GPU} <= set(command.BENCHMARKS)


def test_make_bench_takes_less_than_forty_minutes() -> None:
    assert sum(command.BENCHMARKS[name].minutes for name in command.chosen([])) < 40
    assert command.chosen(["all"]) == list(command.BENCHMARKS)
    assert command.chosen(["naive", "targets"]) == ["naive"]
