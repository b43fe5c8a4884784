"""What the guard in front of MLflow lets through, and how the app behind it sees that."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from harness.errors import TrackingError
from harness.system.redaction import mask_secrets
from harness.tracking.ui_app import VARIABLE, create_app, guarded, new_token, token_path

TOKEN = "t" * 16


def _ask(path: str, method: str = "GET", kind: str = "http", **headers: str) -> tuple[list[Any], list[Any]]:
    """Return what the app behind the guard was asked, and what the client was sent."""
    asked: list[Any] = []
    sent: list[Any] = []

    async def app(scope: Any, _: Any, send: Any) -> None:
        asked.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"15")]})
        await send({"type": "http.response.body", "body": b"<head>", "more_body": True})
        await send({"type": "http.response.body", "body": b"</head>"})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": kind, "path": path, "raw_path": path.encode(), "method": method}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(guarded(app, TOKEN)(scope, None, send))  # type: ignore[arg-type]
    return asked, sent


def test_the_app_sees_the_path_without_the_token() -> None:
    [scope], sent = _ask(f"/token={TOKEN}/get-artifact")
    assert (scope["path"], scope["raw_path"]) == ("/get-artifact", b"/get-artifact")
    assert [message.get("body") for message in sent] == [None, b"<head>", b"</head>"]
    [scope], sent = _ask(f"/token={TOKEN}/")
    assert scope["path"] == "/"
    [start, page] = sent
    assert dict(start["headers"])[b"content-length"] == str(len(page["body"])).encode()
    assert page["body"].startswith(b"<head><style>")
    assert page["body"].endswith(b"</script></head>")


@pytest.mark.parametrize("path", ["/", "", "/token=", f"/token={TOKEN}x/", f"token={TOKEN}/", f"//token={TOKEN}/"])
def test_another_path_never_reaches_the_app(path: str) -> None:
    asked, [start, _] = _ask(path)
    assert (asked, start["status"]) == ([], 403)


def test_only_a_page_of_the_server_itself_writes() -> None:
    path = f"/token={TOKEN}/api/2.0/mlflow/runs/create"
    assert _ask(path, "POST", host="h:1", origin="http://h:1")[0]
    # A proxy in front that speaks TLS keeps the name.
    assert _ask(path, "POST", host="h:1", origin="https://h:1")[0]
    assert _ask(path, "POST", host="h:1")[0]
    for origin in ("http://h:2", "null", "http://[", ""):
        asked, _ = _ask(path, "POST", host="h:1", origin=origin)
        assert bool(asked) == (origin == ""), origin


def test_other_kinds_of_connection_are_closed() -> None:
    assert _ask(f"/token={TOKEN}/", kind="websocket") == ([], [{"type": "websocket.close", "code": 1008}])
    assert _ask(f"/token={TOKEN}/", kind="lifespan") == ([], [])


def test_a_token_may_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert len({new_token() for _ in range(10)}) == 10
    with pytest.raises(TrackingError, match="is not set"):
        create_app()
    monkeypatch.setenv(VARIABLE, TOKEN)
    assert new_token() == TOKEN
    for wrong in ("", "short", "with/a/slash/in/it", "\u00fc" * 20, "x" * 201):
        monkeypatch.setenv(VARIABLE, wrong)
        with pytest.raises(TrackingError, match="16 to 200") as caught:
            new_token()
        assert not wrong or wrong not in str(caught.value)


def test_the_token_is_masked_in_what_is_recorded() -> None:
    assert TOKEN not in mask_secrets(f"http://127.0.0.1:5000{token_path(TOKEN)}/#/experiments/1")
