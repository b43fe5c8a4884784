"""From a study's data section to its clips: whole sets, named folds, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.data.clips import ClipTable
from harness.data.load_clips import load_clips, read_inventory, require_whole
from harness.errors import DataError
from harness.registry import UnknownNameError
from harness.study import DataSection

FOLD_1 = (100, 36, 100, 100, 100, 96, 35, 120, 86, 100)


def test_the_real_esc10(esc10: ClipTable) -> None:
    assert len(esc10) == 400
    assert esc10.classes == (
        "dog",
        "rooster",
        "rain",
        "sea_waves",
        "crackling_fire",
        "crying_baby",
        "sneezing",
        "clock_tick",
        "helicopter",
        "chainsaw",
    )
    assert esc10.folds == (1, 2, 3, 4, 5)
    assert esc10.frame.groupby(["fold", "label"]).size().tolist() == [8] * 50
    assert esc10.frame["recording"].nunique() == 304
    assert ((esc10.frame["duration"] - 5.0).abs() > 0.05).sum() == 6
    assert esc10.notes == ()
    order = esc10.frame[["fold", "clip_id"]]
    assert order.equals(order.sort_values(["fold", "clip_id"], ignore_index=True))


def test_the_real_folds_of_urbansound8k(urbansound: ClipTable) -> None:
    assert urbansound.frame.groupby("fold").size().to_dict() == {1: 873, 2: 888, 10: 837}
    assert urbansound.classes[0] == "air_conditioner"
    assert urbansound.classes[-1] == "street_music"
    assert urbansound.frame["duration"].max() <= 4.05
    assert urbansound.frame["duration"].median() == pytest.approx(4.0, abs=0.01)
    assert urbansound.notes == ()


def test_a_partial_set_is_refused_until_the_study_names_its_folds(urbansound_root: Path) -> None:
    with pytest.raises(DataError) as raised:
        load_clips(DataSection(dataset="urbansound8k"), urbansound_root)
    for words in ("2598 of 8732 clips", "Complete folds: 1, 2, 10", "fold 3 has 0 of 925", "data.folds = [1, 2, 10]"):
        assert words in str(raised.value)


def test_the_subset_is_not_esc50(esc_root: Path) -> None:
    if len(read_inventory("esc50", esc_root).entries) == 2000:
        pytest.skip("all of ESC-50 is present")
    for dataset in ("esc50", "esc50-categories"):
        for folds in (None, (1, 2, 3)):
            with pytest.raises(DataError, match=r"1600 are missing.*use data.dataset = 'esc10'"):
                load_clips(DataSection(dataset=dataset, folds=folds), esc_root)


def test_named_folds_alone_are_read(make_esc: Callable[..., Any]) -> None:
    made = make_esc()
    whole = load_clips(DataSection(dataset="esc10"), made.root)
    for clip in range(80):  # fold 1 is of no concern
        made.audio(clip).unlink()
    part = load_clips(DataSection(dataset="esc10", folds=(5, 2, 3)), made.root)
    assert part.folds == (2, 3, 5)
    assert part.notes == ()
    kept = whole.frame[whole.frame["fold"].isin((2, 3, 5))].reset_index(drop=True)
    assert part.frame.equals(kept)
    with pytest.raises(
        DataError, match=r"320 of 400 clips.*Complete folds: 2, 3, 4, 5; incomplete: fold 1 has 0 of 80"
    ):
        load_clips(DataSection(dataset="esc10"), made.root)


def test_a_missing_file_of_a_used_fold_is_an_error(make_esc: Callable[..., Any]) -> None:
    made = make_esc()
    made.audio(90).unlink()
    with pytest.raises(DataError) as raised:
        load_clips(DataSection(dataset="esc10", folds=(1, 2, 3)), made.root)
    for words in ("1 of 240 audio files are missing", str(made.audio(90)), "row 92"):
        assert words in str(raised.value)


def test_fewer_clips_in_a_named_fold_become_a_note(make_esc: Callable[..., Any]) -> None:
    made = make_esc()
    del made.rows[0]
    table = load_clips(DataSection(dataset="esc10", folds=(1, 2, 3)), made.save())
    assert len(table) == 239
    assert table.notes == ("fold 1 has 79 clips, the official release has 80",)
    with pytest.raises(DataError, match="fold 1 has 79 of 80"):
        load_clips(DataSection(dataset="esc10"), made.root)


def test_a_named_fold_that_is_not_there_is_an_error(make_esc: Callable[..., Any]) -> None:
    made = make_esc(folds=(1, 2, 3))
    with pytest.raises(DataError, match=r"no clips of fold 4, 5, which data.folds selects; available folds: 1, 2, 3"):
        load_clips(DataSection(dataset="esc10", folds=(3, 4, 5)), made.root)


def test_a_class_without_clips_in_the_used_folds_is_an_error(make_urbansound: Callable[..., Path]) -> None:
    some = (1,) * 10
    root = make_urbansound({1: (1,) * 9 + (0,), 2: (1,) * 9 + (0,), 3: (1,) * 9 + (0,), 4: some})
    with pytest.raises(DataError, match=r"no clips of class 'class9' in folds 1, 2, 3"):
        load_clips(DataSection(dataset="urbansound8k", folds=(1, 2, 3)), root)
    assert len(load_clips(DataSection(dataset="urbansound8k", folds=(1, 2, 3, 4)), root)) == 37


def test_too_few_folds_to_name_lead_to_fetching(make_urbansound: Callable[..., Path]) -> None:
    root = make_urbansound({1: FOLD_1})
    with pytest.raises(DataError, match="A study needs at least 3 folds: run `harness data fetch urbansound8k`"):
        load_clips(DataSection(dataset="urbansound8k"), root)


def test_the_whole_esc50_loads_as_all_three(make_esc: Callable[..., Any]) -> None:
    made = make_esc(targets=tuple(range(50)), seconds=0.002)
    sizes = {}
    for dataset in ("esc10", "esc50", "esc50-categories"):
        require_whole(read_inventory(dataset, made.root))
        table = load_clips(DataSection(dataset=dataset), made.root)
        sizes[dataset] = (len(table), len(table.classes), int(table.frame["label"].max()))
        assert np.unique(np.bincount(table.frame["label"])).size == 1
    assert sizes == {"esc10": (400, 10, 9), "esc50": (2000, 50, 49), "esc50-categories": (2000, 5, 4)}


def test_an_unknown_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown data set 'esc51'; allowed: .*esc10, esc50, esc50-categories"):
        read_inventory("esc51", tmp_path)
