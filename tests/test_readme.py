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
from harness.claims.audit import audit
from harness.cli import cli
from harness.progress import duration
from harness.report.audit import audit_json
from harness.report.wording import percent

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = ("README.md", "studies/README.md", "benchmarks/README.md", "CONTRIBUTING.md")


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
    studies = sorted(path.parent.name for path in (ROOT / "reports").glob("*/results.json"))
    assert sorted(row[0] for row in rows) == studies
    for study, link, command, tested, official, time in rows:
        results = results_of(study)
        assert link in (f"reports/{study}/README.md", f"reports/{study}/report.pdf")
        assert command == results["command"]
        assert shlex.split(command)[:2] == ["harness", "run-study"]
        assert int(tested) == len(results["protocol"]["tested_folds"])
        assert int(official) == len(results["protocol"]["official_folds"])
        assert time == duration(results["study"]["seconds"])
        hardware = results["environment"]["hardware"]
        assert (hardware["cpu"], hardware["cores_usable"], hardware["gpus"]) == ("AMD EPYC", 2, [])


def told(pattern: str) -> tuple[str, ...]:
    """Return the groups of ``pattern`` in the README, whose words may stand on several lines."""
    found = re.search(re.sub(r" +", r"\\s+", pattern), README, flags=re.DOTALL)
    assert found is not None, pattern
    return found.groups()


def accuracy(study: str, arm: str) -> float:
    (own,) = [each for each in results_of(study)["arms"] if each["name"] == arm]
    return float(own["mean"]["macro_accuracy"])


def mean(study: str, arm: str) -> str:
    """Return an arm's mean macro accuracy as it is printed."""
    return percent(accuracy(study, arm))


def pair(study: str, first: str, second: str) -> dict[str, Any]:
    pairs = results_of(study)["contrasts"]["pairs"]
    (own,) = [each for each in pairs if (each["first"], each["second"]) == (first, second)]
    return own


SPLITS = ("", " random-clip", " random-segment")
NUMBER = r"([\d.]+)"


def test_the_finding_about_the_split() -> None:
    urban, esc = "protocols-urbansound8k", "protocols-esc10"
    found = told(f"TSCNN-DS reaches {NUMBER} % on clips .*? never saw, {NUMBER} % when .*? folds, and {NUMBER} % when")
    assert found == tuple(mean(urban, f"TSCNN-DS{split}") for split in SPLITS)
    found = told(f"On ESC-10 shuffled clips and segments move it from {NUMBER} to {NUMBER} and {NUMBER} %")
    assert found == tuple(mean(esc, f"TSCNN-DS{split}") for split in SPLITS)
    shared = []
    for study in (urban, esc):
        parts = [each for each in results_of(study)["leakage"] if each["protocol"] == "random-clip"]
        test, both = (sum(each[name] for each in parts) for name in ("n_test", "n_test_sharing_recording"))
        shared.append(f"{100 * both / test:.0f}")
    assert told(r"a recording of (\d+) % of UrbanSound8K's .*? and of (\d+) % of ESC-10's") == tuple(shared)
    arms = [(study, f"TSCNN-DS{split}") for study in (urban, esc) for split in SPLITS]
    shifts = [100 * (accuracy(study, f"{arm} best-on-test") - accuracy(study, arm)) for study, arm in arms]
    assert told(f"best on the test fold adds at most {NUMBER} points") == (f"{max(shifts):.1f}",)


def test_the_limits_of_that_finding() -> None:
    study = "protocols-urbansound8k"
    shift = pair(study, "TSCNN-DS random-segment", "TSCNN-DS")
    drawn = shift["bootstrap"]
    found = told(r"lift these networks by some (\d+) points \((\d+) to (\d+) by")
    assert found == tuple(f"{value:.0f}" for value in (shift["mean"], drawn["low"], drawn["high"]))
    assert 97.2 - 100 * accuracy(study, "TSCNN-DS random-segment") < 1
    smallest = min(each["p_holm"] for each in results_of(study)["contrasts"]["pairs"] if each["in_family"])
    assert told(rf"adjustment \(smallest p {NUMBER}\)") == (f"{smallest:.2f}",)


def test_the_finding_about_the_fusion() -> None:
    study = "su2019-esc10"
    found = told(f"TSCNN-DS reaches {NUMBER} %, LMCNet alone {NUMBER} % .*? two streams {NUMBER} %; of")
    assert found == tuple(mean(study, arm) for arm in ("TSCNN-DS", "LMCNet", "TSCNN mean"))
    over = pair(study, "TSCNN-DS", "LMCNet")
    found = told(rf"\({NUMBER} points less, 95 % interval -{NUMBER} to {NUMBER}\)")
    assert found == tuple(f"{value:.1f}" for value in (over["mean"], -over["interval"][0], over["interval"][1]))
    clips = over["mcnemar"]
    found = told(r"of (\d+) clips the fusion gets (\d+) right that LMCNet misses, and misses (\d+) that")
    assert found == (str(results_of(study)["data"]["n_clips"]), str(clips["only_first"]), str(clips["only_second"]))
    below = pair(study, "TSCNN-DS", "MCNet")
    found = told(rf"Only MCNet, {NUMBER} points below, is told apart \(p {NUMBER} after Holm over seven pairs\)")
    assert found == (f"{below['mean']:.1f}", f"{below['p_holm']:.3f}")
    family = [each for each in results_of(study)["contrasts"]["pairs"] if each["in_family"]]
    assert len(family) == 7
    assert [(each["second"]) for each in family if each["p_holm"] < 0.05] == ["MCNet"]


