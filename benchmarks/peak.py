"""Ceilings of one processor core, measured: the arithmetic of a bare instruction loop, of kernels, and of memory.

A matrix product is no ceiling by itself: MKL, whose float32 product torch calls, uses 256-bit instructions on
processors of other makers, and oneDNN's convolutions on the same core use 512-bit ones and are twice as fast. So the
rate is the best of several kernels, and on the CPU also of a loop that does nothing but multiply and add in registers:
no program on that core can do more of these. The loop is made by LLVM through llvmlite, which librosa brings.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

Action = Callable[[], object]

ROUNDS = 2_000_000
SIDES = (1024, 2048)
NUMBERS = 2**24
# Enough sums in flight to hide the latency of an instruction; more would not fit the registers.
_CHAINS = {"float32": 12, "bfloat16": 20}


@dataclass(frozen=True)
class Contest:
    """``action`` does ``amount`` operations or moves ``amount`` bytes; ``keeps`` what it must not outlive."""

    amount: int
    action: Action
    keeps: Any = None


def arithmetic(dtype: torch.dtype, device: torch.device) -> dict[str, Contest]:
    """Return what may reach the most operations per second in ``dtype`` on ``device``, by name.

    Matrix products, linear layers, and convolutions, channels last: the second and the fourth of the 4-layer network at
    batch 32, and one of 256 channels, which has more to do for each number it reads; on the CPU the instruction loop.
    """
    contests = {}
    for side in SIDES:
        left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        out = torch.empty_like(left)
        contests[f"product {side}"] = _no_grad(2 * side**3, torch.mm, left, right.t(), out=out)
        contests[f"linear {side}"] = _no_grad(2 * side**3, F.linear, left, right)
    for batch, channels, rows, columns in ((32, 32, 85, 41), (32, 64, 43, 21), (8, 256, 32, 32)):
        x = torch.randn(batch, channels, rows, columns, device=device).to(dtype, memory_format=torch.channels_last)
        w = torch.randn(channels, channels, 3, 3, device=device).to(dtype, memory_format=torch.channels_last)
        operations = 2 * x.numel() * channels * 9
        contests[f"convolution {channels} x {rows} x {columns}"] = _no_grad(operations, F.conv2d, x, w, padding=1)
    precision = str(dtype).removeprefix("torch.")
    loops = {width: instruction_loop(precision, width) for width in (256, 512)} if device.type == "cpu" else {}
    return contests | {f"instruction loop, {width} bits": loop for width, loop in loops.items() if loop}


def memory(device: torch.device) -> dict[str, Contest]:
    """Return what may move the most bytes per second, by name; counted are the bytes that a program names.

    A store to memory that was not read first costs the processor a read, which nobody counts; an update in place, as an
    optimiser makes it, has none.
    """
    a, b, c = (torch.randn(NUMBERS, device=device) for _ in range(3))
    array = 4 * NUMBERS
    return {
        "triad a = b + s c": _no_grad(3 * array, torch.add, b, c, alpha=2.0, out=a),
        "update a += s b": _no_grad(3 * array, a.add_, b, alpha=1e-9),
        "copy": _no_grad(2 * array, a.copy_, b),
        "sum": _no_grad(array, torch.sum, c),
    }


def _no_grad(amount: int, function: Callable[..., Any], *arguments: Any, **options: Any) -> Contest:
    def action() -> None:
        with torch.no_grad():
            function(*arguments, **options)

    return Contest(amount, action)


def instruction_loop(precision: str, width: int = 512) -> Contest | None:
    """Return a loop of multiply-and-add instructions on vectors of ``width`` bits; None where there are none.

    Float32 uses fused multiply-add, bfloat16 the dot product of pairs of AVX-512, both on one thread. A processor with
    matrix units (AMX) does more than the latter; there it is no ceiling, and the kernels are.
    """
    try:
        import llvmlite.binding as llvm
    except ImportError:
        return None
    features = llvm.get_host_cpu_features()
    needed = "avx512bf16" if precision == "bfloat16" else "avx512f" if width == 512 else "fma"
    if not features.get(needed) or (precision == "bfloat16" and width < 512):
        return None
    lanes = width // 32
    run, engine = _compiled(_program(precision, lanes), features)
    operations = ROUNDS * _CHAINS[precision] * lanes * (4 if precision == "bfloat16" else 2)
    return Contest(operations, lambda: run(ROUNDS, 1e-3), engine)


def _program(precision: str, lanes: int) -> str:
    """Return LLVM's text of float run(i64 rounds, float s): chains of sums, each with one instruction a round."""
    sums = f"<{lanes} x float>"
    if precision == "bfloat16":
        factors, name = f"<{2 * lanes} x bfloat>", "@llvm.x86.avx512bf16.dpbf16ps.512"
        step, declared = f"call {sums} {name}({sums} %a#, {factors} %f, {factors} %f)", (sums, factors, factors)
    else:
        factors, name = sums, f"@llvm.fma.v{lanes}f32"
        step, declared = f"call {sums} {name}({sums} %f, {sums} %f, {sums} %a#)", (sums, sums, sums)
    chains = [str(chain) for chain in range(_CHAINS[precision])]
    total = [
        f"%t{chain} = fadd {sums} {f'%t{chain - 1}' if chain > 1 else '%b0'}, %b{chain}"
        for chain in range(1, len(chains))
    ]
    return "\n".join(
        [
            f"declare {sums} {name}({', '.join(declared)})",
            "define float @run(i64 %n, float %s) {",
            "entry:",
            f"%i0 = insertelement {sums} undef, float %s, i32 0",
            f"%s0 = shufflevector {sums} %i0, {sums} undef, <{lanes} x i32> zeroinitializer",
            f"%f = bitcast {sums} %s0 to {factors}",
            "br label %loop",
            "loop:",
            "%i = phi i64 [0, %entry], [%j, %loop]",
            *(f"%a{chain} = phi {sums} [%s0, %entry], [%b{chain}, %loop]" for chain in chains),
            *(f"%b{chain} = {step.replace('#', chain)}" for chain in chains),
            "%j = add i64 %i, 1",
            "%d = icmp eq i64 %j, %n",
            "br i1 %d, label %end, label %loop",
            "end:",
            *total,
            f"%r = extractelement {sums} %t{len(chains) - 1}, i32 0",
            "ret float %r",
            "}",
        ]
    )


def _compiled(program: str, features: Any) -> tuple[Callable[[int, float], float], Any]:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(program)
    module.verify()
    # LLVM halves vectors where it fears for the clock; here the full width is the question.
    options = {"cpu": llvm.get_host_cpu_name(), "features": f"{features.flatten()},-prefer-256-bit", "opt": 2}
    engine = llvm.create_mcjit_compiler(module, llvm.Target.from_default_triple().create_target_machine(**options))
    engine.finalize_object()
    function = ctypes.CFUNCTYPE(ctypes.c_float, ctypes.c_int64, ctypes.c_float)(engine.get_function_address("run"))
    return function, engine


def seconds_of(action: Callable[[], object], device: torch.device) -> float:
    """Return the wall time of ``action``, the device's work included."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    began = time.perf_counter()
    action()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began
