"""Processor time counts workers that another process started and waited for, and which outlive the command."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from benchmarks.whole import processor_seconds_of
work = "import time\\nwhile time.process_time() < 0.5: pass"
start = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {work!r}])"
print(processor_seconds_of([sys.executable, "-c", start]))
"""

WITH_A_SERVER = """
import subprocess, sys
from benchmarks.whole import processor_seconds_of
server = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
print(processor_seconds_of([sys.executable, "-c", "pass"]), server.poll())
server.communicate()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers are children of the command")
def test_processes_that_outlive_a_command_count() -> None:
    # In a process of its own, which waits for every child.
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    assert 0.5 <= float(done.stdout) < 5


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers are children of the command")
def test_a_server_that_runs_already_is_not_waited_for() -> None:
    done = subprocess.run([sys.executable, "-c", WITH_A_SERVER], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split()[1] == "None"