DEPTHS = ("", "-6", "-8")


def test_the_finding_about_depth() -> None:
    study = "norm-statistics-esc10"
    found = told(f"LMCNet falls from {NUMBER} % with 4 layers to {NUMBER} with 6 and {NUMBER} with 8,")
    assert found == tuple(mean(study, f"LMCNet{depth}") for depth in DEPTHS)
    assert told(f"MCNet from {NUMBER} to {NUMBER} and {NUMBER}, as") == tuple(
        mean(study, f"MCNet{depth}") for depth in DEPTHS
    )
    found = told(f"same weights reach {NUMBER}, {NUMBER} and {NUMBER} %, and {NUMBER}, {NUMBER} and {NUMBER} %:")
    assert found == tuple(mean(study, f"{net}{depth} re-estimated") for net in ("LMCNet", "MCNet") for depth in DEPTHS)
    claims = load_library()
    found = told(rf"on UrbanSound8K \({NUMBER}, {NUMBER} and {NUMBER}; {NUMBER}, {NUMBER} and {NUMBER}\)")
    assert found == tuple(
        str(claims.claim(f"su2019:{table}/{net}").printed.value)
        for net in ("LMCNet", "MCNet")
        for table in ("T2", "T4", "T5")
    )


def test_the_limits_of_that_one() -> None:
    study = "norm-statistics-esc10"
    gains = [pair(study, f"{net}-8 re-estimated", f"{net}-8") for net in ("LMCNet", "MCNet")]
    assert told(f"8-layer networks, {NUMBER} and {NUMBER} points") == tuple(f"{each['mean']:.1f}" for each in gains)
    found = told(rf"over recordings \({NUMBER} to {NUMBER} and {NUMBER} to {NUMBER}\), but")
    assert found == tuple(f"{each['bootstrap'][end]:.1f}" for each in gains for end in ("low", "high"))
    family = [each for each in results_of(study)["contrasts"]["pairs"] if each["in_family"]]
    assert len(family) == 13
    smallest = min(each["p_holm"] for each in family)
    assert told(rf"settled over five folds \(smallest p {NUMBER}\)") == (f"{smallest:.2f}",)
    assert {arm["n_seeds"][1] for arm in results_of(study)["arms"]} == {1}
    # With what the search of the other study chose.
    tuned = "su2019-esc10"
    assert told(f"MCNet falls to {NUMBER} and {NUMBER} %") == tuple(
        mean(tuned, f"MCNet{depth}") for depth in DEPTHS[1:]
    )
    # Of the training itself the report keeps this sentence.
    (mark,) = [each for each in results_of(tuned)["marks"] if each.startswith("Near guessing")]
    learnt = re.search(r"MCNet-8 [\d.]+ % \(in training ([\d.]+) %", mark)
    assert learnt is not None
    assert told(r"classes (\d+) % of its training segments right") == (f"{float(learnt[1]):.0f}",)


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
        r"trains ([\d.]+) times as fast as the loop of earlier replications \(bfloat16; ([\d.]+) in", README
    )
    assert found is not None
    assert found.groups() == tuple(
        ratios[f"training, {precision}: times the naive float32 loop"] for precision in ("bfloat16", "float32")
    )


def test_the_rates_of_false_findings_are_those_of_the_calibration() -> None:
    rates = json.loads((ROOT / "benchmarks" / "results" / "calibration.json").read_text(encoding="utf-8"))["rates"]
    null = [row for row in rates if row["true_difference"] == 0]
    found = re.search(
        r"finds one in ([\d.]+) to ([\d.]+) % of\s+studies and the naive t-test in ([\d.]+) to ([\d.]+) %", README
    )
    assert found is not None
    said = [float(value) for value in found.groups()]
    for test, (low, high) in (("corrected", said[:2]), ("naive", said[2:])):
        either = [100 * row[f"{test}_either"]["rate"] for row in null]
        assert [f"{min(either):.1f}", f"{max(either):.1f}"] == [f"{low:.1f}", f"{high:.1f}"]


def test_the_committed_audit_is_what_the_claims_file_gives_now() -> None:
    committed = json.loads((ROOT / "reports" / "audit-su2019" / "audit.json").read_text(encoding="utf-8"))
    assert committed == json.loads(json.dumps(audit_json(audit(load_library().paper("su2019")))))
