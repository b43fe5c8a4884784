"""Tables of hard clips: which are listed, how many there are, and when there is no table."""

from __future__ import annotations

import dataclasses

import pandas as pd

from harness.comparisons.missed_clips import HardClips
from harness.record import StudyRecord
from harness.report.clip_tables import MOST_LISTED, clip_tables
from harness.report.evidence import Evidence, gather


def with_clips(evidence: Evidence, missed: int, only: list[str]) -> Evidence:
    """Return ``evidence`` with as many missed clips, and one clip for each fusion in ``only``."""
    rows = [
        {"clip_id": f"c{number:03d}", "recording": f"r{number // 2}", "fold": 1, "class": "dog", "predicted": "rain"}
        for number in range(max(missed, len(only)))
    ]
    table = pd.DataFrame(rows[:missed]).assign(share=[number / 100 for number in range(missed)], tests=8)
    fusion = pd.DataFrame(rows[: len(only)], columns=["clip_id", "recording", "fold", "class", "predicted"])
    return dataclasses.replace(evidence, clips=HardClips(table, fusion.assign(arm=only), 2000))


def test_missed_clips_most_agreed_first_and_the_rest_counted(evidence: Evidence) -> None:
    (table,) = clip_tables(with_clips(evidence, 100, []))
    assert table.name == "missed-clips"
    assert len(table.printed) == MOST_LISTED
    assert table.printed.iloc[0].tolist() == ["r49", "c099", "dog", "rain", "2", "98", "1"]
    assert len(table.data) == 100
    assert "100 of 2,000 tested clips, by recording. A row is a recording: 30 of 50 are listed." in table.caption


def test_recordings_with_most_missed_clips_come_first(evidence: Evidence) -> None:
    clips = with_clips(evidence, 6, [])
    table = clips.clips.missed_by_all.assign(recording=["a", "b", "b", "b", "c", "c"])
    hard = dataclasses.replace(clips, clips=dataclasses.replace(clips.clips, missed_by_all=table))
    (made,) = clip_tables(hard)
    assert made.printed[["Recording", "Clips"]].to_numpy().tolist() == [["b", "3"], ["c", "2"], ["a", "1"]]


def test_one_fusion_is_named_in_the_caption_and_several_in_a_column(evidence: Evidence) -> None:
    (one,) = clip_tables(with_clips(evidence, 0, ["F"]))
    assert "Clips that F classed correctly" in one.caption
    assert "1 case among" in one.caption
    (two,) = clip_tables(with_clips(evidence, 0, ["F", "G"]))
    assert two.printed["Fusion"].tolist() == ["F", "G"]


def test_the_misses_of_a_single_arm_are_no_hard_clips(small: StudyRecord) -> None:
    evidence = gather(small)
    assert len(evidence.clips.missed_by_all) > 0
    assert clip_tables(evidence) == []
