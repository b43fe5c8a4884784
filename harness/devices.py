"""Devices by name, and out-of-memory errors.

torch is imported only where a device is requested, so that errors of other processes can be classified without it.
"""

from __future__ import annotations

import gc
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import TrainingError

if TYPE_CHECKING:
    import torch

_NAME = re.compile(r"cpu|mps|cuda(?::(\d{1,4}))?")
# Messages of torch on a CPU and of CUDA's libraries, which raise plain RuntimeErrors.
_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")


def resolve_device(asked: str) -> str:
    """Return the name of the device to train on: ``auto`` is CUDA where there is one, else the CPU.

    ``mps``, the GPU of Apple's processors, has not been tested and is used only when it is named.

    Raises
    ------
    TrainingError
        When the name is not ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``, or this machine has no such device.
    """
    if asked == "auto":
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"
    open_device(asked)
    return asked


def resolve_devices(asked: str) -> tuple[str, ...]:
    """Return the names of the devices to train on, each once.

    Parameters
    ----------
    asked : str
        ``auto``, which is every visible GPU or else the CPU; ``cpu``, ``cuda`` or ``cuda:N``; or several GPUs,
        separated by commas.

    Raises
    ------
    TrainingError
        As :func:`resolve_device`, and when a device is named twice or the devices are of several kinds.
    """
    if asked == "auto":
        import torch

        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        return tuple(f"cuda:{number}" for number in range(count)) if count > 1 else (resolve_device("auto"),)
    names = [name.strip() for name in asked.split(",")]
    for name in names:
        open_device(name)
    # cuda is cuda:0.
    numbers = ["cuda:0" if name == "cuda" else name for name in names]
    if len(set(numbers)) < len(names):
        raise TrainingError(
            f"--device {asked}: a device is named twice; use --workers to run several trainings on each device"
        )
    if len({device_kind(name) for name in names}) > 1:
        raise TrainingError(
            f"--device {asked}: a GPU's results differ from a CPU's in their last digits; name devices of one kind"
        )
    return tuple(names)


def worker_devices(devices: Sequence[str], workers: int | None, threads: int) -> tuple[str, ...]:
    """Return the device of each worker: one worker on each GPU, or one for every ``threads`` cores of the CPU; or, if
    given, ``workers`` of them in turn over ``devices``."""
    number = workers or sum(default_workers(device, threads) for device in devices)
    return tuple(devices[place % len(devices)] for place in range(number))


def open_device(name: str) -> torch.device:
    """Return the device called ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; raises as :func:`resolve_device`."""
    import torch

    match = _NAME.fullmatch(name)
    if match is None:
        raise TrainingError(f"--device {name}: expected auto, cpu, cuda, cuda:N or mps")
    if name == "mps" and not torch.backends.mps.is_available():
        raise TrainingError(f"--device {name}: this machine has no GPU of Apple's; use --device cpu or auto")
    if device_kind(name) == "cuda" and int(match[1] or 0) >= torch.cuda.device_count():
        raise TrainingError(
            f"--device {name}: this machine has {torch.cuda.device_count()} CUDA devices; use --device cpu or auto"
        )
    return torch.device(name)


def use_device(name: str) -> None:
    """Make ``name`` the device of this process, where it exists: nothing is then put on another GPU by mistake."""
    if device_kind(name) == "cuda":
        import torch

        if int(name.partition(":")[2] or 0) < torch.cuda.device_count():
            torch.cuda.set_device(name)


def device_kind(name: str) -> str:
    """Return ``cpu``, ``cuda`` or ``mps`` of a device's name."""
    return name.partition(":")[0]


def features_device(name: str) -> str:
    """Return the device that computes the features of trainings on ``name``: the same one, but the CPU for ``mps``,
    which has no float64."""
    return "cpu" if name == "mps" else name


def widest_float(device: torch.device) -> torch.dtype:
    """Return float64, or float32 on ``mps``, which has no float64."""
    import torch

    return torch.float32 if device.type == "mps" else torch.float64


def default_workers(device: str, threads: int) -> int:
    """Return the default number of concurrent trainings: the CPU's cores over ``threads``, or one on a GPU.

    More processes can share a GPU, each with its own features and network. On an H100 six were no faster than one,
    and 1.4 times as fast under NVIDIA's multi-process service (benchmarks/README.md).
    """
    if device_kind(device) != "cpu":
        return 1
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, available // threads)


def processor_name() -> str:
    """Return the model of this machine's processor, or its architecture if the system does not tell the model."""
    if sys.platform == "linux":
        try:
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    return value.strip()
        except OSError:
            pass
    if sys.platform == "darwin":
        try:
            asked = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            name = subprocess.run(asked, capture_output=True, timeout=5, check=True, text=True).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            name = ""
        if name:
            return name
    return platform.processor() or platform.machine()


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` is an out-of-memory error: Python's, numpy's, or torch's on any device."""
    # By name, so that torch need not be imported.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _MEMORY)


@contextmanager
def out_of_memory_as(explain: Callable[[], Exception], *, chained: bool = False) -> Iterator[None]:
    """Replace an out-of-memory error within the block by the error that ``explain`` returns.

    ``chained`` keeps it as the cause, whose traceback holds the memory of the block.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not ran_out_of_memory(error):
            raise
        raise explain() from (error if chained else None)


def release_memory() -> None:
    """Release the device memory of a failed training for the next one."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
