"""Copies of the official data sets in other layouts are found, named, and read where that is safe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.data.dataset_check import check_dataset
from harness.data.findings import Kind
from harness.data.load_clips import load_clips, read_inventory
from harness.errors import DataError
from harness.study import DataSection

COUNTS = {1: (2,) * 10, 2: (1,) * 10, 3: (1,) * 10}


def _kaggles(root: Path, folder: Path) -> None:
    """Arrange UrbanSound8K below ``root`` as Kaggle does, in ``folder``."""
    (root / "UrbanSound8K").rename(root / "old")
    folder.mkdir(parents=True, exist_ok=True)
    (root / "old" / "metadata" / "UrbanSound8K.csv").rename(folder / "UrbanSound8K.csv")
    for fold in (root / "old" / "audio").iterdir():
        fold.rename(folder / fold.name)


def _nested(root: Path, name: str) -> None:
    (root / name).rename(root / "inner")
    (root / name).mkdir()
    (root / "inner").rename(root / name / name)


@pytest.mark.parametrize("where", [".", "UrbanSound8K"])
def test_kaggles_layout_of_urbansound8k_is_read(make_urbansound: Callable[..., Path], where: str) -> None:
    root = make_urbansound(COUNTS)
    official = load_clips(DataSection(dataset="urbansound8k", folds=(1, 2, 3)), root)
    _kaggles(root, root / where)
    clips = load_clips(DataSection(dataset="urbansound8k", folds=(1, 2, 3)), root)
    assert clips.digest == official.digest
    report = check_dataset("urbansound8k", root, (1,))
    assert report.checked == 20
    [layout] = [finding for finding in report.findings if finding.kind is Kind.LAYOUT]
    assert "as on Kaggle" in layout.what


@pytest.mark.parametrize(("where", "audio"), [(".", "audio/audio/44100"), ("ESC-50", "audio/audio")])
def test_kaggles_layout_of_esc_is_read(make_esc: Callable[..., Any], where: str, audio: str) -> None:
    root = make_esc().root
    official = load_clips(DataSection(dataset="esc10"), root)
    (root / "ESC-50").rename(root / "old")
    (root / where / audio).parent.mkdir(parents=True, exist_ok=True)
    (root / "old" / "audio").rename(root / where / audio)
    (root / "old" / "meta" / "esc50.csv").rename(root / where / "esc50.csv")
    # Its clips at another sample rate have the same names.
    other = root / where / "audio" / "audio" / "16000"
    other.mkdir()
    (other / next((root / where / audio).glob("*.wav")).name).write_bytes(b"")
    clips = load_clips(DataSection(dataset="esc10"), root)
    assert clips.digest == official.digest
    assert "as on Kaggle" in read_inventory("esc10", root).layout
    next((root / where / audio).glob("*.wav")).unlink()
    with pytest.raises(DataError, match=r"looks like ESC-10 in another layout .*as on Kaggle.* 1 of 400 files"):
        load_clips(DataSection(dataset="esc10"), root)


def test_nested_urbansound8k_is_read(make_urbansound: Callable[..., Path]) -> None:
    root = make_urbansound(COUNTS)
    _nested(root, "UrbanSound8K")
    inventory = read_inventory("urbansound8k", root)
    assert len(inventory.present()) == 40
    assert inventory.layout == "nested as UrbanSound8K/UrbanSound8K/"


@pytest.mark.parametrize("name", ["ESC-50", "ESC-50-master"])
def test_other_layouts_of_esc_are_read(make_esc: Callable[..., Any], name: str) -> None:
    root = make_esc(folder=name, clips=1).root
    assert len(read_inventory("esc10", root).present()) == 50
    itself = read_inventory("esc10", root / name)
    assert len(itself.present()) == 50
    assert itself.layout == "the data root itself instead of a folder ESC-50/ in it"
    _nested(root, name)
    nested = read_inventory("esc10", root)
    assert len(nested.present()) == 50
    assert nested.layout == f"nested as {name}/{name}/"


def test_the_command_names_the_layout_and_the_usual_one_has_no_name(make_esc: Callable[..., Any]) -> None:
    made = make_esc(folder="ESC-50-master", seconds=5.0, clips=8)
    result = CliRunner().invoke(cli, ["data", "check", "esc10", "--data-root", str(made.root)])
    assert result.exit_code == 0, result.output
    assert "layout: ESC-50-master/ instead of ESC-50/; it is read as it is" in " ".join(result.output.split())
    (made.root / "ESC-50-master").rename(made.root / "ESC-50")
    assert check_dataset("esc10", made.root).findings == ()


def test_a_part_in_the_folder_of_an_archive_is_read_as_before(make_esc: Callable[..., Any]) -> None:
    made = make_esc(folder="ESC-50-master", clips=1)
    made.audio(0).unlink()
    assert len(read_inventory("esc10", made.root).present()) == 49


def test_another_layout_with_missing_files_is_refused(make_urbansound: Callable[..., Path]) -> None:
    root = make_urbansound(COUNTS)
    _kaggles(root, root)
    next((root / "fold2").iterdir()).unlink()
    with pytest.raises(
        DataError, match=r"looks like UrbanSound8K in another layout .*, but 1 of 40 files are not there"
    ):
        load_clips(DataSection(dataset="urbansound8k", folds=(1, 2, 3)), root)
    [finding] = check_dataset("urbansound8k", root).findings
    assert finding.kind is Kind.METADATA


def test_the_authors_layout_comes_first(make_urbansound: Callable[..., Path]) -> None:
    root = make_urbansound(COUNTS)
    (root / "UrbanSound8K.csv").write_text("of something else\n")
    assert read_inventory("urbansound8k", root).layout == ""
