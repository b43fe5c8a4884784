"""Claimed and measured classes: the shape of table 2, and dumbbells with both ends where the numbers are."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.colors import same_color

from harness.report.evidence import Evidence, gather
from harness.report.style import BLUE, TEXT_WIDTH
from harness.report.topics import claimed_classes
from harness.report.topics.claimed_classes import dumbbell_figure
from tests.records import us8k_record
from tests.report.sections import tables
from tests.report.tidy import assert_tidy, texts

pytestmark = pytest.mark.usefixtures("styled")


@pytest.mark.parametrize("abreast", [1, 2])
def test_tidy_within_the_line(us8k: Evidence, abreast: int) -> None:
    figure = dumbbell_figure(us8k.claims[:abreast], us8k.record.classes)
    assert_tidy(figure)
    assert len(figure.axes) == abreast
    assert figure.get_figwidth() <= TEXT_WIDTH


def test_ends_lie_at_the_claimed_and_the_measured_accuracy(us8k: Evidence) -> None:
    each = us8k.claims[3]
    axes = dumbbell_figure([each], us8k.record.classes).axes[0]
    claimed, measured = (next(line for line in axes.lines if line.get_marker() == sign) for sign in "Do")
    assert same_color(measured.get_color(), BLUE)
    # Table 2 of the paper, and its average.
    np.testing.assert_allclose(claimed.get_xdata(), [99.9, 94.2, 97.5, 95.3, 97.2, 99.6, 95.4, 97.1, 98.9, 96.9, 97.2])
    own = [each.classes[name][1] for name in us8k.record.classes]
    np.testing.assert_allclose(measured.get_xdata(), [*own, np.mean(own)])
    np.testing.assert_allclose(claimed.get_ydata(), measured.get_ydata())


def test_fifty_classes_with_long_names_fit_a_page(us8k: Evidence) -> None:
    names = [f"A_b & 100 % of $x$ in class {number}" for number in range(50)]
    many = dataclasses.replace(us8k.claims[0], classes={name: (90.0, 40.0 + place) for place, name in enumerate(names)})
    figure = dumbbell_figure([many, many], names)
    assert_tidy(figure)
    assert figure.get_figheight() < 9.3
    assert "Average" in [text for text, _ in texts(figure)]


def test_class_accuracies_of_a_reference_are_headed_so(us8k: Evidence) -> None:
    first = dataclasses.replace(us8k.claims[0], read_as="reference")
    (table,) = tables(claimed_classes.sections, dataclasses.replace(us8k, claims=(first, us8k.claims[1])))
    assert [header for _, header in table.printed.columns] == ["Class", "Reference", "Measured", "Claimed", "Measured"]
    assert "LMCNet su2019:T2/LMCNet (reference)" in table.caption


def test_classes_in_the_shape_of_table_2(us8k: Evidence) -> None:
    (table,) = tables(claimed_classes.sections, us8k)
    assert list(table.printed.columns[:3]) == [("", "Class"), ("LMCNet", "Claimed"), ("LMCNet", "Measured")]
    assert len(table.printed.columns) == 9
    assert table.printed.iloc[:, 0].tolist() == [*us8k.record.classes, "Average"]
    # Table 2 of the paper, last column.
    printed = ["99.9", "94.2", "97.5", "95.3", "97.2", "99.6", "95.4", "97.1", "98.9", "96.9", "97.2"]
    assert table.printed["TSCNN-DS", "Claimed"].tolist() == printed
    measured = table.data["su2019:T2/TSCNN-DS TSCNN-DS: measured"]
    assert measured.iloc[-1] == pytest.approx(
        100 * us8k.scores.arms.set_index("arm").loc["TSCNN-DS", "macro_accuracy_mean"]
    )


def test_more_claims_than_fit_continue_and_an_arm_compared_twice_is_told_apart() -> None:
    compare = [("su2019:T2/LMCNet", "LMCNet"), ("su2019:T4/LMCNet", "LMCNet"), ("su2019:T5/LMCNet", "LMCNet")]
    compare += [("su2019:T2/MLMC", "MLMC"), ("su2019:T2/TSCNN-DS", "TSCNN-DS")]
    evidence = gather(us8k_record(compare=compare, clips_per_class=2))
    pages = tables(claimed_classes.sections, evidence)
    assert [page.name for page in pages] == ["claimed-classes", "claimed-classes-2"]
    groups = list(dict.fromkeys(group for group, _ in pages[0].printed.columns))
    assert groups == ["", *(f"LMCNet, su2019:T{table}/LMCNet" for table in (2, 4, 5)), "MLMC"]
