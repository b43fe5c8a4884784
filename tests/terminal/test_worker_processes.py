"""How workers begin; what they compute is tested in tests/executors and tests/features/cache."""

from __future__ import annotations

import sys

import pytest

from harness.terminal.worker_processes import worker_context

SHARED = "forkserver" if sys.platform == "linux" else "spawn"


@pytest.mark.parametrize(("device", "method"), [("cpu", SHARED), ("cuda", "spawn"), ("cuda:1", "spawn")])
def test_only_workers_without_a_gpu_share_what_is_imported(device: str, method: str) -> None:
    assert worker_context(device).get_start_method() == method


def test_without_a_place_for_its_socket_workers_are_interpreters_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError("AF_UNIX path too long")

    monkeypatch.setattr("multiprocessing.forkserver.ensure_running", fail)
    assert worker_context("cpu").get_start_method() == "spawn"
