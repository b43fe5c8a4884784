"""Numbers in the README come from committed predictions; its commands exist."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from benchmarks.targets import documents, rows_of
from harness.claims import load_library
from harness.claims.audit.checks import audit
from harness.claims.audit.tables import audit_json
from harness.cli import cli
from harness.terminal.progress import duration
from tests.reports.committed import STUDIES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "studies/README.md",
    "studies/bring-your-own.md",
    "studies/claims.md",
    "studies/compare.md",
    "benchmarks/README.md",
    "reports/README.md",
)


@pytest.fixture(params=DOCUMENTS)
def document(request: pytest.FixtureRequest) -> tuple[Path, str]:
    """Return a document's folder and text."""
    path = ROOT / request.param
    return path.parent, path.read_text(encoding="utf-8")


def results_of(study: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "reports" / study / "results.json").read_text(encoding="utf-8"))
    return found


def test_the_results_name_command_folds_and_time_of_every_report() -> None:
    rows = re.findall(r"^\| \[([\w-]+)\]\((\S+)\)[^|]* \| `(.+?)` \| (\d+) of (\d+) \| (.+?) \|$", README, flags=re.M)
    assert sorted(row[0] for row in rows) == STUDIES
    cpus = []
    for study, link, command, tested, official, time in rows:
        results = results_of(study)
        assert link in (f"reports/{study}/README.md", f"reports/{study}/report.pdf")
        # Where the audio is, each reader says.
        assert command == results["command"].replace(" --data-root DIR", "")
        assert shlex.split(command)[:2] == ["harness", "run-study"]
        assert int(tested) == len(results["protocol"]["tested_folds"])
        assert int(official) == len(results["protocol"]["official_folds"])
        assert time == duration(results["study"]["seconds"])
        hardware = results["environment"]["hardware"]
        assert (hardware["cores_usable"], hardware["gpus"]) == (2, [])
        cpus.append(hardware["cpu"])
    others = r"for the last and\s+those\s+of `protocols-esc50` and `shortcut-esc50` of an Intel\s+Xeon"
    assert re.search(rf"two cores of an AMD EPYC, {others}", README)
    intel = {rows[-1][0], "protocols-esc50", "shortcut-esc50"}
    for row, cpu in zip(rows, cpus, strict=True):
        assert cpu.startswith("Intel(R) Xeon(R)" if row[0] in intel else "AMD EPYC")


def test_every_command_exists(document: tuple[Path, str]) -> None:
    commands = re.findall(r"^ {4}harness (.+?)(?:\s+#.*)?$", document[1], flags=re.MULTILINE)
    for command in commands:
        words = command.split()
        found = cli.commands[words[0]]
        if hasattr(found, "commands"):
            found = found.commands[words[1]]
        options = {option for parameter in found.params for option in parameter.opts}
        for word in words:
            if word.startswith("--"):
                assert word in options, command


def test_every_study_and_file_that_is_named_is_there(document: tuple[Path, str]) -> None:
    folder, text = document
    for study in re.findall(r"studies/([\w-]+\.toml)", text) + re.findall(r"^\| `([\w-]+\.toml)`", text, re.M):
        assert (ROOT / "studies" / study).is_file(), study
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (folder / target).is_file(), target


def test_the_speed_that_is_named_first_is_the_measured_one() -> None:
    ratios = {row["target"]: row["measured"] for row in rows_of(documents())}
    found = re.search(
        r"trains ([\d.]+) times as fast as a plain float32 loop with a DataLoader \(bfloat16; ([\d.]+) in", README
    )
    assert found is not None
    assert found.groups() == tuple(
        ratios[f"training, {precision}: times the naive float32 loop"] for precision in ("bfloat16", "float32")
    )


def test_the_rates_of_false_findings_are_those_of_the_calibration() -> None:
    rates = json.loads((ROOT / "benchmarks" / "results" / "calibration.json").read_text(encoding="utf-8"))["rates"]
    null = [row for row in rates if row["true_difference"] == 0]
    found = re.search(
        r"finds one in ([\d.]+) to ([\d.]+) % of studies and\s+the naive t-test in ([\d.]+) to ([\d.]+) %", README
    )
    assert found is not None
    said = [float(value) for value in found.groups()]
    for test, (low, high) in (("corrected", said[:2]), ("naive", said[2:])):
        either = [100 * row[f"{test}_either"]["rate"] for row in null]
        assert [f"{min(either):.1f}", f"{max(either):.1f}"] == [f"{low:.1f}", f"{high:.1f}"]


def test_the_rates_of_claims_that_are_means_over_folds_are_those_of_the_calibration() -> None:
    rows = json.loads((ROOT / "benchmarks" / "results" / "calibration.json").read_text(encoding="utf-8"))["claim_rates"]
    rates = {(row["design"], row["folds"], row["use"]): 100 * row["found"]["rate"] for row in rows}
    designs = ("10 folds", "5 folds", "3 folds", "3 of 10 folds")
    rate = r"([\d.]+) % "
    words = rf"to differ in {rate}of studies \(10 folds\), {rate}\(5\), {rate}\(3\) and {rate}\(3 of 10\)"
    exact = re.search(words.replace(" ", r"\s+"), README)
    assert exact is not None
    assert exact.groups() == tuple(f"{rates[design, 'others', 'exact']:.1f}" for design in designs)
    measured = re.search(r"\(([\d.]+) % each, at most ([\d.]+) % where", README)
    assert measured is not None
    assert {f"{rates[design, 'others', 'measured SD']:.1f}" for design in designs} == {measured[1]}
    assert f"{max(rates[design, 'the same', 'measured SD'] for design in designs):.1f}" == measured[2]


def test_the_committed_audit_is_what_the_claims_file_gives_now() -> None:
    committed = json.loads((ROOT / "reports" / "audit-su2019" / "audit.json").read_text(encoding="utf-8"))
    assert committed == json.loads(json.dumps(audit_json(audit(load_library().paper("su2019")))))
