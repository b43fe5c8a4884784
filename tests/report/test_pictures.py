"""Pictures of fold runs."""

from __future__ import annotations

import io
import threading

import numpy as np
import pytest
from PIL import Image

from harness.record import StudyRecord
from harness.report.pictures import confusion_png, curves_png

CLASSES = ["dog", "rain_1", "sea & 100 %"]


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


def test_curves_of_a_fold_run(record: StudyRecord) -> None:
    history = record.history.query("arm == 'MCNet' and fold == 1 and seed == 0").drop(columns=["arm", "fold", "seed"])
    assert opened(curves_png(history, "MCNet fold 1")).size[0] > 600
    assert opened(curves_png(history.iloc[:0], "MCNet fold 1"))


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
