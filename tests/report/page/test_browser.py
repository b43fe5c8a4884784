"""report.html in a real browser: what a reader does with it, and that nothing leaves the page or runs in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from harness.report.evidence import Evidence, gather
from harness.report.page.clip_player import Audio, clips_section
from harness.training.metrics import predicted_classes
from tests.records import searched_record
from tests.report.browser import hindrances, opened
from tests.report.page.pages import END, HOSTILE, hostile_record, page_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SECONDS = 1.5


@pytest.fixture(scope="module")
def shown() -> Evidence:
    """Return the evidence of a searched study with claims, three folds and two seeds."""
    return gather(searched_record(n_seeds=2, clips_per_class=3))


@pytest.fixture(scope="module")
def site(shown: Evidence, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a study with the three clips that most arms miss."""
    folder = tmp_path_factory.mktemp("page")
    tone = np.sin(2 * np.pi * 440 * np.arange(int(SECONDS * 8000)) / 8000)
    soundfile.write(folder / "tone.wav", tone, 8000, subtype="PCM_16")
    files = dict.fromkeys(shown.record.predictions["clip_id"].unique(), folder / "tone.wav")
    (folder / "report.html").write_text(page_of(shown, clips_section(shown, Audio(files, 3))), encoding="utf-8")
    return folder / "report.html"


@pytest.fixture
def page(browser: Browser, site: Path, seen: list[str]) -> Iterator[Page]:
    found = opened(browser, site, seen, viewport={"width": 1280, "height": 900})
    yield found
    assert seen == []
    found.context.close()


def column(page: Page, table: str, number: int) -> list[str]:
    rows = page.locator(f"#table-{table} tbody tr:visible")
    return [row.locator("th, td").nth(number).inner_text() for row in rows.all()]


def test_a_heading_sorts_its_column_and_then_restores_the_order(page: Page) -> None:
    before = column(page, "hyperparameters", 1)
    heading = page.locator("#table-hyperparameters th").nth(5)
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    down = [float(text) for text in column(page, "hyperparameters", 5)]
    assert down == sorted(down, reverse=True)
    assert len(set(down)) > 1
    heading.get_by_role("button").press("Enter")
    up = [float(text) for text in column(page, "hyperparameters", 5)]
    assert up == sorted(up)
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") is None
    assert column(page, "hyperparameters", 1) == before


def test_words_filter_rows_and_the_number_of_rows_is_announced(page: Page) -> None:
    names = column(page, "classes", 0)
    page.get_by_label("Filter rows: Accuracy per class").fill("rain")
    assert column(page, "classes", 0) == [name for name in names if "rain" in name] == ["rain"]
    assert page.locator("#table-classes output").inner_text() == f"1 of {len(names)} rows"
    page.get_by_label("Filter rows: Accuracy per class").fill("")
    assert column(page, "classes", 0) == names


def test_a_confusion_cell_lists_its_clips(page: Page, shown: Evidence) -> None:
    figures = page.locator('figure[data-kind="confusion"]')
    page.locator("#classes select").select_option(label="MCNet")
    figure = figures.filter(visible=True)
    assert figure.count() == 1
    rows = shown.record.predictions
    own = rows[rows["arm"] == "MCNet"].assign(called=predicted_classes)
    wrong = own[own["called"] != own["y_true"]].iloc[0]
    cell = own[(own["y_true"] == wrong["y_true"]) & (own["called"] == wrong["called"])]
    figure.locator("tbody tr").nth(wrong["y_true"]).locator("td").nth(wrong["called"]).get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    listed = {tuple(row.locator("th, td").all_inner_texts()) for row in dialog.locator("tbody tr").all()}
    names = shown.record.classes
    title = f"MCNet: {names[wrong['y_true']]} classified as {names[wrong['called']]}, {len(cell)} test"
    assert dialog.get_by_role("heading").inner_text().startswith(title)
    assert listed == {
        (row.clip_id, str(row.fold), str(row.seed), f"{100 * getattr(row, f'p_{row.called}'):.0f} %")
        for row in cell.itertuples()
    }
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_arrow_keys_move_between_cells_and_counts_replace_percent(page: Page) -> None:
    figure = page.locator('figure[data-kind="confusion"]').filter(visible=True)
    assert figure.locator('button[tabindex="0"]').count() == 1
    first = figure.locator("td button").first
    first.focus()
    before = page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("ArrowRight")
    after = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert after.endswith("list the clips")
    assert after != before
    page.get_by_label("Counts instead of percent").check()
    cells = figure.locator("td[data-n]")
    assert cells.all_inner_texts() == [cell.get_attribute("data-n") for cell in cells.all()]


