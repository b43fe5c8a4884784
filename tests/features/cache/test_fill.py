"""The way of a GPU build, walked on the CPU: threads decode ahead, this one computes, another writes."""

from __future__ import annotations

import importlib
import platform
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import threadpoolctl  # type: ignore[import-untyped]
import torch

from harness.data.clips import ClipTable
from harness.errors import FeatureError
from harness.features import compute
from harness.features.cache import fill
from harness.features.cache.cached_plane import Target
from harness.features.cache.chunks import CLIPS_PER_PART
from harness.features.cache.feature_store import FeatureStore
from harness.features.cache.fill import build_entries, run_ahead
from harness.features.sets import LaidOut
from harness.registry import Layout, feature_set
from harness.study import FeaturesSection
from harness.terminal.worker_processes import worker_context
from tests.features.conftest import SEGMENTS

PARAMS = FeaturesSection()
PLANES = [*SEGMENTS, LaidOut(Layout.IMAGE, "mel"), LaidOut(Layout.IMAGE, "chroma")]
Write = Callable[..., ClipTable]


@pytest.mark.slow
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_worker_process_computes_with_one_thread(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    # What a machine of two cores would have the process do.
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with ProcessPoolExecutor(1, mp_context=worker_context(device), initializer=fill._enter_worker) as pool:
        assert pool.submit(torch.get_num_threads).result() == 1
        # A plane may load libraries with a BLAS of their own after that.
        pool.submit(importlib.import_module, "scipy.linalg").exception()
        libraries = pool.submit(threadpoolctl.threadpool_info).result()
    assert len({library["filepath"] for library in libraries}) > 1
    assert {library["num_threads"] for library in libraries} == {1}


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_a_worker_process_keeps_freed_memory() -> None:
    with ProcessPoolExecutor(1, mp_context=worker_context("cpu"), initializer=fill._enter_worker) as pool:
        pool.submit(_page_faults).result()
        # Of ten times 64 MB, in pages of 4 KiB, without it.
        assert pool.submit(_page_faults).result() < 1_000


def _page_faults() -> int:
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(16_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def _targets(folder: Path) -> list[Target]:
    return [Target(folder, plane, plane.name * 16, {}) for plane in PLANES]


def _paths(clips: ClipTable) -> list[str]:
    return [str(path) for path in clips.frame["path"]]


def _planes(targets: list[Target]) -> list[np.ndarray]:
    return [np.load(target.folder / f"{target.plane.slug}.npy") for target in targets]


@pytest.fixture
def on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the device that a build names be the CPU."""
    real = compute.compute
    monkeypatch.setattr(compute, "compute", lambda clips, planes, params, _device: real(clips, planes, params))


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("loaders", [1, 3, 20])
def test_threads_that_decode_ahead_give_the_planes_of_processes(
    tmp_path: Path, write_clips: Write, loaders: int
) -> None:
    paths = _paths(write_clips(2 * CLIPS_PER_PART + 3))
    ahead, alone = _targets(tmp_path / "ahead"), _targets(tmp_path / "alone")
    progress: list[tuple[int, int]] = []
    build_entries(ahead, paths, PARAMS, loaders, lambda done, total: progress.append((done, total)), "cuda")
    with compute.one_thread():
        build_entries(alone, paths, PARAMS, 1, None)
    for found, expected in zip(_planes(ahead), _planes(alone), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    assert progress[0] == (0, len(paths))
    assert progress[-1] == (len(paths), len(paths))
    assert len(progress) == 4


def test_no_more_than_a_bounded_number_of_clips_waits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    loaded: list[None] = []
    computed, most = 0, 0

    def load(*_: object) -> None:
        loaded.append(None)

    def slowly(clips: list[None], *_: object) -> list[dict[LaidOut, np.ndarray]]:
        nonlocal computed, most
        time.sleep(0.02)
        most = max(most, len(loaded) - computed)
        computed += len(clips)
        return [{PLANES[0]: np.zeros((1, 1), np.float32)} for _ in clips]

    monkeypatch.setattr(compute, "load", load)
    monkeypatch.setattr(compute, "compute", slowly)
    jobs = [
        fill._Job(k, k + CLIPS_PER_PART, ("x",) * CLIPS_PER_PART, ((PLANES[0], tmp_path / f"{k}.npz"),), PARAMS)
        for k in range(0, 40 * CLIPS_PER_PART, CLIPS_PER_PART)
    ]
    assert list(run_ahead(jobs, 2, "cuda")) == jobs
    assert len(loaded) == computed == 40 * CLIPS_PER_PART
    assert CLIPS_PER_PART < most <= 3 * CLIPS_PER_PART
    assert all(path.exists() for job in jobs for _, path in job.outputs)


@pytest.mark.usefixtures("on_the_cpu")
def test_a_bad_clip_is_named_and_what_was_computed_before_is_kept(tmp_path: Path, write_clips: Write) -> None:
    clips, store = write_clips(3 * CLIPS_PER_PART), FeatureStore(tmp_path / "cache")
    bad = Path(clips.frame["path"][2 * CLIPS_PER_PART + 1])
    good = bad.read_bytes()
    bad.write_bytes(b"nothing")
    sets, before = [feature_set("LM")], threading.active_count()
    with pytest.raises(FeatureError, match=rf"{bad.name}: cannot decode"):
        store.build(clips, sets, PARAMS, 2, device="cuda")
    assert threading.active_count() == before
    bad.write_bytes(good)
    calls: list[int] = []
    store.build(clips, sets, PARAMS, 2, lambda done, _: calls.append(done), device="cuda")
    assert calls == [2 * CLIPS_PER_PART, 3 * CLIPS_PER_PART]


def test_a_device_without_memory_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_clips: Write) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(compute, "compute", full)
    with pytest.raises(
        FeatureError, match=r"cuda:1: out of memory .* 3 clips, starting at .*clip-000\.wav; .*--device cpu"
    ):
        FeatureStore(tmp_path / "cache").build(write_clips(3), [feature_set("LM")], PARAMS, 2, device="cuda:1")


@pytest.mark.usefixtures("on_the_cpu")
def test_each_kind_of_device_has_entries_of_its_own(tmp_path: Path, write_clips: Write) -> None:
    clips, store, sets = write_clips(2), FeatureStore(tmp_path / "cache"), [feature_set("LM")]
    here, there = (store.build(clips, sets, PARAMS, 1, device=device)["LM"] for device in ("cpu", "cuda"))
    assert here.files != there.files
    assert here.digest != there.digest
    assert store.build(clips, sets, PARAMS, 1, device="cuda:1")["LM"].files == there.files
