"""ESC-50 and what is made of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.data.datasets.esc import CATEGORIES, ESC10_TARGETS
from harness.data.load_clips import read_inventory
from harness.errors import DataError


def test_esc10_labels_follow_the_order_of_targets(make_esc: Callable[..., Any]) -> None:
    made = make_esc(targets=(*ESC10_TARGETS, 7, 49), clips=1)
    inventory = read_inventory("esc10", made.root)
    assert inventory.classes == tuple(f"class{target}" for target in ESC10_TARGETS)
    assert len(inventory.entries) == 50
    for entry in inventory.entries:
        assert entry.label == ESC10_TARGETS.index(int(entry.clip_id.rsplit("-", 1)[1]))
        assert entry.recording == entry.clip_id.split("-")[1]
    assert inventory.absent == ()


def test_esc50_keeps_targets_and_categories_take_ten_each(make_esc: Callable[..., Any]) -> None:
    made = make_esc(targets=tuple(range(50)), clips=1)
    fifty, five = read_inventory("esc50", made.root), read_inventory("esc50-categories", made.root)
    assert fifty.classes == tuple(f"class{target}" for target in range(50))
    assert five.classes == CATEGORIES
    for one, other in zip(fifty.entries, five.entries, strict=True):
        assert one.label == int(one.clip_id.rsplit("-", 1)[1])
        assert other.label == one.label // 10
    assert fifty.counts() == ((1,) * 50,) * 5
    assert five.counts() == ((10,) * 5,) * 5
    assert sum(map(sum, fifty.expected)) == sum(map(sum, five.expected)) == 2000


def test_the_subset_lacks_classes_of_esc50(make_esc: Callable[..., Any]) -> None:
    made = make_esc(clips=1)
    for dataset in ("esc50", "esc50-categories"):
        absent = read_inventory(dataset, made.root).absent
        assert len(absent) == 40
        assert "target 2" in absent


def test_the_folder_name_of_the_archive_is_taken(make_esc: Callable[..., Any]) -> None:
    made = make_esc(clips=1, folder="ESC-50-master")
    assert read_inventory("esc10", made.root).folder.name == "ESC-50-master"


def test_a_root_without_the_data_set_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ESC-50 or ESC-50-master.*harness data fetch"):
        read_inventory("esc10", tmp_path)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("fold", 0, "row 4, column 'fold': received '0', expected an integer from 1 to 5"),
        ("fold", 6, "received '6'"),
        ("target", 50, "expected an integer from 0 to 49"),
        ("target", 1, "column 'target': received '1', expected 0, as in earlier rows"),
        ("category", "rooster", "column 'category': received 'rooster', expected 'class0'"),
        ("filename", "../1-100000-A-0.wav", "expected a plain file name"),
        ("src_file", "", "column 'src_file': received '', expected a value"),
        ("esc10", "maybe", "expected True or False"),
    ],
)
def test_faulty_rows_are_refused(make_esc: Callable[..., Any], column: str, value: object, said: str) -> None:
    made = make_esc(clips=4)
    made.rows[2][column] = value
    with pytest.raises(DataError) as raised:
        read_inventory("esc10", made.save())
    assert said in str(raised.value)
    assert str(made.metadata) in str(raised.value)


def test_a_clip_that_stands_twice_is_refused(make_esc: Callable[..., Any]) -> None:
    made = make_esc(clips=2)
    made.rows[1]["filename"] = made.rows[0]["filename"]
    with pytest.raises(DataError, match=r"row 3: clip '1-100000-A-0' is already listed in .*row 2"):
        read_inventory("esc10", made.save())


def test_an_esc10_flag_on_another_class_is_refused(make_esc: Callable[..., Any]) -> None:
    made = make_esc(targets=(*ESC10_TARGETS, 7), clips=1)
    for row in made.rows:
        row["esc10"] = True
    with pytest.raises(DataError, match="expected a target of ESC-10"):
        read_inventory("esc10", made.save())
