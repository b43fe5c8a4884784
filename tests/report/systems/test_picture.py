"""The figure of systems: every system has a row, and its parts follow from what is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from harness.comparisons.systems.system import FoldAccuracies
from harness.comparisons.systems.system_comparison import SystemComparisons, compare_systems, systems_from
from harness.report.style import figure_style, png_bytes
from harness.report.systems.picture import systems_figure
from harness.report.systems.sentences import detectable_sentences, findings
from harness.report.systems.system_tables import pairs_table, systems_table


def _compared(names: list[str]) -> SystemComparisons:
    rng, labels = np.random.default_rng(0), np.arange(200) % 4
    clips = {"clip": np.arange(200), "y_true": labels, "fold": np.arange(200) // 40, "recording": np.arange(200) // 2}
    skills = np.linspace(0.9, 0.3, len(names))
    return compare_systems(
        systems_from(
            {
                name: pd.DataFrame({**clips, "y_pred": np.where(rng.random(200) < skill, labels, (labels + 1) % 4)})
                for name, skill in zip(names, skills, strict=True)
            }
        )
    )


def test_every_system_has_a_row_and_its_letters() -> None:
    found = _compared(["first", "costs $5", "a name that is much too long for the margin of a figure", "last"])
    with figure_style():
        figure = systems_figure(found)
        assert png_bytes(figure)[:4] == b"\x89PNG"
    accuracies, ranks = figure.axes
    labels = [text.get_text() for text in accuracies.get_yticklabels()]
    assert labels[0] == "first"
    assert r"costs \$5" in labels
    assert any(label.endswith("…") for label in labels)
    assert [text.get_text() for text in ranks.texts] == [row for row in found.table["group"] if row]
    drawn = {text.get_text() for text in figure.legends[0].get_texts()}
    assert drawn == {"over recordings", "accuracy over folds", "rank over folds", "ranks that the tests leave open"}


def test_accuracies_of_folds_have_no_recordings() -> None:
    systems = [
        FoldAccuracies(name=name, by_fold=dict(enumerate(values)))
        for name, values in (("a", [80.0, 82]), ("b", [70.0, 75]))
    ]
    found = compare_systems(systems)
    with figure_style():
        figure = systems_figure(found)
    assert "over recordings" not in {text.get_text() for text in figure.legends[0].get_texts()}
    assert "over recordings" not in systems_table(found).printed
    assert "p over clips" not in pairs_table(found).printed
    assert figure.axes[0].get_xlabel() == "Clip accuracy in %"


def test_tables_say_what_would_be_found() -> None:
    sentences = detectable_sentences(_compared(["a", "b", "c"]))
    assert len(sentences) == 2
    assert "if 3 pairs are a family" in sentences[0]
    assert "one of" not in detectable_sentences(_compared(["a", "b"]))[0]


def test_the_first_sentence_says_what_was_found() -> None:
    found = _compared(["a", "b", "c"])
    (sentence,) = findings(found)
    assert sentence.startswith("a has the highest accuracy, ")
    alike = [name for name in "bc" if ("a", name) not in found.differ]
    if alike:
        assert f"not shown to differ from a: {', '.join(alike)} (of 2 other systems)" in sentence
    declared = compare_systems([each.system for each in found.standings], [("c", "a")])
    (sentence,) = findings(declared)
    assert "Of 1 pair tested (declared pairs)" in sentence
    assert ("a is higher than c" in sentence) == (("a", "c") in declared.differ)


def test_equal_systems_lead_together() -> None:
    systems = [FoldAccuracies(name=name, by_fold={1: 80.0, 2: 82.0}) for name in "ab"]
    (sentence,) = findings(compare_systems(systems))
    assert sentence == "a, b have the highest accuracy, 81.0 %; not shown to differ from a: b (of 1 other system)."
