"""An MLflow server that is down, dies or answers 500: the study ends, and in the end the server has every run once."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from harness.tracking.store import open_store
from harness.tracking.ui import ui_server
from harness.tracking.ui_app import token_path
from tests.servers import free_port, not_mirrored, proxy_to
from tests.soak import evidence
from tests.soak.faults import WORKING, Scenario
from tests.soak.kills import must
from tests.soak.process import Event, Study

_NAME = "soak"
_TOKEN = "soak" * 4


def server_down(one: Scenario) -> list[str]:
    """No server answers while the study runs; afterwards it is there."""
    url = _address()
    with proxy_to("http://127.0.0.1:9") as proxy:
        proxy.passing = 0
        one.study = Study(one.study.folder / "down", options=(*one.peace.options, "--tracking-uri", proxy.url))
        bad = [*must(one.study.run(), 0), *one.end()]
        with _server(one.study.folder / "server", url) as _:
            proxy.target, proxy.passing = url, None
            return [*bad, *_sent(one.study, url)]


def server_killed(one: Scenario) -> list[str]:
    """The server dies at a random moment of the study, and comes back with what it had."""
    url = _address()
    place = one.study.folder / "killed"
    one.study = Study(place, options=(*one.peace.options, "--tracking-uri", url))
    with _server(place / "server", url) as group:

        def kill(_: int) -> None:
            os.killpg(group, signal.SIGKILL)

        bad = [*must(one.study.run(on_event=one.after(WORKING, kill)), 0), *one.end()]
    with _server(place / "server", url):
        return [*bad, *_sent(one.study, url)]


def server_ill(one: Scenario) -> list[str]:
    """The server answers 500 now and then, sometimes after it has done what it was asked to."""
    place = one.study.folder / "ill"
    url = _address()
    with _server(one.study.folder / "server", url), proxy_to(url) as proxy:
        one.study = Study(place, options=(*one.peace.options, "--tracking-uri", proxy.url))

        def fall_ill(_: int, seen: list[Event]) -> bool:
            if seen[-1].phase in WORKING and proxy.passing is None:
                proxy.passing, proxy.forgetful = one.draw.randrange(1, 200), one.draw.random() < 0.5
            return False

        bad = must(one.study.run(on_event=fall_ill), 0)
        proxy.passing = None
        return [*bad, *one.end(), *_sent(one.study, url)]


@contextmanager
def beside_a_server(
    place: Path, options: Sequence[str], workers: int = 1
) -> Iterator[tuple[Study, Callable[[], list[str]]]]:
    """Run a server; yield a study of it, below ``place``, and what tells which of its runs the server lacks, or has
    twice, without any being sent."""
    url = _address()
    study = Study(place, workers=workers, options=(*options, "--tracking-uri", url))
    # Not in the study's folder, which is removed when all went well.
    with tempfile.TemporaryDirectory(prefix="soak-server-") as home, _server(Path(home), url):
        yield study, lambda: _missing(study, url)


@contextmanager
def _server(folder: Path, url: str) -> Iterator[int]:
    """Run an MLflow server with a store of its own in ``folder``; yields its process group."""
    folder.mkdir(exist_ok=True)
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    open_store(uri, create=True)
    with ui_server(uri, port=int(urlsplit(url).port or 0), token=_TOKEN) as (process, _):
        yield process.pid


def _address() -> str:
    """Return where a server will be, before it is there and again after its end."""
    return f"http://127.0.0.1:{free_port()}{token_path(_TOKEN)}"


def _sent(study: Study, server: str) -> list[str]:
    """Return what is missing on the server after ``harness sync``."""
    return [*must(study.command("sync"), 0), *_missing(study, server)]


def _missing(study: Study, server: str) -> list[str]:
    spool = evidence.store_folder(study.folder)
    copies = study.folder / "copies"
    bad = not_mirrored(f"sqlite:///{spool / 'mlflow.db'}", server, _NAME, copies)
    shutil.rmtree(copies, ignore_errors=True)
    return bad


SERVERS = {
    "server down": (server_down, 1),
    "server killed": (server_killed, 1),
    "server answers 500": (server_ill, 1),
}
"""By name: what it does, and with how many workers."""
