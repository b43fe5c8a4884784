"""What is measured of a training's memory on a GPU, with a made-up one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from harness.executors.gpu_memory import MemoryUse, measure_gpu
from tests.toys import N_CLASSES, task_of, write_segments


def test_the_peak_of_tensors_and_what_is_used_besides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, torch.device]] = []

    def told(name: str, value: object) -> None:
        def answer(device: torch.device) -> object:
            seen.append((name, device))
            return value

        monkeypatch.setattr(torch.cuda, name, answer)

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    told("reset_peak_memory_stats", None)
    # Of 1,000 bytes 300 are in use: 200 by torch, whose peak was 450, and 100 by CUDA's context.
    told("mem_get_info", (700, 1000))
    told("memory_reserved", 200)
    told("max_memory_reserved", 450)
    labels = np.arange(24, dtype=np.int64) % N_CLASSES
    use = measure_gpu(task_of(write_segments(tmp_path, labels), labels, device="cuda:1"))
    assert seen == [("reset_peak_memory_stats", torch.device("cuda:1"))]
    assert use() == MemoryUse(550, 1000)
    assert {device for _, device in seen} == {torch.device("cuda:1")}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_real_gpu_is_measured(tmp_path: Path) -> None:
    labels = np.arange(24, dtype=np.int64) % N_CLASSES
    use = measure_gpu(task_of(write_segments(tmp_path, labels), labels, device="cuda"))
    held = torch.empty(256 * 2**20, dtype=torch.uint8, device="cuda")
    del held
    found = use()
    assert 256 * 2**20 < found.peak < found.total == torch.cuda.get_device_properties(0).total_memory
