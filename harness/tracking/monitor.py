"""CPU, memory, disk, network and GPU load of the machine, sampled into the study run while it is open."""

from __future__ import annotations

from typing import Any

from harness.system.sqlite_uri import sqlalchemy_uri
from harness.tracking.store import Store

_SECONDS_BETWEEN_SAMPLES = 5


def load_monitor(store: Store, run_id: str) -> Any:
    """Return MLflow's monitor of one run, started; ``finish()`` stops it and writes the samples.

    A resumed run's curves continue where they ended.
    """
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    untyped: Any = SystemMetricsMonitor
    monitor = untyped(
        run_id,
        sampling_interval=_SECONDS_BETWEEN_SAMPLES,
        resume_logging=True,
        tracking_uri=sqlalchemy_uri(store.uri),
    )
    monitor.start()
    return monitor
