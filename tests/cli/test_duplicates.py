"""harness data duplicates: folders, CSV files and data sets; its files, and what bad input gets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from click.testing import CliRunner

from harness.cli import cli
from tests.duplicates.conftest import RATE, noise


def _run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["data", "duplicates", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with three sounds, of which the first has a copy in a folder below."""
    (tmp_path / "other").mkdir()
    for seed in range(3):
        soundfile.write(tmp_path / f"{seed}.wav", noise(seed, 2.0), RATE)
    soundfile.write(tmp_path / "other" / "=1+1.ogg", 0.1 * noise(0, 2.0), RATE, format="OGG", subtype="VORBIS")
    return tmp_path


def test_a_folder_needs_no_metadata(folder: Path) -> None:
    code, said = _run(folder, "--csv", folder / "pairs.csv", "--json", folder / "pairs.json")
    assert code == 0
    assert "4 files, 1 pairs with audio in common" in said
    document = json.loads((folder / "pairs.json").read_text())
    assert [(pair["first"], pair["second"], pair["likeness"]) for pair in document["pairs"]] == [
        ("0.wav", "other/=1+1.ogg", "same audio")
    ]
    assert pd.read_csv(folder / "pairs.csv").loc[0, "likeness"] == "same audio"


def test_a_table_tells_folds_recordings_and_classes(folder: Path) -> None:
    (folder / "other" / "=1+1.ogg").rename(folder / "copy.ogg")
    rows = ["file,label,fold,recording", "0.wav,dog,1,a", "1.wav,dog,1,b", "2.wav,cat,2,c", "copy.ogg,cat,2,d"]
    (folder / "clips.csv").write_text("\n".join(rows))
    code, said = _run(folder / "clips.csv", "--csv", folder / "pairs.csv")
    assert code == 0
    assert "0 copy same audio 1, 2 +0.000" in said
    written = pd.read_csv(folder / "pairs.csv").iloc[0]
    assert (written["fold_first"], written["fold_second"]) == (1, 2)
    assert (written["class_first"], written["class_second"]) == ("dog", "cat")


def test_a_damaged_file_is_named_and_the_others_are_compared(folder: Path) -> None:
    (folder / "damaged.wav").write_bytes(b"RIFF and no more")
    (folder / "bad.wav").write_bytes(b"")
    code, said = _run(folder)
    assert code == 2
    assert "error: damaged.wav:" in said
    assert "error: bad.wav:" in said
    assert "1 pairs with audio in common" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((".",), "has no audio files"),
        (("nothing.csv",), "there is no such file"),
        (("esc5",), "unknown data set 'esc5'"),
        (("esc50", "--data-root", "."), "has no folder ESC-50"),
        (("esc50", "--columns", "file=x"), "they are named for a FILE.csv only"),
    ],
)
def test_bad_input_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = _run(*arguments)
    assert code == 2
    assert message in said


def test_a_clip_too_long_to_be_used_is_refused_before_it_is_decoded(folder: Path) -> None:
    soundfile.write(folder / "long.flac", np.zeros(8_000 * 61, np.float32), 8_000)
    code, said = _run(folder)
    assert code == 2
    assert "long.flac: lasts 61.0 s" in said
