"""A feature cache of any state: the planes that were computed, a rebuild that says so, or one error."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FeatureError
from harness.features.cache.cached_plane import DamagedEntryError, Entry, Target, open_entry, publish_entry
from harness.features.cache.chunks import Part, read_part, write_part
from harness.features.cache.feature_store import FeatureStore
from harness.features.sets import LaidOut
from harness.registry import Layout
from harness.study import load_study
from tests.security.conftest import House
from tests.security.fuzz import fuzz

VALUES = np.random.default_rng(0).standard_normal((93, 5)).astype(np.float32)
FRAMES = np.array([41, 52], np.int64)
Damage = Callable[[Path], object]


def publish(folder: Path) -> Target:
    target = Target(folder, LaidOut(Layout.SEGMENTS, "LM"), "ab" * 32, {"settings": {}})
    target.scratch.mkdir()

    def parts() -> Iterator[Part]:
        yield Part(VALUES, FRAMES)

    publish_entry(target, parts)
    return target


@fuzz(200)
@given(
    name=st.sampled_from(["LM.npy", "offsets.npy", "manifest.json"]),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255), st.booleans()), min_size=1, max_size=3),
    keep=st.just(1.0) | st.floats(0, 1),
)
def test_a_damaged_entry_is_the_same_numbers_or_damaged(
    name: str, edits: list[tuple[float, int, bool]], keep: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        target = publish(Path(folder))
        file = target.folder / name
        content = bytearray(file.read_bytes())
        for place, value, in_header in edits:
            # The first 128 bytes of an array file are its header.
            content[int(place * (min(128, len(content)) - 1 if in_header else len(content) - 1))] = value
        file.write_bytes(content[: int(keep * len(content))])
        try:
            entry = open_entry(target, len(FRAMES))
        except DamagedEntryError:
            return
        assert isinstance(entry, Entry)
        np.testing.assert_array_equal(np.load(entry.values), VALUES)
        assert entry.offsets.tolist() == [0, 41, 93]


def test_a_part_with_any_bit_flipped_or_any_end_cut_off_is_the_same_numbers_or_none(tmp_path: Path) -> None:
    path, arrays = tmp_path / "part.npz", [np.ones((3, 2), np.float32), np.zeros((2, 2), np.float32)]
    write_part(path, "segments", arrays)
    whole = path.read_bytes()
    damaged = [
        whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :] for at in range(len(whole)) for bit in (0, 2, 5)
    ]
    for content in [*damaged, *(whole[:length] for length in range(len(whole)))]:
        path.write_bytes(content)
        part = read_part(path, "segments", 2)
        if part is not None:
            np.testing.assert_array_equal(part.values, np.concatenate(arrays))
            assert part.frames.tolist() == [3, 2]


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0b1000
    path.write_bytes(content)


def _wrong_shape(path: Path) -> None:
    np.save(path, np.load(path)[:-1])


def _other_version(path: Path) -> None:
    manifest = path.with_name("manifest.json")
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 99}))


def _objects(path: Path) -> None:
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def _a_file_instead(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.write_text("in the way")


def _a_loop_instead(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


DAMAGES: dict[str, Damage] = {
    "a flipped bit": _flip,
    "a wrong shape": _wrong_shape,
    "another version": _other_version,
    "pickled objects": _objects,
    "no plane": Path.unlink,
    "no manifest": lambda path: path.with_name("manifest.json").unlink(),
    "a link to itself": _a_loop_instead,
    "a file in its place": _a_file_instead,
}


@pytest.fixture
def cached(house: House) -> tuple[House, Path, bytes]:
    """Return a house whose features are computed, the file of its one plane, and the file's content."""
    from harness.data.load_clips import load_clips

    spec = load_study(house.study)
    clips = load_clips(spec.data, house.data)
    ref = FeatureStore(house.folder / "cache").build(clips, [spec.inputs(spec.arms[0])], spec.features, 1)
    plane = Path(ref["LM"].files[0])
    return house, plane, plane.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("case", DAMAGES)
def test_damage_before_a_study_is_told_and_rebuilt(
    cached: tuple[House, Path, bytes], case: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, plane, content = cached

    class ReadyError(Exception):
        pass

    def stop(*_: object, **__: object) -> None:
        raise ReadyError  # features are there: the rest of the study is not what is tested

    monkeypatch.setattr("harness.running.study.StudyRecorder.open", stop)
    DAMAGES[case](plane)
    assert isinstance(house.run().exception, ReadyError)
    assert plane.read_bytes() == content
    assert f"{plane.parent}: damaged" in caplog.text


@pytest.mark.slow
def test_damage_after_the_study_began_never_reaches_a_training(cached: tuple[House, Path, bytes]) -> None:
    from harness.data.load_clips import load_clips

    house, plane, content = cached
    spec = load_study(house.study)
    clips = load_clips(spec.data, house.data)
    ref = FeatureStore(house.folder / "cache").build(clips, [spec.inputs(spec.arms[0])], spec.features, 1)["LM"]
    whole = ref.load()
    for place in (200, len(content) // 2, len(content) - 1):
        changed = bytearray(content)
        changed[place] ^= 1
        plane.write_bytes(changed)
        with pytest.raises(
            FeatureError, match=r"LM\.npy: the features have changed since they were verified .* run again"
        ):
            ref.load()
    plane.write_bytes(content)
    np.testing.assert_array_equal(ref.load(), whole)


def test_a_cache_that_is_a_file_is_named(house: House, refusal: Callable[..., str]) -> None:
    (house.folder / "cache").write_text("in the way")
    refusal(house.run(), str(house.folder / "cache"), "cannot use the feature cache", "choose another folder")
