"""Hard clips: which are listed, how many there are, when there is no table, and their counts by class."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from harness.comparisons.missed_clips import HardClips
from harness.record import StudyRecord
from harness.report.evidence import Evidence, gather
from harness.report.topics import hard_clips
from harness.report.topics.hard_clips import MOST_LISTED, hard_clip_figure
from tests.report.sections import figures, tables
from tests.report.tidy import assert_tidy, texts


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
    (table,) = tables(hard_clips.sections, with_clips(evidence, 100, []))
    assert table.name == "missed-clips"
    assert len(table.printed) == MOST_LISTED
    assert table.printed.iloc[0].tolist() == ["r49", "c099", "dog", "rain", "2", "98", "1"]
    assert len(table.data) == 100
    assert "100 of 2,000 tested clips, by recording. A row is a recording: 30 of 50 are listed." in table.caption


def test_recordings_with_most_missed_clips_come_first(evidence: Evidence) -> None:
    hard = with_clips(evidence, 6, [])
    table = hard.clips.missed_by_all.assign(recording=["a", "b", "b", "b", "c", "c"])
    hard = dataclasses.replace(hard, clips=dataclasses.replace(hard.clips, missed_by_all=table))
    (made,) = tables(hard_clips.sections, hard)
    assert made.printed[["Recording", "Clips"]].to_numpy().tolist() == [["b", "3"], ["c", "2"], ["a", "1"]]


def test_one_fusion_is_named_in_the_caption_and_several_in_a_column(evidence: Evidence) -> None:
    (one,) = tables(hard_clips.sections, with_clips(evidence, 0, ["F"]))
    assert "Clips that F classified correctly" in one.caption
    assert "1 case among" in one.caption
    (two,) = tables(hard_clips.sections, with_clips(evidence, 0, ["F", "G"]))
    assert two.printed["Fusion"].tolist() == ["F", "G"]


def test_the_misses_of_a_single_arm_are_no_hard_clips(small: StudyRecord) -> None:
    evidence = gather(small)
    assert len(evidence.clips.missed_by_all) > 0
    assert tables(hard_clips.sections, evidence) == []
    assert figures(hard_clips.sections, evidence) == []


CLASSES = ["dog", "rain", "A_b & $x$", "siren"]


def clips_of(missed: list[str], only: list[tuple[str, str]]) -> HardClips:
    """Return clips of the given classes; ``only`` holds pairs of a clip and its class."""
    fusion = pd.DataFrame([(1, clip, name) for clip, name in only], columns=["fold", "clip_id", "class"])
    return HardClips(pd.DataFrame({"class": missed}, dtype=object), fusion, 99)


@pytest.mark.usefixtures("styled")
def test_counts_by_class_without_empty_ones() -> None:
    figure = hard_clip_figure(clips_of(["dog", "dog", "A_b & $x$"], [("a", "siren")]), CLASSES, fusion=True)
    assert figure is not None
    assert_tidy(figure)
    missed, rescued = ([bar.get_width() for bar in axes.patches] for axes in figure.axes)
    assert (missed, rescued) == ([2, 1, 0], [0, 0, 1])
    assert "rain" not in [text for text, _ in texts(figure)]


@pytest.mark.usefixtures("styled")
def test_a_clip_that_two_fusions_get_right_counts_once() -> None:
    figure = hard_clip_figure(clips_of([], [("a", "dog"), ("a", "dog"), ("b", "dog")]), CLASSES, fusion=True)
    assert figure is not None
    assert [bar.get_width() for bar in figure.axes[1].patches] == [2]


@pytest.mark.usefixtures("styled")
def test_without_fusion_one_panel_and_without_clips_none() -> None:
    figure = hard_clip_figure(clips_of(["dog"], []), CLASSES, fusion=False)
    assert figure is not None
    assert len(figure.axes) == 1
    assert hard_clip_figure(clips_of([], []), CLASSES, fusion=True) is None


@pytest.mark.usefixtures("styled")
def test_fifty_classes_fit_a_page() -> None:
    names = [f"a class with a rather long name {number}" for number in range(40)]
    figure = hard_clip_figure(clips_of(names, []), names, fusion=True)
    assert figure is not None
    assert_tidy(figure)
    assert figure.get_figheight() < 9.3
