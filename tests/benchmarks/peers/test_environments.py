"""Environments of other programs: pinned, shared torch, and a clear message where pip fails."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers import environments
from benchmarks.peers.contestants import CONTESTANTS
from harness.errors import HarnessError

PEERS = sorted(one.package for one in CONTESTANTS if one.package)


@pytest.mark.parametrize("name", PEERS)
def test_every_requirement_is_pinned_and_torch_is_the_harness_s(name: str) -> None:
    lines = (environments.REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").split()
    assert all(line.count("==") == 1 for line in lines)
    assert environments.pinned(name)
    assert not [line for line in lines if line.startswith(("torch==", "numpy==", "nvidia"))]


def test_without_the_index_the_message_names_program_version_and_what_pip_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        if command[1:3] == ["-m", "venv"]:
            (Path(command[3]) / "lib" / "python3" / "site-packages").mkdir(parents=True)
            return subprocess.CompletedProcess(command, 0)
        assert f"torch=={environments.version('torch')}" in command
        return subprocess.CompletedProcess(command, 1, "", "WARNING: retrying\nERROR: No matching distribution\n")

    monkeypatch.setattr(environments.subprocess, "run", run)
    with pytest.raises(
        HarnessError, match=r"lightning 2\.6\.6 could not be installed.*No matching distribution"
    ) as said:
        environments.environment("lightning", tmp_path)
    assert "The first run needs the package index" in str(said.value)
    assert not (tmp_path / "lightning").exists()
