"""What a worker does with a training: it trains, and sends each step as a kind and a content.

The kinds are ``started``, ``epoch`` (the rows), ``used`` (a :class:`harness.executors.gpu_memory.MemoryUse`, on a GPU
that is shared), and at the end ``finished`` (the results), or ``failed`` or ``out of memory`` (message and traceback).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from harness.devices import ran_out_of_memory, release_memory
from harness.executors.events import Group
from harness.executors.failures import failure_message
from harness.executors.gpu_memory import Measure, MemoryUse

OUT_OF_MEMORY = "out of memory"
ENDS = ("finished", "failed", OUT_OF_MEMORY)
"""The kinds after which a worker is free."""


def train(tasks: Group, send: Callable[[str, Any], None], measure: Measure | None = None) -> None:
    """Train ``tasks`` of one trajectory, and call ``send`` with each step.

    Parameters
    ----------
    tasks
        The tasks, with the device of this worker.
    send
        Called with a kind and a content; what it raises apart from Exception ends the training and propagates.
    measure
        Measures memory, if other trainings share the GPU; its memory is then released at the end.
    """
    from harness.training.loop import train_together
    from harness.training.reuse import KEPT_HERE

    send("started", None)
    use: MemoryUse | None = None
    ended: tuple[str, Any]
    try:
        used = measure(tasks[0]) if measure is not None else None
        ended = "finished", train_together(tasks, lambda rows: send("epoch", rows))
        use = used() if used is not None else None
    except Exception as error:
        short = ran_out_of_memory(error) or (error.__cause__ is not None and ran_out_of_memory(error.__cause__))
        ended = (
            OUT_OF_MEMORY if short else "failed",
            (failure_message(error, tasks[0]), traceback.format_exc()),
        )
    if measure is not None:
        KEPT_HERE.clear()
    if measure is not None or ended[0] != "finished":
        release_memory()
    if use is not None:
        send("used", use)
    send(*ended)
