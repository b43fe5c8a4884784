"""How worker processes of this machine begin."""

from __future__ import annotations

import multiprocessing
import sys
from contextlib import suppress
from multiprocessing import forkserver
from typing import Any

from harness.terminal.interrupt import workers_hear_no_signals

_PRELOADED = ["harness.features.compute", "harness.training.loop"]


def worker_context(device: str) -> Any:
    """Return the multiprocessing context of a worker on ``device`` that is about to be started.

    Workers are never forks of this process, which may have threads and a CUDA context. On Linux those on the CPU are
    forks of a server that does nothing but import the libraries, once for all workers of this process, so that their
    pages are shared; its only threads are those of OpenBLAS and jemalloc, which are prepared for forks. Elsewhere, and
    on GPUs, each worker is a new interpreter.
    """
    # Other accounts could connect to the server of Python 3.11.0 (CVE-2022-42919).
    if sys.platform == "linux" and sys.version_info >= (3, 11, 1) and device == "cpu":
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        # Its socket needs a temporary folder that can be written and has a short name.
        with suppress(OSError), workers_hear_no_signals():
            forkserver.ensure_running()
            return context
    return multiprocessing.get_context("spawn")
