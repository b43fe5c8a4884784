"""Which devices support bfloat16; on others torch emulates it, many times slower than float32."""

from __future__ import annotations

from collections.abc import Callable

import torch

from harness.choices import Precision
from harness.errors import TrainingError
from harness.training.isolation import device_name


def has_bfloat16(device: torch.device) -> bool:
    """Return whether ``device`` has native kernels for bfloat16.

    An x86 processor needs AVX-512 for them. Where it was missing, ``harness plan`` saw the 4-layer network train 6
    segments a second, and 85 in float32 (two cores of an AMD EPYC with AVX2, torch 2.11, n 1).
    """
    if device.type == "cuda":
        with torch.cuda.device(device):
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # torch makes the same check before it passes a convolution to oneDNN; a build without oneDNN has no such kernels.
    asked = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    built: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return bool(built and asked is not None and asked())


def lacks_bfloat16_instructions(device: torch.device) -> bool:
    """Return whether ``device`` is an x86 processor with AVX-512 kernels for bfloat16 but no instructions for it.

    A training step of the 4-layer network took 0.94 s there and 0.38 s in float32 (one thread on two cores of an Intel
    Xeon at 2.5 GHz that a training kept busy, batches of 32, torch 2.11, median of 4 times 3 steps, interleaved).
    """
    if device.type != "cpu" or not torch.backends.cpu.get_cpu_capability().startswith("AVX512"):
        return False
    own: Callable[[], bool] | None = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return own is not None and not own()


def check_precision(precision: str, device: torch.device, who: str) -> None:
    """Refuse bfloat16 on a device without support for it.

    Raises
    ------
    TrainingError
        Names ``who``, the device and what to do.
    """
    if precision == Precision.BFLOAT16 and device.type == "mps":
        raise TrainingError(
            f"{who}: bfloat16 is not supported on mps, where it was never tested; use float32 "
            "(--set train.precision=float32)"
        )
    if precision == Precision.BFLOAT16 and not has_bfloat16(device):
        raise TrainingError(
            f"{who}: {device_name(device)} has no bfloat16 arithmetic and would emulate it, many times slower than "
            "float32; use float32 (--set train.precision=float32)"
        )
