"""CPU, memory, disk, network and GPU load of the machine, sampled into the study run while it is open."""

from __future__ import annotations

from typing import Any

from harness.tracking.store import Store
from harness.tracking.uri import sqlalchemy_uri

_SECONDS_BETWEEN_SAMPLES = 5


class LoadMonitor:
    """MLflow's system metrics on one run; a resumed run's curves continue where they ended."""

    def __init__(self, store: Store, run_id: str) -> None:
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        untyped: Any = SystemMetricsMonitor
        self._monitor = untyped(
            run_id,
            sampling_interval=_SECONDS_BETWEEN_SAMPLES,
            resume_logging=True,
            tracking_uri=sqlalchemy_uri(store.uri),
        )
        self._monitor.start()

    def stop(self) -> None:
        """Stop sampling and write the samples; call before the run ends, because MLflow watches its status."""
        self._monitor.finish()
