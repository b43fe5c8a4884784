"""Classes: the table's shape, confusion matrices that are tidy at every size, and their pictures of fold runs."""

from __future__ import annotations

import io
import threading

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from PIL import Image
from sklearn.metrics import precision_recall_fscore_support

from harness.record import StudyRecord
from harness.report.evidence import Evidence, gather
from harness.report.report_section import row_percent
from harness.report.style import TEXT_WIDTH
from harness.report.topics import classes
from harness.report.topics.classes import confusion_figure, confusion_png
from harness.training.metrics import predicted_classes
from tests.records import MakeRecord
from tests.report.sections import tables
from tests.report.tidy import assert_tidy, texts

styled = pytest.mark.usefixtures("styled")
CLASSES = ["dog", "rain_1", "sea & 100 %"]


@styled
@pytest.mark.parametrize(
    ("n", "name"),
    [(1, "x"), (2, "yes"), (10, "children_playing"), (10, "A_b & 100 % #1 é $x$ 音"), (50, "a class with a long name")],
)
def test_confusion_is_tidy(n: int, name: str) -> None:
    counts = np.random.default_rng(0).integers(0, 9, (n, n))
    figure = confusion_figure(counts, [f"{name} {number}" for number in range(n)], "$Arm$ & Co", "n = 3 tests")
    assert_tidy(figure)
    assert figure.get_figwidth() <= TEXT_WIDTH + 0.06
    cells = figure.axes[0].texts
    assert len(cells) == 2 * n + (np.count_nonzero(counts) if n <= 16 else 0)


@styled
def test_confusion_prints_percent_of_the_true_class() -> None:
    counts = np.array([[3, 1, 0], [0, 299, 1], [0, 0, 0]])
    assert row_percent(counts)[0].tolist() == [75.0, 25.0, 0.0]
    assert np.isnan(row_percent(counts)[2]).all()
    shown = [text for text, _ in texts(confusion_figure(counts, ["a", "b", "c"], "t", "n"))]
    assert {"75", "25", "100", "<1"} <= set(shown)
    assert "nan" not in shown
    counted = [text for text, _ in texts(confusion_figure(counts, ["a", "b", "c"], "t", "n", counted=True))]
    assert {"75\n3", "25\n1", "100\n299", "<1\n1"} <= set(counted)


@styled
def test_grid_of_the_confusion_lies_between_cells() -> None:
    axes = confusion_figure(np.eye(3, dtype=np.int64), ["a", "b", "c"], "t", "n").axes[0]
    lines = [each for each in axes.collections if isinstance(each, LineCollection)]
    assert sorted({round(float(segment[0][1]), 1) for segment in lines[0].get_segments()}) == [0.5, 1.5]


def test_class_table_has_the_shape_of_table_2(record: StudyRecord, evidence: Evidence) -> None:
    table, *_ = tables(classes.sections, evidence)
    assert list(table.printed.columns) == ["Class", "LMCNet", "MCNet", "MLMC", "TSCNN-DS"]
    assert list(table.printed["Class"]) == [*record.classes, "Average"]
    means = table.data["MLMC"].to_numpy()
    assert means[-1] == pytest.approx(means[:-1].mean())
    # With every class in every fold, the average is the macro accuracy of the main table.
    assert means[-1] == pytest.approx(evidence.scores.arms.set_index("arm").loc["MLMC", "macro_accuracy_mean"])
    assert table.rules == (10,)


def test_a_class_called_average_keeps_its_name(make_record: MakeRecord) -> None:
    table, *_ = tables(classes.sections, gather(make_record(classes=["average", *"bcdefghij"])))
    assert list(table.printed["Class"]) == ["average", *"bcdefghij", "Average"]


def test_more_arms_than_fit_continue_in_a_second_class_table(make_record: MakeRecord) -> None:
    trained = [(f"arm {number}", "su4", "LMC", 1.0) for number in range(13)]
    pages = tables(classes.sections, gather(make_record(trained=trained, fused=None, folds=(1, 2, 3), n_seeds=1)))
    scores = ["class-scores", *(f"class-scores-{number}" for number in range(2, 6))]
    assert [page.name for page in pages] == ["classes", "classes-2", *scores]
    assert list(pages[1].printed.columns) == ["Class", "arm 12"]


def test_precision_recall_and_f1_are_those_of_scikit_learn(record: StudyRecord, evidence: Evidence) -> None:
    _, first, second = tables(classes.sections, evidence)
    rows = record.predictions.query("arm == 'TSCNN-DS'")
    called = predicted_classes(rows)
    precision, recall, f1, tests = precision_recall_fscore_support(rows["y_true"], called, zero_division=0)
    data = second.data.query("arm == 'TSCNN-DS'")
    assert list(data["class"]) == list(record.classes)
    assert data["tests"].tolist() == tests.tolist()
    assert data["assigned"].tolist() == np.bincount(called, minlength=10).tolist()
    for name, expected in (("precision", precision), ("recall", recall), ("f1", f1)):
        assert data[name].to_numpy() == pytest.approx(expected)
    assert first.printed.columns[1:5].tolist() == [("LMCNet", part) for part in ("Tests", "Precision", "Recall", "F1")]


def test_a_class_without_clips_or_answers_has_no_score() -> None:
    scores = classes.class_scores(np.array([[2, 0, 0], [1, 0, 0], [0, 0, 0]]), ["a", "b", "c"]).set_index("class")
    assert scores.loc["a", ["precision", "recall", "f1"]].tolist() == pytest.approx([2 / 3, 1, 4 / 5])
    assert np.isnan(scores.loc["b", "precision"])
    assert scores.loc["b", ["recall", "f1"]].tolist() == [0, 0]
    assert scores.loc["c", ["precision", "recall", "f1"]].isna().all()


def opened(png: bytes) -> Image.Image:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


def test_confusion_is_a_readable_png_without_dates() -> None:
    png = confusion_png([0, 1, 2, 2], [0, 1, 1, 2], CLASSES, "LMCNet fold 1")
    image = opened(png)
    assert min(image.size) > 200
    assert "Software" not in image.info
    assert png == confusion_png([0, 1, 2, 2], [0, 1, 1, 2], CLASSES, "LMCNet fold 1")
    assert png != confusion_png([0, 1, 2, 2], [0, 1, 2, 2], CLASSES, "LMCNet fold 1")


def test_confusion_of_fifty_classes_and_of_none() -> None:
    labels = np.arange(50)
    assert opened(confusion_png(labels, labels[::-1], [f"c{label}" for label in labels], "t")).size[0] > 600
    assert opened(confusion_png([], [], CLASSES, "t")).size[0] > 200


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [([0, 1], [0], "equal length"), ([0, 3], [0, 1], r"0\.\.2"), ([0, 1], [0, -1], r"0\.\.2")],
)
def test_labels_that_do_not_fit_are_refused(true: list[int], predicted: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        confusion_png(true, predicted, CLASSES, "t")


def test_threads_draw_the_same_picture() -> None:
    made: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: made.append(confusion_png([0, 1], [1, 1], CLASSES, "t"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert len(set(made)) == 1
