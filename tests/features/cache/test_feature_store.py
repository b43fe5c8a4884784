"""The store: computed once, shared, resumed, never stale, never damaged, whatever the number of processes."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from harness.data.clips import ClipTable
from harness.errors import FeatureError
from harness.features.cache.feature_store import FeatureRef, FeatureStore
from harness.features.compute import compute_planes
from harness.features.sets import n_frames, planes_of
from harness.registry import feature_set
from harness.study import FeaturesSection
from tests.workers import workers_of

PARAMS = FeaturesSection()
# Small sets, so that a test computes what it looks at and no more.
LM, CHROMA, PICTURE = feature_set("LM"), feature_set("chroma"), feature_set("image:mel+chroma+mfcc")
Write = Callable[..., ClipTable]

# A builder in a process of its own: table, cache and workers come pickled on standard input (our own bytes).
BUILDER = """
import pickle, sys
from harness.features.cache.feature_store import FeatureStore
from harness.study import FeaturesSection
from harness.registry import feature_set
cache, clips, sets, workers = pickle.load(sys.stdin.buffer)
refs = FeatureStore(cache).build(clips, [feature_set(name) for name in sets], FeaturesSection(), workers,
    lambda done, total: print(done, flush=True))
print({name: ref.digest for name, ref in refs.items()}, flush=True)
"""


def _start(cache: Path, clips: ClipTable, sets: Sequence[str], workers: int) -> subprocess.Popen[bytes]:
    with tempfile.TemporaryFile() as order:
        pickle.dump((cache, clips, sets, workers), order)
        order.seek(0)
        return subprocess.Popen([sys.executable, "-c", BUILDER], stdin=order, stdout=subprocess.PIPE)


class Calls(list[tuple[int, int]]):
    """Progress, remembered."""

    def __call__(self, done: int, total: int) -> None:
        self.append((done, total))


def test_a_set_is_its_planes_side_by_side(tmp_path: Path, write_clips: Write) -> None:
    clips = write_clips(5)
    calls = Calls()
    refs = FeatureStore(tmp_path / "cache").build(clips, [feature_set("LMC"), PICTURE], PARAMS, 1, calls)
    ref = refs["LMC"]
    assert (ref.layout, ref.segment_frames, ref.segment_hop) == ("segments", 41, 20)
    frames = n_frames(clips.frame["duration"].to_numpy(), PARAMS)
    np.testing.assert_array_equal(np.diff(ref.offsets), frames)
    np.testing.assert_array_equal(ref.segments_per_clip(), 1 + (frames - 41) // 20)
    values, images = ref.load(), refs[PICTURE.name].load()
    assert values.shape == (frames.sum(), 85)
    assert images.shape == (5, 3, 128, 128)
    for row, path in enumerate(clips.frame["path"]):
        arrays = compute_planes(
            Path(path), [*planes_of(feature_set("LMC"), PARAMS), *planes_of(PICTURE, PARAMS)], PARAMS
        )
        stacked = np.concatenate([arrays[plane] for plane in planes_of(feature_set("LMC"), PARAMS)], axis=1)
        np.testing.assert_array_equal(values[ref.offsets[row] : ref.offsets[row + 1]], stacked)
        np.testing.assert_array_equal(images[row], np.stack([arrays[plane] for plane in planes_of(PICTURE, PARAMS)]))
    assert calls == [(0, 5), (5, 5)]


def test_a_second_build_computes_nothing(tmp_path: Path, write_clips: Write) -> None:
    clips, store = write_clips(3), FeatureStore(tmp_path / "cache")
    first = store.build(clips, [LM, CHROMA], PARAMS, 1)
    for path in clips.frame["path"]:
        Path(path).unlink()
    calls = Calls()
    second = store.build(clips, [CHROMA, LM], PARAMS, 1, calls)
    assert calls == []
    assert second["LM"].digest == first["LM"].digest
    assert second["chroma"].files == first["chroma"].files
    assert not list((tmp_path / "cache").glob(".*.parts"))


def test_sets_share_planes_and_new_planes_only_are_computed(tmp_path: Path, write_clips: Write) -> None:
    clips, store = write_clips(2), FeatureStore(tmp_path / "cache")
    alone = store.build(clips, [CHROMA], PARAMS, 1)["chroma"]
    modified = Path(alone.files[0]).stat().st_mtime_ns
    lmc = store.build(clips, [feature_set("LMC")], PARAMS, 1)["LMC"]
    assert alone.files[0] in lmc.files
    assert Path(alone.files[0]).stat().st_mtime_ns == modified
    assert len(list((tmp_path / "cache").glob("chroma-*"))) == 1


def test_other_parameters_or_clips_are_other_entries(tmp_path: Path, write_clips: Write) -> None:
    clips, store = write_clips(2), FeatureStore(tmp_path / "cache")
    refs = [
        store.build(clips, [LM], PARAMS, 1)["LM"],
        store.build(clips, [LM], FeaturesSection(planes={"LM": {"n_mels": 40}}), 1)["LM"],
        store.build(replace(clips, digest="0" * 64), [LM], PARAMS, 1)["LM"],
    ]
    assert len({ref.files for ref in refs}) == len({ref.digest for ref in refs}) == 3
    assert refs[1].load().shape[1] == 40
    # How segments are cut is not part of a plane: the entry is the same, the reference is not.
    hop = store.build(clips, [LM], FeaturesSection(segment_hop=10), 1)["LM"]
    assert hop.files == refs[0].files
    assert hop.digest != refs[0].digest
    assert hop.segment_hop == 10


def test_a_flipped_bit_is_noticed_and_the_entry_built_again(
    tmp_path: Path, write_clips: Write, caplog: pytest.LogCaptureFixture
) -> None:
    clips, store = write_clips(2), FeatureStore(tmp_path / "cache")
    before = store.build(clips, [LM, CHROMA], PARAMS, 1)
    values = before["LM"].load()
    path = Path(before["LM"].files[0])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    chroma = Path(before["chroma"].files[0]).stat().st_mtime_ns
    with caplog.at_level(logging.WARNING, "harness.features"):
        after = store.build(clips, [LM, CHROMA], PARAMS, 1)
    assert "LM.npy differ from the manifest" in caplog.text
    np.testing.assert_array_equal(after["LM"].load(), values)
    assert after["LM"].digest == before["LM"].digest
    assert Path(after["chroma"].files[0]).stat().st_mtime_ns == chroma


def test_a_bad_clip_is_named_and_the_others_are_kept(tmp_path: Path, write_clips: Write) -> None:
    clips, store = write_clips(12), FeatureStore(tmp_path / "cache")
    bad = Path(clips.frame["path"][10])
    good = bad.read_bytes()
    bad.write_bytes(b"nothing")
    with pytest.raises(FeatureError, match=r"clip-010\.wav: cannot decode"):
        store.build(clips, [LM], PARAMS, 1)
    assert not list((tmp_path / "cache").glob("LM-*"))
    bad.write_bytes(good)
    calls = Calls()
    store.build(clips, [LM], PARAMS, 1, calls)
    assert calls == [(8, 12), (12, 12)]


def test_a_damaged_part_is_computed_again(tmp_path: Path, write_clips: Write) -> None:
    clips, store = write_clips(12), FeatureStore(tmp_path / "cache")

    class StoppedError(Exception):
        pass

    def stop(done: int, _total: int) -> None:
        if done:
            raise StoppedError

    with pytest.raises(StoppedError):
        store.build(clips, [LM], PARAMS, 1, stop)
    [part] = (tmp_path / "cache").glob(".LM-*.parts/clips-*.npz")
    content = bytearray(part.read_bytes())
    content[1000] ^= 1
    part.write_bytes(content)
    calls = Calls()
    ref = store.build(clips, [LM], PARAMS, 1, calls)["LM"]
    assert calls[0] == (0, 12)
    np.testing.assert_array_equal(
        ref.load(), FeatureStore(tmp_path / "clean").build(clips, [LM], PARAMS, 1)["LM"].load()
    )


def test_no_clips_are_refused(tmp_path: Path, write_clips: Write) -> None:
    clips = write_clips(1)
    with pytest.raises(FeatureError, match="made: no clips"):
        FeatureStore(tmp_path / "cache").build(replace(clips, frame=clips.frame[:0]), [LM], PARAMS, 1)


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, write_clips: Write) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FeatureError, match="file/cache: cannot use the feature cache"):
        FeatureStore(tmp_path / "file" / "cache").build(write_clips(1), [LM], PARAMS, 1)


def test_a_reference_to_a_removed_cache_says_so(tmp_path: Path, write_clips: Write) -> None:
    ref = FeatureStore(tmp_path / "cache").build(write_clips(1), [LM], PARAMS, 1)["LM"]
    Path(ref.files[0]).unlink()
    with pytest.raises(FeatureError, match="features LM: the cache cannot be read"):
        ref.load()


@pytest.mark.slow
def test_workers_give_the_same_bits_and_a_killed_one_is_told(tmp_path: Path, write_clips: Write) -> None:
    clips, store = write_clips(80), FeatureStore(tmp_path / "cache")
    sets = [LM, PICTURE, feature_set("tonnetz")]

    killed: list[psutil.Process] = []

    def kill_a_worker(done: int, _total: int) -> None:
        if done >= 24 and not killed:
            workers = workers_of(psutil.Process())
            workers[0].kill()
            killed.append(workers[0])

    with pytest.raises(FeatureError, match=r"one of 2 processes .* fewer workers"):
        store.build(clips, sets, PARAMS, 2, kill_a_worker)
    assert not list((tmp_path / "cache").glob("LM-*"))
    # The rest is computed in this process: most clips come from two workers, some from none.
    calls = Calls()
    mixed = store.build(clips, sets, PARAMS, 1, calls)
    assert calls[0][0] >= 24
    assert calls[-1] == (80, 80)
    alone = FeatureStore(tmp_path / "alone").build(clips, sets, PARAMS, 1)
    for name, ref in alone.items():
        assert ref.digest == mixed[name].digest
        np.testing.assert_array_equal(ref.load(), mixed[name].load())


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_killed_worker_ends_the_build_although_another_one_hangs(tmp_path: Path, write_clips: Write) -> None:
    # As one that waits for a lock which the killed one held.
    before = set(workers_of(psutil.Process()))
    hit: list[psutil.Process] = []

    def kill_one_and_stop_the_other(done: int, _total: int) -> None:
        if done >= 8 and not hit:
            hit.extend(each for each in workers_of(psutil.Process()) if each not in before)
            hit[1].suspend()
            hit[0].kill()

    with pytest.raises(FeatureError, match=r"one of 2 processes .* fewer workers"):
        FeatureStore(tmp_path / "cache").build(write_clips(80), [LM], PARAMS, 2, kill_one_and_stop_the_other)
    assert not psutil.wait_procs(hit, timeout=10)[1]


@pytest.mark.slow
def test_a_killed_builder_leaves_parts_to_resume_and_no_process(tmp_path: Path, write_clips: Write) -> None:
    clips, cache = write_clips(64), tmp_path / "cache"
    process = _start(cache, clips, ["LM", "tonnetz"], workers=2)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 8:
            break
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(workers, timeout=20)
    for orphan in alive:
        orphan.kill()
    assert len(workers) >= 2
    assert not alive
    assert not [entry for entry in cache.iterdir() if not entry.name.startswith(".")]
    calls = Calls()
    resumed = FeatureStore(cache).build(clips, [LM], PARAMS, 1, calls)["LM"]
    assert 8 <= calls[0][0] < 64
    clean = FeatureStore(tmp_path / "clean").build(clips, [LM], PARAMS, 1)["LM"]
    assert resumed.digest == clean.digest
    np.testing.assert_array_equal(resumed.load(), clean.load())


@pytest.mark.slow
def test_two_builders_at_once_share_the_work(tmp_path: Path, write_clips: Write) -> None:
    clips, cache = write_clips(32), tmp_path / "cache"
    processes = [_start(cache, clips, sets, workers=1) for sets in (["LM", "chroma"], ["chroma", "LM"])]
    outputs = [process.communicate()[0].decode().splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    refs = FeatureStore(cache).build(clips, [LM, CHROMA], PARAMS, 1)
    for output in outputs:
        assert refs["LM"].digest in output[-1]
    # The one that waited found everything done, or had nothing to wait for; never did both compute all clips.
    assert sorted(len(output) > 1 for output in outputs) == [False, True]


def test_a_waiting_build_says_for_what(tmp_path: Path, write_clips: Write, caplog: pytest.LogCaptureFixture) -> None:
    clips, cache = write_clips(1), tmp_path / "cache"
    FeatureStore(cache).build(clips, [LM], PARAMS, 1)
    [folder] = cache.glob("LM-*")
    lock = cache / f".{folder.name}.lock"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import filelock, time\nwith filelock.FileLock({str(lock)!r}):\n print(1, flush=True)\n time.sleep(1)",
        ],
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    (folder / "manifest.json").unlink()
    begin = time.monotonic()
    with caplog.at_level(logging.INFO, "harness.features"):
        FeatureStore(cache).build(clips, [LM], PARAMS, 1)
    assert "another process is computing it" in caplog.text
    assert time.monotonic() - begin > 0.3
    assert holder.wait() == 0


def test_importing_the_store_loads_no_heavy_library() -> None:
    script = (
        "import sys, harness.features; print([m for m in ('torch', 'librosa', 'pandas', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"


def test_references_travel_between_processes(tmp_path: Path, write_clips: Write) -> None:
    ref = FeatureStore(tmp_path / "cache").build(write_clips(1), [LM], PARAMS, 1)["LM"]
    again: FeatureRef = pickle.loads(pickle.dumps(ref))  # noqa: S301 (our own bytes)
    np.testing.assert_array_equal(again.load(), ref.load())
