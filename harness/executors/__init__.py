"""Where fold tasks run."""

from harness.executors.events import Epoch, Event, Executor, Failed, Finished, OpenExecutor, Started
from harness.executors.local import InProcessExecutor, ProcessExecutor, local_executor

__all__ = [
    "Epoch",
    "Event",
    "Executor",
    "Failed",
    "Finished",
    "InProcessExecutor",
    "OpenExecutor",
    "ProcessExecutor",
    "Started",
    "local_executor",
]
