"""Leakage: counts and shares, and the recordings that are shared."""

from __future__ import annotations

import dataclasses

from harness.record import StudyRecord
from harness.report.evidence import gather
from harness.report.topics.split_leakage import leakage_table


def test_leakage_table_counts_and_shares(record: StudyRecord) -> None:
    table = leakage_table(gather(record).leakage)
    assert table.printed.iloc[1].tolist() == ["2", "40", "0 (0.0)", "0 (0.0)", "40", "10 (25.0)", "0 (0.0)"]
    assert "items (clips)" in table.caption


def test_unknown_recordings_are_said_to_be(record: StudyRecord) -> None:
    leakage = gather(record).leakage
    said = "leaks between recordings cannot be counted"
    assert said in leakage_table(leakage, recordings_known=False).caption
    assert said not in leakage_table(leakage).caption


def test_leakage_names_the_shared_recordings(record: StudyRecord) -> None:
    leakage = record.leakage.assign(recordings=[["106905"], [], ["180937"], [], []])
    table = leakage_table(gather(dataclasses.replace(record, leakage=leakage)).leakage)
    assert "Shared recordings of test and training: 106905, 180937." in table.caption
