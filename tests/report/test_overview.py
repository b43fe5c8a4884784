"""Several reports in one figure and one table, read from their results.json alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.errors import ReportError
from harness.report.evidence import gather
from harness.report.folder.place import MANIFEST
from harness.report.overview import overview, read_report, write_overview
from harness.report.results import results_json
from harness.text.decimals import decimals
from tests.comparisons.test_protocols import CHOSEN, SHUFFLED, STRICT, record_of
from tests.records import build_record


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return reports of one study on two data sets, of the second with some folds only."""
    base = tmp_path_factory.mktemp("reports")
    made = json.loads(results_json(gather(record_of(compare=[("piczak2015cnn:ESC-10/CNN", STRICT)]))))
    found = []
    for dataset, partial in (("esc10", False), ("urbansound8k", True)):
        folder = base / dataset
        folder.mkdir()
        made["data"]["dataset"] = dataset
        made["protocol"] |= {"partial": partial, "official_folds": list(range(1, 11))}
        (folder / "results.json").write_text(json.dumps(made), encoding="utf-8")
        found.append(folder)
    return found


def test_each_network_stands_under_its_data_set_with_every_protocol(folders: list[Path]) -> None:
    reports = [read_report(folder) for folder in folders]
    tested = len(reports[1].effects[0].folds)
    assert [report.title for report in reports] == ["ESC-10", f"UrbanSound8K ({tested} of 10 folds)"]
    table, markdown, effects, published = overview(reports)
    assert [each.arm.partition(",")[0] for each in effects] == [STRICT, SHUFFLED, CHOSEN] * 2
    assert table.rules == (3,)
    assert published[f"{STRICT}, ESC-10"] == ((80.25, "80.25 (reference)"),)
    mean = {each.arm: decimals(each.mean, 1) for each in effects}
    strict, shuffled, chosen = (mean[f"{arm}, ESC-10"] for arm in (STRICT, SHUFFLED, CHOSEN))
    assert f"| {STRICT}, ESC-10 | {strict} → {chosen} | {shuffled} | 80.25 (reference) |" in markdown
    assert "epoch: last → best on test" in markdown
    assert "(reference): the accuracy of another system" in markdown
    assert "(reference): the accuracy of another system" in table.caption


def test_the_caption_says_what_a_single_test_part_is_compared_by(folders: list[Path]) -> None:
    reports = [read_report(folder) for folder in folders]
    assert "n = 1" not in overview(reports)[0].caption
    strict, shuffled, *rest = reports[0].effects
    single = replace(shuffled, folds={1: shuffled.folds[1]})
    caption = overview([replace(reports[0], effects=[strict, single, *rest])])[0].caption
    assert "An arm with one test part (n = 1) has its shift on the clips that both tested" in caption


def test_the_files_are_written_and_written_again_alike(folders: list[Path], tmp_path: Path) -> None:
    files = write_overview(folders, tmp_path / "out")
    first = {path.name: path.read_bytes() for path in files.folder.iterdir()}
    kinds = ("html", "pdf", "png", "tex", "csv", "md")
    assert set(first) == {MANIFEST, *(f"protocols.{kind}" for kind in kinds)}
    write_overview(folders, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in files.folder.iterdir()} == first
    table = pd.read_csv(tmp_path / "out" / "protocols.csv")
    effects = [each for folder in folders for each in read_report(folder).effects]
    assert table["mean"].tolist() == pytest.approx([each.mean for each in effects])
    assert table["published"].dropna().tolist() == ["80.25 (reference)"] * 2
    assert "80.25" in (tmp_path / "out" / "protocols.tex").read_text(encoding="utf-8")
    page = (tmp_path / "out" / "protocols.html").read_text(encoding="utf-8")
    assert '<svg class="plot"' in page
    assert page.count("<tr") - 2 == len(effects)


def test_some_networks_may_be_shown_alone(folders: list[Path], tmp_path: Path) -> None:
    run = CliRunner().invoke(
        cli, ["overview", *map(str, folders), "--output", str(tmp_path / "out"), "--network", STRICT]
    )
    assert run.exit_code == 0, run.output
    assert "protocols.png" in run.output
    wrong = CliRunner().invoke(cli, ["overview", str(folders[0]), "--output", str(tmp_path), "--network", "TSCNN"])
    assert wrong.exit_code == 2
    assert "TSCNN: no study has it" in wrong.output
    assert f"{STRICT}, ESC-10" in wrong.output


def test_what_is_no_report_of_protocols_is_told(folders: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="no such file"):
        read_report(tmp_path)
    (tmp_path / "results.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ReportError, match="not the report of a study"):
        read_report(tmp_path)
    (tmp_path / "results.json").write_bytes(results_json(gather(build_record())))
    with pytest.raises(ReportError, match="has the same protocol, so there is nothing to compare"):
        read_report(tmp_path)
    older = json.loads((folders[0] / "results.json").read_text("utf-8")) | {"schema": 2}
    (tmp_path / "results.json").write_text(json.dumps(older), encoding="utf-8")
    with pytest.raises(ReportError, match="schema is 2"):
        read_report(tmp_path)


def test_intervals_of_one_table_have_one_confidence(folders: list[Path]) -> None:
    reports = [read_report(folder) for folder in folders]
    wide = [replace(report, confidence=0.9) for report in reports]
    assert "Recordings: 90 % bootstrap interval" in overview(wide)[0].caption
    with pytest.raises(ReportError, match=r"several confidences .*90 %.*evaluate.confidence"):
        overview([wide[0], replace(reports[1], study="other")])


def test_a_study_s_own_report_is_not_written_over(folders: list[Path]) -> None:
    with pytest.raises(ReportError, match="contains the report of a study"):
        write_overview(folders, folders[0])
