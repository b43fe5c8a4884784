"""Servers listen on this machine alone unless somebody says otherwise, and then a warning says what that means."""

from __future__ import annotations

import inspect
import socket
from contextlib import contextmanager
from pathlib import Path

import pytest

import harness
from harness.cli.studies import ui_command
from harness.tracking import ui
from harness.tracking.ui import LOOPBACK, serve_ui, ui_server

PACKAGE = Path(harness.__file__).parent


def test_every_default_is_loopback() -> None:
    [host] = [option for option in ui_command.params if option.name == "host"]
    assert host.default == "127.0.0.1"
    for function in (serve_ui, ui_server):
        assert inspect.signature(function).parameters["host"].default == "127.0.0.1"
    for name in LOOPBACK:
        assert all(each[4][0] in ("127.0.0.1", "::1") for each in socket.getaddrinfo(name, None))


def test_nothing_in_the_package_listens_on_every_address() -> None:
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "0.0.0.0" not in source, path
        # Whoever listens must be known here: the UI (its address is tested in tests/tracking/test_ui.py).
        listens = any(word in source for word in (".bind(", "socketserver", "http.server", "start_server", "--host"))
        assert not listens or path.relative_to(PACKAGE).as_posix() in ("tracking/ui.py", "cli/studies.py"), path


def test_a_wider_address_is_warned_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def stopped(*_: object):  # type: ignore[no-untyped-def]
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(ui, "ui_server", stopped)
    serve_ui(f"sqlite:///{tmp_path}/x.db", "0.0.0.0")
    assert "without encryption: anyone who has the address below" in capsys.readouterr().err
    serve_ui(f"sqlite:///{tmp_path}/x.db")
    assert capsys.readouterr().err == ""
