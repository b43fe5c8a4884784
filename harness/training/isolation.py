"""Isolation of one training within the process: generators, threads and switches are set, and restored afterwards."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, TextIO

import torch

from harness.devices import processor_name
from harness.system.heap import kept_memory


@contextmanager
def isolated(device: torch.device, seed: int, threads: int) -> Iterator[list[str]]:
    """Run a block with torch's generators at ``seed``, ``threads`` CPU threads and deterministic kernels.

    Everything is restored afterwards, so that a training is independent of what ran before it in the process.
    float32 means float32: TF32 is off inside. Yields a list that collects, once each, torch's warnings about
    operations that have no deterministic kernel.
    """
    if device.type == "cuda":
        # cuBLAS reads it when its handle is created; without it, sums are not guaranteed to be reproducible.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    complaints: list[str] = []
    threads_before = torch.get_num_threads()
    # Only this training's generators: forking or seeding those of other GPUs would open a context on each.
    cuda = [device] if device.type == "cuda" else []
    mps = torch.mps.get_rng_state() if device.type == "mps" else None
    memory = nullcontext() if cuda else kept_memory()
    with torch.random.fork_rng(devices=cuda), _deterministic(), _collected(complaints), memory:
        torch.default_generator.manual_seed(seed)
        if cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        if mps is not None:
            torch.mps.manual_seed(seed)
        torch.set_num_threads(threads)
        try:
            yield complaints
        finally:
            torch.set_num_threads(threads_before)
            if mps is not None:
                torch.mps.set_rng_state(mps)


@contextmanager
def _deterministic() -> Iterator[None]:
    mode = torch.get_deterministic_debug_mode()
    # The attribute is a property that torch adds to its module at run time.
    switches: Any = torch.utils.deterministic
    fills = switches.fill_uninitialized_memory
    precision = torch.get_float32_matmul_precision()
    # An operation without a deterministic kernel is reported in the result and not fatal: the numbers are still valid.
    # (torch.use_deterministic_algorithms does the same, but first imports torch's compiler, which takes seconds.)
    torch.set_deterministic_debug_mode("warn")
    # Filling memory that is overwritten anyway takes time and finds only bugs in torch.
    switches.fill_uninitialized_memory = False
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
        switches.fill_uninitialized_memory = fills
        torch.set_deterministic_debug_mode(mode)


@contextmanager
def _collected(complaints: list[str]) -> Iterator[None]:
    """Move torch's non-determinism warnings into ``complaints``; all other warnings are shown as usual."""
    with warnings.catch_warnings():
        # torch repeats them at every call; "default" shows one per location.
        warnings.filterwarnings("default", message=".*deterministic")
        shown = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            text = str(message).partition(" You can")[0].strip()
            if "deterministic" not in text:
                shown(message, category, filename, lineno, file, line)
            elif text not in complaints:
                complaints.append(text)

        warnings.showwarning = show
        try:
            yield
        finally:
            warnings.showwarning = shown


def device_name(device: torch.device) -> str:
    """Return the name of the processor or the GPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"{processor_name()} (mps)"
    return processor_name()
