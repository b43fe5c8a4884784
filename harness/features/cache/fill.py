"""Building entries of the cache: parts computed in parallel, resumable after any interruption, then joined.

On the CPU one process per core does all the work from audio file to part on disk. On a GPU this process computes all
clips of a part at once, while threads decode those of the next parts and write the last one; the number of waiting
clips is bounded. Either way a part depends only on its own clips and the kind of device, so the result does not depend
on the number of processes or threads, the order in which they finish, or interruptions.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness import own_code
from harness.devices import out_of_memory_as
from harness.errors import FeatureError
from harness.features.cache.cached_plane import Target, discard_entry, publish_entry
from harness.features.cache.chunks import CLIPS_PER_PART, Part, part_path, part_ranges, read_part, write_part
from harness.features.sets import LaidOut
from harness.registry import Plane, register
from harness.study import FeaturesSection
from harness.system.accounts import as_open_as, distrust, is_shared_cache, make_private
from harness.system.heap import kept_memory
from harness.terminal.interrupt import workers_hear_no_signals
from harness.terminal.printing import guard_streams
from harness.terminal.worker_processes import worker_context

if TYPE_CHECKING:
    from harness.features.compute import LoadedClip, Planes

Progress = Callable[[int, int], None]

_for_good = ExitStack()
"""Contexts that a worker process enters and never exits."""


@dataclass(frozen=True)
class _Job:
    """The clips first to stop - 1 of a build, and the planes still missing for them."""

    first: int
    stop: int
    paths: tuple[str, ...]
    outputs: tuple[tuple[LaidOut, Path], ...]
    params: FeaturesSection

    @property
    def planes(self) -> list[LaidOut]:
        return [plane for plane, _ in self.outputs]


def build_entries(
    targets: Sequence[Target],
    paths: Sequence[str],
    params: FeaturesSection,
    workers: int,
    progress: Progress | None,
    device: str = "cpu",
) -> None:
    """Compute ``targets`` for the clips at ``paths``, and publish them as entries of the cache.

    Parts left by an interrupted build are reused.

    Parameters
    ----------
    targets : sequence of Target
        The planes to compute, and their folders.
    paths : sequence of str
        Audio files, one per clip.
    params : FeaturesSection
        Settings of the planes.
    workers : int
        Number of processes; 1 computes in this process. On a GPU: number of threads that decode.
    progress : callable or None
        Called with the number of clips done and of all clips.
    device : str
        ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.

    Raises
    ------
    FeatureError
        When a clip or a setting does not work, a process is killed, or the cache cannot be written. What is computed by
        then is kept for the next build.
    """
    for target in targets:
        _open_scratch(target)
    jobs = _open_jobs(targets, paths, params)
    done = len(paths) - sum(job.stop - job.first for job in jobs)
    if progress is not None:
        progress(done, len(paths))
    for job in _run(jobs, workers) if device == "cpu" else run_ahead(jobs, workers, device):
        done += job.stop - job.first
        if progress is not None:
            progress(done, len(paths))
    for target in targets:
        publish_entry(target, partial(_read_parts, target, len(paths)))
        shutil.rmtree(target.scratch, ignore_errors=True)


def _open_scratch(target: Target) -> None:
    """Create the folder of the parts, replacing one into which another account could have written."""
    if target.scratch.exists() and not is_shared_cache(target.cache) and distrust(target.scratch):
        discard_entry(target.scratch)
    make_private(target.scratch, group=False)
    as_open_as(target.cache, target.scratch)


def _open_jobs(targets: Sequence[Target], paths: Sequence[str], params: FeaturesSection) -> list[_Job]:
    jobs = []
    for first, stop in part_ranges(len(paths)):
        missing = []
        for target in targets:
            path = part_path(target.scratch, first, stop)
            if read_part(path, target.plane.layout, stop - first) is None:
                missing.append((target.plane, path))
        if missing:
            jobs.append(_Job(first, stop, tuple(paths[first:stop]), tuple(missing), params))
    return jobs


def _read_parts(target: Target, n_clips: int) -> Iterator[Part]:
    for first, stop in part_ranges(n_clips):
        path = part_path(target.scratch, first, stop)
        part = read_part(path, target.plane.layout, stop - first)
        if part is None:
            raise FeatureError(
                f"{path}: not readable immediately after it was written; check the disk, then run again (all other "
                "features are kept)"
            )
        yield part


def _run(jobs: Sequence[_Job], workers: int) -> Iterator[_Job]:
    """Run ``jobs`` and yield each one as it is done."""
    if min(workers, len(jobs)) <= 1:
        from harness.features.compute import one_thread

        with kept_memory():
            for job in jobs:
                with one_thread():
                    _run_job(job)
                yield job
        return
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        min(workers, len(jobs)),
        mp_context=worker_context("cpu"),
        initializer=_enter_worker,
        initargs=(tuple({job.params.plane(plane.name) for job in jobs for plane in job.planes}), own_code.active()),
    )
    try:
        with workers_hear_no_signals():
            futures = {pool.submit(_run_job, job): job for job in jobs}
        for future in as_completed(futures):
            future.result()
            yield futures[future]
    except BrokenProcessPool:
        # They do not react to SIGTERM, and may wait forever for a lock that the dead one held.
        for worker in set(multiprocessing.active_children()) - others:
            worker.kill()
        raise FeatureError(
            f"one of {workers} processes computing features exited unexpectedly, most likely because memory ran out: "
            "run again with fewer workers (finished features are kept)"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _run_job(job: _Job) -> None:
    from harness.features.clip_memory import explained_clip_memory
    from harness.features.compute import compute_planes

    clips = []
    for path in map(Path, job.paths):
        with explained_clip_memory(path, job.planes, job.params):
            clips.append(compute_planes(path, job.planes, job.params))
    _write(job, clips)


def _write(job: _Job, clips: Sequence[Planes]) -> None:
    for plane, path in job.outputs:
        write_part(path, plane.layout, [arrays[plane] for arrays in clips])


def _enter_worker(planes: Sequence[Plane] = (), own: own_code.OwnCode | None = None) -> None:
    from harness.features.compute import one_thread

    # A plane that the parent registered at run time is in no folder and no entry point.
    register(*(plane for plane in planes if not plane.own))
    own_code.activate(own)
    guard_streams()
    # The parent alone reacts to Ctrl-C, and a worker must not outlive a parent that was killed.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    # Entered for the life of the process, and referenced: an unreferenced context manager would exit at once.
    _for_good.enter_context(one_thread())
    _for_good.enter_context(kept_memory())


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def run_ahead(jobs: Sequence[_Job], loaders: int, device: str) -> Iterator[_Job]:
    """Compute ``jobs`` on ``device`` in this thread, and yield each one when it is on disk.

    ``loaders`` threads decode ahead and one writes: the libraries that decode, resample and write release the GIL.
    Memory is bounded by the number of waiting clips, two per thread and at least one part.
    """
    from harness.features.compute import compute

    written: deque[tuple[_Job, Future[None]]] = deque()
    with ThreadPoolExecutor(1) as writer:
        for job, clips in _loaded_ahead(jobs, loaders):
            with out_of_memory_as(partial(_no_memory, device, job)):
                computed = compute(clips, job.planes, job.params, device)
            written.append((job, writer.submit(_write, job, computed)))
            while written and (len(written) > 1 or written[0][1].done()):
                done, writing = written.popleft()
                writing.result()
                yield done
        for done, writing in written:
            writing.result()
            yield done


def _no_memory(device: str, job: _Job) -> FeatureError:
    return FeatureError(
        f"{device}: out of memory while computing features of {len(job.paths)} clips, starting at {job.paths[0]}; "
        "free memory on the device or use another one, e.g. --device cpu (finished features are kept)"
    )


def _loaded_ahead(jobs: Sequence[_Job], loaders: int) -> Iterator[tuple[_Job, list[LoadedClip]]]:
    """Yield jobs in order with their clips decoded."""
    from harness.features.compute import load

    ahead = 1 + 2 * loaders // CLIPS_PER_PART
    waiting: deque[tuple[_Job, list[Future[LoadedClip]]]] = deque()
    readers = ThreadPoolExecutor(loaders)
    try:
        for job in jobs:
            waiting.append((job, [readers.submit(load, Path(path), job.planes, job.params) for path in job.paths]))
            if len(waiting) > ahead:
                first, clips = waiting.popleft()
                yield first, [clip.result() for clip in clips]
        while waiting:
            first, clips = waiting.popleft()
            yield first, [clip.result() for clip in clips]
    finally:
        readers.shutdown(wait=True, cancel_futures=True)
