"""Pages in a real browser: opened while everything that they should not do is noted, and checked for accessibility."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def opened(browser: Browser, path: Path, seen: list[str], **options: Any) -> Page:
    """Open the page at ``path``; its later requests, errors and messages are added to ``seen``."""
    page = browser.new_context(**options).new_page()
    page.on("console", lambda message: seen.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: seen.append(f"error: {error}"))
    page.on("request", lambda request: seen.append(request.url) if not request.url.startswith("data:") else None)
    page.goto(path.as_uri())
    assert seen == [path.as_uri()], "only the page itself is requested"
    seen.clear()
    return page


def hindrances(page: Page) -> list[tuple[str, str]]:
    """Return what axe-core finds on ``page`` with everything unfolded: the rule, and the first element."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    response = axe.run(page).response
    assert len(response["passes"]) > 20
    return [(each["id"], each["nodes"][0]["html"][:200]) for each in response["violations"]]
