"""The embedded data set: the same bytes everywhere, whole or not at all, and worth learning."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from harness.data.datasets.synthetic import (
    GENERATOR_VERSION,
    SyntheticSection,
    is_whole,
    synthetic_folder,
    write_synthetic,
)
from harness.data.leakage import leakage_report
from harness.data.load_clips import load_clips
from harness.data.splits import make_splits
from harness.data.synthetic_sounds import RATE, SAMPLES, VOICES, Draws, synthesise
from harness.errors import DataError
from harness.study import DataSection

SMALL = SyntheticSection(clips_per_class_and_fold=1, seed=5)
# Of the manifest of SMALL. When this changes, raise GENERATOR_VERSION: sets on disk would be taken for the new one.
SMALL_DIGEST = {1: "95d4482a1cec436b7bec68e51fd7e96645160963174fd9756fe934a6d67ba8e2"}


def _digest(folder: Path) -> str:
    return hashlib.sha256((folder / "sha256.txt").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_synthetic(tmp_path_factory.mktemp("synthetic"), SMALL)


def test_bytes_are_pinned(small: Path) -> None:
    assert _digest(small) == SMALL_DIGEST[GENERATOR_VERSION]


def test_bytes_do_not_depend_on_the_processors_vector_instructions(small: Path, tmp_path: Path) -> None:
    features = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])  # type: ignore[index]
    if not features:
        pytest.skip("numpy has no vector extension to switch off here")
    code = (
        "import sys; from pathlib import Path; "
        "from harness.data.datasets.synthetic import SyntheticSection, write_synthetic; "
        "write_synthetic(Path(sys.argv[1]), SyntheticSection(clips_per_class_and_fold=1, seed=5))"
    )
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(features)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=True, capture_output=True)
    assert _digest(synthetic_folder(tmp_path, SMALL)) == _digest(small)


def test_files_are_mono_16_bit_of_two_seconds_and_none_is_silent(small: Path) -> None:
    files = sorted((small / "audio").iterdir())
    assert len(files) == 50
    contents = set()
    for path in files:
        with wave.open(str(path)) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22050)
            content = file.readframes(file.getnframes())
        samples = np.frombuffer(content, dtype="<i2")
        assert len(samples) == 2 * 22050
        assert 3000 < np.abs(samples.astype(int)).max() <= 32767
        contents.add(content)
    assert len(contents) == 50


def test_a_larger_set_contains_the_smaller_of_its_seed(small: Path, tmp_path: Path) -> None:
    larger = write_synthetic(tmp_path, SyntheticSection(clips_per_class_and_fold=3, seed=5))
    assert larger != synthetic_folder(tmp_path, SMALL)
    for path in (small / "audio").iterdir():
        assert (larger / "audio" / path.name).read_bytes() == path.read_bytes()


def test_seeds_differ_in_folder_and_sound(small: Path, tmp_path: Path) -> None:
    other = write_synthetic(tmp_path, SyntheticSection(clips_per_class_and_fold=1, seed=6))
    assert other.name != small.name
    for path in (small / "audio").iterdir():
        assert (other / "audio" / path.name).read_bytes() != path.read_bytes()


def test_a_whole_set_is_reused_and_a_damaged_one_replaced(tmp_path: Path) -> None:
    folder = write_synthetic(tmp_path, SMALL)
    clip = sorted((folder / "audio").iterdir())[3]
    before, stamp = clip.read_bytes(), clip.stat().st_mtime_ns
    assert write_synthetic(tmp_path, SMALL) == folder
    assert clip.stat().st_mtime_ns == stamp
    clip.write_bytes(before[:-100])
    assert not is_whole(folder)
    assert write_synthetic(tmp_path, SMALL) == folder
    assert clip.read_bytes() == before
    clip.unlink()
    write_synthetic(tmp_path, SMALL)
    assert clip.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == [folder.name]


def test_an_interruption_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import harness.data.synthetic_sounds as module

    calls = []

    def interrupted(voice: str, recording: Draws, clip: Draws) -> np.ndarray:
        calls.append(voice)
        if len(calls) == 20:
            raise KeyboardInterrupt
        return synthesise(voice, recording, clip)

    monkeypatch.setattr(module, "synthesise", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_synthetic(tmp_path, SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_is_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="cannot be written here"):
        write_synthetic(tmp_path / "file", SMALL)


def test_the_table_has_recordings_of_two_clips_within_one_fold(tmp_path: Path) -> None:
    data = DataSection(dataset="synthetic", synthetic=SyntheticSection(clips_per_class_and_fold=4))
    table = load_clips(data, tmp_path)
    assert len(table) == 200
    assert table.classes == tuple(VOICES)
    assert table.frame.groupby(["fold", "label"]).size().unique().tolist() == [4]
    assert table.frame.groupby("recording").size().unique().tolist() == [2]
    assert table.frame.groupby("recording")["fold"].nunique().unique().tolist() == [1]
    assert table.frame["duration"].unique().tolist() == [2.0]
    splits = make_splits(table, "official", table.folds, 0)
    assert [leakage_report(table, split, "train").n_test_sharing_recording for split in splits] == [0] * 5


def test_draws_are_uniform_and_repeatable() -> None:
    numbers = Draws(1, 2).many(-2.0, 3.0, 20000)
    assert numbers.min() >= -2.0
    assert numbers.max() < 3.0
    assert numbers.mean() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_array_equal(numbers, Draws(1, 2).many(-2.0, 3.0, 20000))
    assert Draws(1, 2).one(0.0, 1.0) != Draws(2, 1).one(0.0, 1.0)


def test_classes_can_be_told_apart_but_not_without_fault() -> None:
    """Nearest class mean of coarse spectral statistics: far above chance (10 %), far below certainty."""

    def describe(fold: int) -> tuple[np.ndarray, np.ndarray]:
        rows, labels = [], []
        for label, voice in enumerate(VOICES):
            for number in range(6):
                key = (9, fold, label, number)
                clip = synthesise(voice, Draws(*key), Draws(*key, 0)) / 32768.0
                assert clip.shape == (SAMPLES,)
                frames = clip[: SAMPLES // 1024 * 1024].reshape(-1, 1024) * np.hanning(1024)
                power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
                edges = np.unique(np.geomspace(2, 512, 20).astype(int))
                bands = np.log(np.add.reduceat(power, edges, axis=1) + 1e-6)
                rows.append(np.concatenate([bands.mean(0), bands.std(0), np.abs(np.diff(bands, axis=0)).mean(0)]))
                labels.append(label)
        return np.array(rows), np.array(labels)

    assert RATE * 2 == SAMPLES
    train, known = describe(1)
    test, truth = describe(2)
    scale = train.std(0)
    means = np.array([train[known == label].mean(0) for label in range(10)])
    distance = (((test[:, None] - means) / scale) ** 2).sum(2)
    accuracy = np.mean(distance.argmin(1) == truth)
    assert 0.4 < accuracy < 0.97
