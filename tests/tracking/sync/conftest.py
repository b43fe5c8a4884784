"""A real server behind a proxy, and a study of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.tracking.ui import ui_server
from tests.servers import Proxy, free_port, proxy_to


@pytest.fixture(scope="module")
def server(new_store: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one MLflow server for all tests; each has an experiment of its own."""
    with ui_server(new_store(tmp_path_factory.mktemp("server")), port=free_port()) as (_, url):
        yield url


@pytest.fixture
def proxy(server: str) -> Iterator[Proxy]:
    """Run a proxy before the server; the tests see the server through it alone."""
    with proxy_to(server) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, without the seconds of waiting for a server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("harness.tracking.sync.delivery.time.sleep", lambda _: None)
    monkeypatch.setattr("harness.tracking.sync.delivery._SECONDS_BETWEEN_TRIES", 0)


@pytest.fixture
def remote(make_study: Callable[..., Any], proxy: Proxy, request: pytest.FixtureRequest) -> Any:
    """Return a study of the server, named after its test."""
    section = {"name": re.sub(r"\W+", "-", request.node.name), "question": "Does it arrive?", "seed": 3}
    return make_study(study=section).with_changes(uri=proxy.url)