def test_curves_of_one_training_are_drawn(page: Page) -> None:
    page.locator("#training select").first.select_option(label="MCNet")
    figure = page.locator('figure[data-kind="curves"]').filter(visible=True)
    assert figure.get_attribute("data-arm") == "MCNet"
    page.locator("#training select").nth(1).select_option(label="fold 2, seed 1")
    chart = figure.get_by_role("img")
    assert chart.get_attribute("aria-label") == "Learning curves of MCNet, fold 2, seed 1"
    paths = [path.get_attribute("d") for path in chart.locator("path").all()]
    assert len(paths) == 4
    assert all(path.count("L") == 29 for path in paths)
    page.locator("#training select").nth(1).select_option(label="all folds")
    assert figure.locator(".one").count() == 0


def test_a_clip_can_be_played(page: Page) -> None:
    sounds = page.locator("audio")
    assert sounds.count() == 3
    for sound in sounds.all():
        duration = sound.evaluate(
            "async one => { if (!one.readyState) await new Promise(resolve => one.onloadedmetadata = resolve);"
            " return one.duration; }"
        )
        assert duration == pytest.approx(SECONDS, abs=0.01)
    assert sounds.first.evaluate("async one => { one.muted = true; await one.play(); return !one.paused; }")


def test_everything_folded_is_printed(page: Page) -> None:
    folded = page.locator("main details:not([open])")
    assert folded.count() > 2
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert folded.count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert folded.count() > 2
    assert page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_hinders_readers_who_use_keyboard_or_screen_reader(
    browser: Browser, site: Path, seen: list[str], scheme: str
) -> None:
    page = opened(browser, site, seen, color_scheme=scheme)
    assert hindrances(page) == []
    page.context.close()


def test_a_phone_scrolls_the_page_in_one_direction(browser: Browser, site: Path, seen: list[str]) -> None:
    page = opened(browser, site, seen, viewport={"width": 390, "height": 800})
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    # What goes on to the right fades out there, until it is scrolled to its end.
    look = "one => getComputedStyle(one).getPropertyValue('--fade')"
    wide = page.locator("#table-contrasts .scroll")
    assert wide.evaluate(look) == "24px"
    wide.evaluate("one => { one.scrollTo(one.scrollWidth, 0); return new Promise(requestAnimationFrame); }")
    assert wide.evaluate(look) == "0px"
    for each in page.locator(".scroll").all():
        if each.evaluate("one => one.scrollWidth === one.clientWidth"):
            assert each.evaluate(look) == "0px"
    page.context.close()


def test_without_a_script_everything_is_readable(
    browser: Browser, site: Path, seen: list[str], shown: Evidence
) -> None:
    page = opened(browser, site, seen, java_script_enabled=False)
    assert page.locator('figure[data-kind="confusion"]:visible').count() == len(shown.scores.confusions)
    assert page.locator('figure[data-kind="curves"] svg:visible').count() == 2
    assert page.locator(".card:visible").count() == len(page.locator(".card").all()) > 0
    titles = page.locator("h2:visible").all_inner_texts()
    assert {"Findings", "Protocol", "Accuracy", "Classes", "Search", "Training", "Leakage", "Environment"} <= {*titles}
    page.context.close()


def test_text_that_is_markup_is_shown_as_text(browser: Browser, tmp_path: Path, seen: list[str]) -> None:
    (tmp_path / "report.html").write_text(page_of(gather(hostile_record())), encoding="utf-8")
    page = opened(browser, tmp_path / "report.html", seen, viewport={"width": 1280, "height": 900})
    figure = page.locator('figure[data-kind="confusion"]').filter(visible=True)
    figure.locator("td button").first.click()
    dialog = page.get_by_role("dialog")
    assert HOSTILE in dialog.get_by_role("heading").inner_text()
    assert END in dialog.locator("tbody th").first.inner_text()
    page.keyboard.press("Escape")
    page.wait_for_timeout(100)
    assert page.title() == "synthetic-study"
    assert HOSTILE in page.locator(".question").inner_text()
    assert page.locator("main img").count() == 0
    assert page.locator("body > script").count() == page.locator("script").count()
    assert not re.search("error|refused", " ".join(seen), flags=re.IGNORECASE)
    page.context.close()
