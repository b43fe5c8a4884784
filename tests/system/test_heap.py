"""Freed memory is kept inside the block, and what follows it is no slower than what was before."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PAGE_FAULTS = """
import resource, torch
from harness.system.heap import kept_memory

def page_faults(blocks, floats):
    # The heap needs a few rounds until small blocks have found their place around the large ones.
    for _ in range(20):
        [torch.ones(floats) for _ in range(blocks)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        [torch.ones(floats) for _ in range(blocks)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
"""


def _said(script: str) -> list[int]:
    # In a process of its own: what other tests left on the heap decides where new blocks go.
    command = [sys.executable, "-c", PAGE_FAULTS + script]
    return list(map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()))


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_memory_is_kept_inside() -> None:
    before, inside = _said(
        """
print(page_faults(1, 16_000_000))
with kept_memory():
    print(page_faults(1, 16_000_000))
"""
    )
    # Ten times 64 MB, in pages of 4 KiB.
    assert before > 100_000
    assert inside < 1_000


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_what_follows_causes_no_more_faults_than_without_it() -> None:
    [after] = _said(
        """
with kept_memory():
    pass
print(page_faults(8, 500_000))
"""
    )
    # Ten times 16 MB would be 40,000.
    assert after < 1_000
