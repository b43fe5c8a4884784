"""Building entries of the cache: parts computed in parallel, resumable after any interruption, then joined.

Processes share nothing but the parts on disk. Each part depends on its own clips only, so the result is the same
whatever the number of processes or the order in which they finish.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.errors import FeatureError
from harness.features.entry import Target, publish_entry
from harness.features.parts import Part, part_path, part_ranges, read_part, write_part
from harness.features.sets import Plane
from harness.study import FeaturesSection

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Job:
    """The clips first to stop - 1 of a build, and the planes still missing for them."""

    first: int
    stop: int
    paths: tuple[str, ...]
    outputs: tuple[tuple[Plane, Path], ...]
    params: FeaturesSection


def build_entries(
    targets: Sequence[Target], paths: Sequence[str], params: FeaturesSection, workers: int, progress: Progress | None
) -> None:
    """Compute ``targets`` for the clips at ``paths`` with ``workers`` processes; 1 computes in this process.

    Parts that an interrupted build left are taken over. ``progress`` is called with the clips done and all clips.

    Raises
    ------
    FeatureError
        When a clip or a setting does not work, a process is killed, or the cache cannot be written. What is computed
        by then is kept for the next build.
    """
    for target in targets:
        target.scratch.mkdir(parents=True, exist_ok=True)
    jobs = _open_jobs(targets, paths, params)
    done = len(paths) - sum(job.stop - job.first for job in jobs)
    if progress is not None:
        progress(done, len(paths))
    for job in _run(jobs, workers):
        done += job.stop - job.first
        if progress is not None:
            progress(done, len(paths))
    for target in targets:
        publish_entry(target, partial(_read_parts, target, len(paths)))
        shutil.rmtree(target.scratch, ignore_errors=True)


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
                f"{path}: written a moment ago and not readable now; check the disk, then build again (what else is "
                "done is kept)"
            )
        yield part


def _run(jobs: Sequence[_Job], workers: int) -> Iterator[_Job]:
    """Run ``jobs`` and yield each one as it is done."""
    if min(workers, len(jobs)) <= 1:
        for job in jobs:
            _run_job(job)
            yield job
        return
    # Spawned, not forked: the caller may hold threads and a CUDA context, which a fork would break.
    pool = ProcessPoolExecutor(
        min(workers, len(jobs)), mp_context=multiprocessing.get_context("spawn"), initializer=_enter_worker
    )
    try:
        futures = {pool.submit(_run_job, job): job for job in jobs}
        for future in as_completed(futures):
            future.result()
            yield futures[future]
    except BrokenProcessPool:
        raise FeatureError(
            f"a process that computes features ended abruptly, with {workers} of them running; most often memory ran "
            "out: build again with fewer workers (what is done is kept)"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _run_job(job: _Job) -> None:
    from harness.features.compute import compute_planes, one_thread

    planes = [plane for plane, _ in job.outputs]
    with one_thread():
        clips = [compute_planes(Path(path), planes, job.params) for path in job.paths]
    for plane, path in job.outputs:
        write_part(path, plane.layout, [arrays[plane] for arrays in clips])


def _enter_worker() -> None:
    # The parent alone reacts to Ctrl-C, and a worker must not outlive a parent that was killed.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
