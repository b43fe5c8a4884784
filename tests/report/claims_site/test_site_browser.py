"""The site in a real browser: nothing is requested, nothing fails, everybody can read it, on paper and phones too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.claims import load_library
from harness.report.claims_site.site import write_site
from tests.report.browser import hindrances, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[3]
PAGES = ("index.html", "audit.html", "datasets/urbansound8k.html", "papers/su2019.html")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site of the included claims files and a report."""
    made = tmp_path_factory.mktemp("claims site")
    write_site(load_library(), made, [ROOT / "reports" / "su2019-urbansound8k"])
    return made


@pytest.fixture
def page(browser: Browser, folder: Path, seen: list[str]) -> Iterator[Page]:
    found = opened(browser, folder / "datasets/urbansound8k.html", seen, viewport={"width": 1280, "height": 900})
    yield found
    assert seen == []
    found.context.close()


def test_claims_are_filtered_and_sorted_within_their_split(page: Page) -> None:
    split = load_library().claim("piczak2015cnn:US8K/CNN").table.split
    table = page.locator(f"#table-split-{split}")
    page.get_by_label(f"Filter rows: UrbanSound8K, split {split}.").fill("piczak2015cnn")
    shown = table.locator("tbody tr:visible")
    assert {row.locator("th").inner_text() for row in shown.all()} == {
        "piczak2015cnn:US8K/CNN",
        "piczak2015cnn:paper-US8K/CNN",
    }
    page.get_by_label(f"Filter rows: UrbanSound8K, split {split}.").fill("")
    table.get_by_role("button", name="Accuracy").click()
    accuracies = [float(row.locator("td").nth(2).inner_text()) for row in table.locator("tbody tr").all()]
    assert accuracies == sorted(accuracies, reverse=True)
    table.get_by_role("button", name="Claim").click()
    names = [row.locator("th").inner_text() for row in table.locator("tbody tr").all()]
    assert names[0][0] <= names[-1][0]
    assert names[0] == min(names, key=str.lower)


def test_a_claim_leads_to_its_paper_and_back(page: Page, seen: list[str]) -> None:
    page.get_by_role("link", name="bristol2019:replication/TSCNN").click()
    page.wait_for_url("**/papers/bristol2019.html#claims-replication")
    page.get_by_role("link", name="UrbanSound8K").first.click()
    page.wait_for_url("**/datasets/urbansound8k.html")
    assert all(address.startswith("file:") for address in seen)
    seen.clear()


def test_the_figure_has_a_row_for_every_protocol(page: Page) -> None:
    figure = page.locator("#figure-claims svg")
    assert figure.get_attribute("role") == "img"
    rows = page.locator("#table-protocols tbody tr").count()
    assert figure.locator("text", has_text="epoch ").count() == rows > 5


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_hinders_readers(browser: Browser, folder: Path, seen: list[str], name: str, scheme: str) -> None:
    page = opened(browser, folder / name, seen, color_scheme=scheme)
    assert hindrances(page) == []
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_scrolls_the_page_in_one_direction(browser: Browser, folder: Path, seen: list[str], name: str) -> None:
    page = opened(browser, folder / name, seen, viewport={"width": 390, "height": 800})
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert seen == []
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_pages_print_and_are_read_without_a_script(browser: Browser, folder: Path, seen: list[str], name: str) -> None:
    page = opened(browser, folder / name, seen, java_script_enabled=False)
    assert page.locator("table:visible").count() > 0
    assert page.locator("h2:visible").count() == page.locator("h2").count() - 1  # that of the empty dialog
    assert page.pdf().startswith(b"%PDF")
    assert seen == []
    page.context.close()
