"""The executor that a user names: processes of this machine, or a Ray cluster."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from harness.errors import TrainingError
from harness.executors.events import OpenExecutor
from harness.study import StudySpec

EXECUTORS = ("local", "ray")


def choose_executor(
    executor: str, address: str | None, workers: int | None, spec: StudySpec, cache: Path | None
) -> OpenExecutor:
    """Return what opens an executor.

    Parameters
    ----------
    executor
        ``local`` or ``ray``.
    address
        ``HOST:PORT`` of a running Ray cluster; None for one on this machine alone.
    workers
        The most trainings at once; None for as many as the devices or the cluster allow.
    spec
        The study.
    cache
        The folder of computed features, on every node; None for that of each user.

    Raises
    ------
    TrainingError
        When there is no such executor, or an address for another one than Ray.
    """
    if executor not in EXECUTORS:
        raise TrainingError(f"executor {executor!r}: expected {' or '.join(EXECUTORS)}")
    if executor == "local":
        if address is not None:
            raise TrainingError(
                f"address {address}: an address is that of a Ray cluster; use executor ray (--executor ray)"
            )
        from harness.executors.local import local_executor

        return local_executor
    from harness.executors.ray.executor import ray_executor

    threads = max((spec.settings(arm).train.threads for arm in spec.trained_arms), default=1)
    return partial(ray_executor, address=address, workers=workers, threads=threads, cache=cache)
