"""Entries: served only when whole, and written without ever holding more than a part."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from harness.features.cache.cached_plane import DamagedEntryError, Target, discard_entry, open_entry, publish_entry
from harness.features.cache.chunks import Part
from harness.features.sets import LaidOut
from harness.registry import Layout

FRAMES = [[41, 50], [43]]


def _segment_parts() -> Iterator[Part]:
    for number, frames in enumerate(FRAMES):
        values = np.random.default_rng(number).standard_normal((sum(frames), 5)).astype(np.float32)
        yield Part(values, np.array(frames, np.int64))


def _image_parts() -> Iterator[Part]:
    for number in (2, 1):
        yield Part(np.full((number, 4, 6), number, np.float32), np.empty(0, np.int64))


@pytest.fixture
def target(tmp_path: Path) -> Target:
    target = Target(tmp_path, LaidOut(Layout.SEGMENTS, "LM"), "ab" * 32, {"settings": {"n_mels": 5}})
    target.scratch.mkdir()
    return target


def test_nothing_is_there_at_first(target: Target) -> None:
    assert open_entry(target, 3) is None


def test_a_published_entry_is_the_parts_joined(target: Target) -> None:
    publish_entry(target, _segment_parts)
    entry = open_entry(target, 3)
    assert entry is not None
    assert entry.offsets.tolist() == [0, 41, 91, 134]
    np.testing.assert_array_equal(np.load(entry.values), np.concatenate([part.values for part in _segment_parts()]))
    manifest = json.loads((target.folder / "manifest.json").read_text())
    assert manifest["settings"] == {"n_mels": 5}
    assert manifest["files"]["LM.npy"]["shape"] == [134, 5]
    assert not list(target.scratch.iterdir())


def test_images_are_published_alike(tmp_path: Path) -> None:
    target = Target(tmp_path, LaidOut(Layout.IMAGE, "mel"), "cd" * 32, {})
    publish_entry(target, _image_parts)
    entry = open_entry(target, 3)
    assert entry is not None
    assert len(entry.offsets) == 0
    assert np.load(entry.values)[:, 0, 0].tolist() == [2, 2, 1]


def test_the_digest_follows_contents_and_key(tmp_path: Path) -> None:
    digests = set()
    for number, (key, fill) in enumerate([("a" * 64, 0), ("a" * 64, 1), ("b" * 64, 0)]):
        target = Target(tmp_path / str(number), LaidOut(Layout.IMAGE, "mel"), key, {})
        publish_entry(
            target, lambda fill=fill: iter([Part(np.full((1, 2, 2), fill, np.float32), np.empty(0, np.int64))])
        )
        entry = open_entry(target, 1)
        assert entry is not None
        digests.add(entry.digest)
    assert len(digests) == 3


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-7] ^= 0b100
    path.write_bytes(content)


def _edit(**changes: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return edit


def _restate(name: str, array: np.ndarray) -> Callable[[Path], None]:
    """Return a fault that no checksum shows: a whole array of the wrong kind, truthfully stated."""

    def restate(folder: Path) -> None:
        import hashlib

        np.save(folder / name, array)
        content = (folder / name).read_bytes()
        path = folder / "manifest.json"
        manifest = json.loads(path.read_text())
        sha256 = hashlib.sha256(content).hexdigest()
        manifest["files"][name] = {"shape": list(array.shape), "bytes": len(content), "sha256": sha256}
        path.write_text(json.dumps(manifest))

    return restate


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: _flip(folder / "LM.npy"), "contents of LM.npy differ"),
        (lambda folder: _flip(folder / "offsets.npy"), "contents of offsets.npy differ"),
        (lambda folder: (folder / "LM.npy").write_bytes(b""), "LM.npy has 0 bytes"),
        (lambda folder: (folder / "LM.npy").unlink(), "LM.npy cannot be read"),
        (lambda folder: (folder / "manifest.json").unlink(), "manifest cannot be read"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "manifest cannot be read"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "not a table"),
        (_edit(key="0" * 64), "other clips, settings"),
        (_edit(clips=2), "other clips, settings"),
        (_edit(format=0), "another version"),
        (_edit(files={}), "does not list the files"),
        (_edit(files={"LM.npy": {}, "offsets.npy": {}}), "LM.npy cannot be read"),
        (_restate("LM.npy", np.zeros((134, 5))), "dtype is float64"),
        (_restate("LM.npy", np.zeros((133, 5), np.float32)), "offsets of the clips do not match"),
        (_restate("offsets.npy", np.array([0, 91, 41, 134])), "offsets of the clips do not match"),
    ],
)
def test_damage_is_noticed_and_told(target: Target, damage: Callable[[Path], None], message: str) -> None:
    publish_entry(target, _segment_parts)
    damage(target.folder)
    with pytest.raises(DamagedEntryError, match=message):
        open_entry(target, 3)


def test_a_shape_other_than_stated_is_noticed(target: Target) -> None:
    publish_entry(target, _segment_parts)
    path = target.folder / "manifest.json"
    path.write_text(path.read_text().replace("134", "135"))
    with pytest.raises(DamagedEntryError, match=r"LM\.npy has shape"):
        open_entry(target, 3)


def test_an_entry_published_meanwhile_stays(target: Target) -> None:
    publish_entry(target, _segment_parts)
    before = (target.folder / "manifest.json").stat().st_ino
    publish_entry(target, _segment_parts)
    assert (target.folder / "manifest.json").stat().st_ino == before
    assert not list(target.scratch.iterdir())


def test_a_discarded_entry_is_gone(target: Target) -> None:
    publish_entry(target, _segment_parts)
    discard_entry(target.folder)
    assert open_entry(target, 3) is None
    assert list(target.cache.iterdir()) == [target.scratch]
