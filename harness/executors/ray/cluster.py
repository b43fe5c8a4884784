"""The Ray cluster: one of this process's own, on loopback, or a running one at an explicit address, with a token."""

from __future__ import annotations

import logging
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from harness.errors import TrainingError
from harness.executors.ray import cleaner

# Before Ray is imported: it reads them once.
_ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    # `uv run` would otherwise resolve the environment again in every worker.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
}
_LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):(\d{1,5})")


def ray_library(*, loopback: bool = False) -> Any:
    """Return the module ``ray``, with its environment set; ``loopback`` keeps a cluster of this process to itself.

    Raises
    ------
    TrainingError
        When it is not installed.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if loopback:
        # What Ray does by itself only on Windows and macOS: all its servers listen on 127.0.0.1.
        os.environ[_LOOPBACK] = "0"
    # A cluster that somebody's environment names is never joined.
    os.environ.pop("RAY_ADDRESS", None)
    try:
        import ray
    except ImportError:
        raise TrainingError(
            "--executor ray: Ray is not installed; install it with: pip install 'harness[ray]'"
        ) from None
    return ray


@dataclass(frozen=True)
class Node:
    """A node that is alive: its id and name, and the cores and GPUs that it has."""

    id: str
    name: str
    cores: float
    gpus: int


class Cluster:
    """A Ray cluster, within a ``with`` block.

    Parameters
    ----------
    address
        ``HOST:PORT`` of a running cluster; None to start one on this machine alone, which ends with the block, and with
        this process however that ends.
    cores
        CPU cores of a cluster of this process's own.
    gpus
        Its GPUs, by the names of devices: ``cuda`` or ``cuda:N``.

    Raises
    ------
    TrainingError
        When Ray is not installed, or the address is not of that form; on entry, when the token is missing or wrong, or
        nothing answers.
    """

    def __init__(self, address: str | None, cores: int, gpus: Sequence[str] = ()) -> None:
        if address is not None and _ADDRESS.fullmatch(address) is None:
            raise TrainingError(
                f"--address {address}: expected HOST:PORT of a running Ray cluster, such as 10.0.0.1:6379"
            )
        _require_own_settings("RAY_AUTH_MODE", *([_LOOPBACK] if address is None else []))
        self.ray = ray_library(loopback=address is None)
        self.address = address
        self.folder: Path | None = None
        self._cores = cores
        self._gpus = gpus
        self._cleaner: subprocess.Popen[bytes] | None = None

    def nodes(self) -> list[Node]:
        """Return the nodes that are alive."""
        return [
            Node(
                node["NodeID"],
                f"{node['NodeManagerHostname']} ({node['NodeID'][:8]})",
                node["Resources"].get("CPU", 0),
                int(node["Resources"].get("GPU", 0)),
            )
            for node in self.ray.nodes()
            if node["Alive"]
        ]

    def __enter__(self) -> Self:
        handler = signal.getsignal(signal.SIGTERM)
        given = {"logging_level": logging.ERROR, "log_to_driver": False, "configure_logging": False}
        try:
            if self.address is None:
                self._start(given)
            else:
                _require_token()
                _require_answer(self.address)
                try:
                    self.ray.init(address=self.address, **given)
                except ConnectionError:
                    raise TrainingError(
                        f"--executor ray: cannot join {self.address}: something answers there, but no Ray cluster that "
                        "accepts this token; use the address that `ray start --head` prints, and the token that the "
                        "cluster was started with"
                    ) from None
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            self.__exit__()
            raise TrainingError(
                f"--executor ray: cannot {'start a cluster' if self.address is None else f'join {self.address}'}: "
                f"{str(error).strip().splitlines()[0]}"
            ) from error
        finally:
            # Ray ends the process on SIGTERM; ours closes what is open first.
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, handler)
        return self

    def _start(self, given: dict[str, Any]) -> None:
        if os.environ["RAY_AUTH_MODE"] == "token" and not _has_token():
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        # Paths of sockets below it must stay under 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="hray-", dir="/tmp" if os.name == "posix" else None))
        # Of its own session, so that it outlives whatever ends this process and its group.
        self._cleaner = subprocess.Popen(
            [sys.executable, "-I", cleaner.__file__, str(self.folder)], stdin=subprocess.PIPE, start_new_session=True
        )
        with _visible(self._gpus):
            self.ray.init(
                address="local",
                num_cpus=self._cores,
                num_gpus=len(self._gpus),
                include_dashboard=False,
                _node_ip_address="127.0.0.1",
                _temp_dir=str(self.folder),
                **given,
            )

    def __exit__(self, *_: object) -> None:
        self.ray.shutdown()
        if self._cleaner is not None and self._cleaner.stdin is not None:
            self._cleaner.stdin.close()
            self._cleaner.wait()
            self._cleaner = None


@contextmanager
def _visible(gpus: Sequence[str]) -> Iterator[None]:
    """Show processes that are started within the block only ``gpus``, of those that this process sees."""
    before = os.environ.get(_VISIBLE)
    if gpus:
        seen = before.split(",") if before else []
        numbers = [int(gpu.partition(":")[2] or 0) for gpu in gpus]
        os.environ[_VISIBLE] = ",".join(seen[number] if number < len(seen) else str(number) for number in numbers)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_VISIBLE, None)
        else:
            os.environ[_VISIBLE] = before


def _require_own_settings(*names: str) -> None:
    """Raise TrainingError when Ray was imported without the settings ``names``, which it reads once."""
    if "ray" in sys.modules and (missing := [name for name in names if name not in os.environ]):
        raise TrainingError(
            f"--executor ray: this process imported Ray before {' and '.join(missing)} could be set; import it after "
            "the study has started, or run the study in a process of its own"
        )


def _require_token() -> None:
    if os.environ["RAY_AUTH_MODE"] == "token" and not _has_token():
        raise TrainingError(
            "--executor ray: there is no token for the cluster; write the one that it was started with to "
            "~/.ray/auth_token (ray get-auth-token --generate makes one), or name its file in RAY_AUTH_TOKEN_PATH"
        )


def _require_answer(address: str) -> None:
    """Raise TrainingError when nothing listens at ``address``; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise TrainingError(
            f"--address {address}: nothing answers there ({error}); start the cluster (ray start --head), and use the "
            "address that it prints"
        ) from None


def _has_token() -> bool:
    named = os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH")
    return bool(named) or (Path.home() / ".ray" / "auth_token").is_file()
