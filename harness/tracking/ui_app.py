"""MLflow's server protected by a token, reduced to what is needed to view and record runs.

MLflow does not ask for a password, and up to 3.18 its assistant runs shell commands for anyone who can reach it from
this machine: another account, or any page that a browser shows from a server on localhost. Therefore only the routes
named here are served. The token is part of the address's path because a browser sends cookies to every port of a host,
and so to the servers of other accounts.

``mlflow server --app-name harness`` runs it, with the token in the environment variable ``HARNESS_UI_TOKEN``.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from harness.errors import TrackingError

VARIABLE = "HARNESS_UI_TOKEN"

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,200}")
_PAGES = re.compile(r"/|/(?:static-files/.+|get-artifact|graphql|health|version)")
_API = re.compile(
    r"/(?:ajax-)?api/2\.0/mlflow/(?:experiments|runs|metrics|artifacts|logged-models|upload-artifact)(?:/.+)?"
    r"|/(?:ajax-)?api/2\.0/mlflow-artifacts/.+"
    r"|/(?:ajax-)?api/3\.0/mlflow/server-info"
)
# Requested by the pages of runs. In MLflow they can also write: models are fetched from any address, and the gateway
# calls language models. The UI's environment never sets up a gateway, so it only reports that there is none.
_ONLY_READ = re.compile(
    r"/(?:ajax-)?api/2\.0/mlflow/(?:(?:model-versions|registered-models)/(?:search|get)|gateway-proxy)"
    r"|/(?:ajax-)?api/3\.0/mlflow/ui-telemetry"
)
# The part of the runs API that calls a language model, and paths that a router could read otherwise.
_NEVER = re.compile(r"create-promptlab-run|(?:^|/)\.\.(?:/|$)|//|\\")
# The page opens on trained models instead of language models, and without the assistant's panel and the notice
# on usage statistics, which are not available here. Nothing is above the table of runs that says that its view is a
# saved one (:is(#a, *) counts as an id, or MLflow's own style would win). On a phone the menu, which takes half the
# width, is folded.
_SCRIPT = b"""<style>
[data-assistant-ui], [data-component-id="mlflow.experiment_page.shared_view.banner"]:is(#a, *) {
  display: none !important;
}
</style><script>try {
  const set = (name, value) => localStorage.setItem(name + "_v1", JSON.stringify(value));
  if (localStorage.getItem("mlflow.workflowType_v1") === null) set("mlflow.workflowType", "machine_learning");
  set("mlflow.assistant.fab.autoOpenedOnFirstLoad", true);
  set("mlflow.assistant.panelOpen", false);
  set("mlflow.settings.telemetry.enabled", false);
  set("mlflow.telemetry.info.alert.dismissed", true);
} catch {}
if (innerWidth < 700) new MutationObserver((_, waiting) => {
  const menu = document.querySelector('[data-component-id="mlflow_header.toggle_sidebar_button"]');
  if (menu) { waiting.disconnect(); menu.click(); }
}).observe(document, { childList: true, subtree: true });
</script>"""
_HEADERS = [
    (b"referrer-policy", b"no-referrer"),
    # Nothing is fetched from or sent to another host, whatever a page or an artifact in it requests.
    (
        b"content-security-policy",
        b"default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; form-action 'self'; frame-ancestors 'self'",
    ),
]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def new_token() -> str:
    """Return the token in ``HARNESS_UI_TOKEN``, or a new one if the variable is not set.

    Raises
    ------
    TrackingError
        When the variable holds anything but 16 to 200 letters, digits, ``_`` and ``-``.
    """
    given = os.environ.get(VARIABLE)
    if given is None:
        return secrets.token_urlsafe(24)
    if not _TOKEN.fullmatch(given):
        raise TrackingError(
            f"{VARIABLE} must have 16 to 200 letters, digits, _ or -, received {len(given)} characters; correct it, or "
            "unset it for a new token at each start"
        )
    return given


def token_path(token: str) -> str:
    """Return the part of an address that grants access; named so that it is masked where passwords are."""
    return f"/token={token}"


def create_app() -> App:
    """Return the guarded app; MLflow reads its stores from the environment.

    Raises
    ------
    TrackingError
        When no token is set.
    """
    if VARIABLE not in os.environ:
        raise TrackingError(f"{VARIABLE} is not set: start the UI with `harness ui`, which sets it")
    token = new_token()
    # No process started by MLflow needs it.
    del os.environ[VARIABLE]
    from mlflow.server.fastapi_app import app

    return guarded(app, token)


def guarded(app: App, token: str) -> App:
    """Return ``app`` below the token's path, without the routes that are not named here."""
    prefix = token_path(token)

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            return
        first, slash, rest = scope["path"][1:].partition("/")
        # In constant time, and as bytes, since only ASCII text could be compared as text.
        if not secrets.compare_digest(f"/{first}".encode(), prefix.encode()):
            await _answer(
                send, HTTPStatus.FORBIDDEN, "Open the address that `harness ui` printed: it contains the token.\n"
            )
            return
        if not slash:
            await _answer(send, HTTPStatus.PERMANENT_REDIRECT, "", (b"location", f"{prefix}/".encode()))
            return
        path = f"/{rest}"
        if fault := _fault(scope["method"], path, dict(scope["headers"])):
            await _answer(send, HTTPStatus.FORBIDDEN, f"{fault}\n")
            return

        async def send_more(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        started: list[MutableMapping[str, Any]] = []
        page: list[bytes] = []

        async def send_page(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
                return
            page.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body = b"".join(page).replace(b"<head>", b"<head>" + _SCRIPT, 1)
            kept = [(name, value) for name, value in started[0]["headers"] if name.lower() != b"content-length"]
            length = (b"content-length", str(len(body)).encode())
            await send_more({**started[0], "headers": [*kept, length]})
            await send({"type": "http.response.body", "body": body})

        raw = scope.get("raw_path") or scope["path"].encode()
        inner = {**scope, "path": path, "raw_path": b"/" + raw[1:].partition(b"/")[2]}
        await app(inner, receive, send_page if path == "/" and scope["method"] == "GET" else send_more)

    return guard


def _fault(method: str, path: str, headers: dict[bytes, bytes]) -> str:
    """Return why a request with the right token is refused; empty if it is not."""
    reads = method in ("GET", "HEAD", "OPTIONS")
    origin = headers.get(b"origin")
    if origin and not reads and origin.partition(b"://")[2] != headers.get(b"host"):
        return "This request comes from a page of another server."
    served = _PAGES.fullmatch(path) or _API.fullmatch(path) or (reads and _ONLY_READ.fullmatch(path))
    if not served or _NEVER.search(path):
        return "`harness ui` only serves what is needed to view and record runs, not this part of MLflow."
    return ""


async def _answer(send: Send, status: HTTPStatus, text: str, *more: tuple[bytes, bytes]) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS, *more]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
