"""The MLflow UI in a real browser, at the addresses that `harness ui` prints: nothing has to be searched for or set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from mlflow.tracking import MlflowClient

from harness.tracking.study_recorder import log_notes
from harness.tracking.ui import study_addresses, ui_server
from tests.servers import free_port
from tests.tracking.conftest import small_study

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pages(new_store: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Serve a study; return the addresses of its runs, its models, the study run and one model."""
    study = small_study(new_store(tmp_path_factory.mktemp("ui")))
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        for fold in (1, 2):
            study.run_fold(recorder, trial, study.task(fold=fold))
        recorder.finish_trial(trial, {1: 0.5, 2: 0.75}, "test")
    log_notes(study.uri, recorder.run_id, "- A is *lower*.", {"A": "- found"}, {"A": "lower"})
    client = MlflowClient(study.uri)
    experiment = client.get_run(recorder.run_id).info.experiment_id
    (first, _) = client.search_logged_models([experiment], order_by=[{"field_name": "name"}])
    with ui_server(study.uri, port=free_port()) as (_, url):
        below = f"{url}/#/experiments/{experiment}"
        yield {
            "runs": study_addresses(study.uri, url)["tiny"],
            "study": f"{below}/runs/{recorder.run_id}",
            "fold": f"{below}/runs/{first.source_run_id}",
            "models": f"{below}/models?workflowType=machine_learning",
            "model": f"{below}/models/{first.model_id}",
            "model id": first.model_id,
        }


def opened(browser: Browser, address: str, width: int = 1400) -> Page:
    """Open a page; nothing is asked of another host, and nothing in it fails."""
    page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    page.set_default_timeout(120_000)
    host = urlsplit(address).netloc
    wrong: list[str] = []
    page.on("request", lambda asked: wrong.append(asked.url) if urlsplit(asked.url).netloc not in (host, "") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    assert wrong == []
    return page


def test_the_table_of_runs_shows_accuracy_model_features_and_verdict(browser: Browser, pages: dict[str, str]) -> None:
    page = opened(browser, pages["runs"], width=1280)
    page.get_by_text("A final").first.wait_for()
    for text in ("0.625", "su4", "LMC", "lower"):
        box = page.get_by_role("gridcell", name=text).first.bounding_box()
        assert box is not None
        # The table ends 30 pixels before the window, and what is further right would have to be scrolled to.
        assert box["x"] + box["width"] <= 1250
    assert page.get_by_text("You're viewing a shared view").filter(visible=True).count() == 0
    assert page.get_by_text("fold 1 seed 0 A final").count() == 0


def test_the_study_run_opens_on_its_findings_and_accuracies(browser: Browser, pages: dict[str, str]) -> None:
    page = opened(browser, pages["study"])
    page.get_by_text("A is lower.").first.wait_for()
    for name in ("macro_accuracy/A", "sd/A", "by_fold/A"):
        page.get_by_text(name, exact=True).first.wait_for()


def test_a_training_opens_on_where_its_curves_and_pictures_are(browser: Browser, pages: dict[str, str]) -> None:
    page = opened(browser, pages["fold"])
    page.get_by_text("learning curves by epoch").first.wait_for()
    page.get_by_text("test_macro_accuracy", exact=True).first.wait_for()


def test_the_models_are_listed_with_their_runs_and_one_data_set(browser: Browser, pages: dict[str, str]) -> None:
    page = opened(browser, pages["models"])
    for fold in (1, 2):
        page.get_by_text(f"A fold {fold} seed 0").first.wait_for()
    page.get_by_role("button", name="Columns").click()
    page.get_by_text("Parameters", exact=True).first.wait_for()
    # All scores are columns of one data set, so that folds can be compared.
    assert {text.split()[1] for text in page.get_by_text("Dataset: ").all_inner_texts()} == {"synthetic"}


def test_a_model_says_how_it_is_used(browser: Browser, pages: dict[str, str]) -> None:
    page = opened(browser, pages["model"])
    page.get_by_text(f"harness predict models:/{pages['model id']} FILE.wav").first.wait_for()
    page.get_by_text("test_macro_accuracy", exact=True).first.wait_for()


def test_on_a_phone_the_menu_is_folded(browser: Browser, pages: dict[str, str]) -> None:
    page = opened(browser, pages["models"], width=390)
    page.get_by_text("A fold 1 seed 0").first.wait_for()
    page.get_by_text("Model registry", exact=True).wait_for(state="hidden")
    page.locator('[data-component-id="mlflow_header.toggle_sidebar_button"]').click()
    page.get_by_text("Model registry", exact=True).wait_for()
