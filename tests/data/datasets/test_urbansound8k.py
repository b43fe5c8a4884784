"""UrbanSound8K in its own layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.data.inventory import official_counts
from harness.data.load_clips import read_inventory
from harness.errors import DataError
from harness.registry import DATASETS

FOLD_TOTALS = [873, 888, 925, 990, 936, 823, 838, 806, 816, 837]
CLASS_TOTALS = [1000, 429, 1000, 1000, 1000, 1000, 374, 1000, 929, 1000]


def test_official_counts_add_up_to_the_published_totals() -> None:
    counts = official_counts(DATASETS.get("urbansound8k"))
    assert list(map(sum, counts)) == FOLD_TOTALS
    assert list(map(sum, zip(*counts, strict=True))) == CLASS_TOTALS
    assert sum(FOLD_TOTALS) == 8732


def test_esc_counts_are_eight_a_class_and_fold() -> None:
    assert official_counts(DATASETS.get("esc10")) == ((8,) * 10,) * 5
    assert official_counts(DATASETS.get("esc50")) == ((8,) * 50,) * 5
    assert official_counts(DATASETS.get("esc50-categories")) == ((80,) * 5,) * 5


def test_rows_become_entries_with_any_extension(make_urbansound: Callable[..., Path]) -> None:
    root = make_urbansound({1: (1,) * 10, 10: (2,) * 10}, extension=".ogg")
    inventory = read_inventory("urbansound8k", root)
    assert inventory.classes == tuple(f"class{label}" for label in range(10))
    assert list(map(sum, inventory.counts())) == [10, *[0] * 8, 20]
    entry = inventory.entries[-1]
    assert entry.path == root / "UrbanSound8K" / "audio" / "fold10" / "109000-9-0-1.ogg"
    assert (entry.clip_id, entry.recording, entry.label, entry.fold) == ("109000-9-0-1", "109000", 9, 10)
    assert entry.promised == pytest.approx(0.02)
    assert len(inventory.present()) == 30


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("10000-0-0-0.wav,10000,1.0,1.02,1,1,", "10000-0-0-0.wav,10000,1.0,1.02,1,11,", "from 1 to 10"),
        ("10000-0-0-0.wav,10000,", "10000-0-0-0.wav,ten,", "column 'fsID': received 'ten'"),
        ("10000-0-0-0.wav,10000,1.0,", "10000-0-0-0.wav,10000,7.0,", "expected at least the start time, 7.0"),
        ("slice_file_name", "file", "has no column 'slice_file_name'"),
        ("10000-0-0-0.wav", "../../10000-0-0-0.wav", "expected a plain file name"),
    ],
)
def test_faulty_rows_are_refused(make_urbansound: Callable[..., Path], old: str, new: str, said: str) -> None:
    root = make_urbansound({1: (1,) * 10})
    table = root / "UrbanSound8K" / "metadata" / "UrbanSound8K.csv"
    assert old in table.read_text()
    table.write_text(table.read_text().replace(old, new))
    with pytest.raises(DataError) as raised:
        read_inventory("urbansound8k", root)
    assert said in str(raised.value)


def test_a_root_without_the_data_set_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="harness data fetch urbansound8k"):
        read_inventory("urbansound8k", tmp_path)
