"""The committed overview of the protocol studies follows from their reports, and those from their predictions."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from harness.report.overview import overview, read_report
from harness.report.typeset.latex_table import table_tex

REPORTS = Path(__file__).parents[2] / "reports"
FOLDER = REPORTS / "overview"
STUDIES = ("protocols-urbansound8k", "protocols-esc10")


def text_of(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def test_table_and_markdown_are_what_the_committed_results_give() -> None:
    table, markdown, _, _ = overview([read_report(REPORTS / study) for study in STUDIES])
    assert text_of("protocols.md") == markdown
    assert text_of("protocols.tex") == table_tex(table, "tab:overview-protocols")
    assert text_of("protocols.csv") == table.data.to_csv(index=False, lineterminator="\n")


def test_every_mean_follows_from_the_predictions() -> None:
    table = pd.read_csv(FOLDER / "protocols.csv").set_index("arm")["mean"].to_dict()
    expected: dict[str, float] = {}
    for study in STUDIES:
        title = read_report(REPORTS / study).title
        predictions = pd.read_parquet(REPORTS / study / "predictions.parquet")
        predictions["predicted"] = predictions.filter(regex=r"^p_\d+$").to_numpy().argmax(axis=1)
        for arm, mine in predictions.groupby("arm"):
            folds = [balanced_accuracy_score(fold["y_true"], fold["predicted"]) for _, fold in mine.groupby("fold")]
            expected[f"{arm}, {title}"] = 100 * sum(folds) / len(folds)
    assert table == pytest.approx(expected)


def test_the_table_says_which_folds_were_tested() -> None:
    for study in STUDIES:
        protocol = json.loads((REPORTS / study / "results.json").read_text(encoding="utf-8"))["protocol"]
        tested, official = len(protocol["tested_folds"]), len(protocol["official_folds"])
        if tested < official:
            assert f"({tested} of {official} folds)" in text_of("protocols.md")
            assert f"({tested} of {official} folds)" in text_of("protocols.tex").replace("\\allowbreak{}", "")
