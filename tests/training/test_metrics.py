"""Scores against hand counts, and the step from segments to clips."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from harness.data.clips import ClipTable
from harness.training.metrics import (
    PUBLISHED_PRECISION,
    PUBLISHED_STEP,
    SINGLE_PRECISION,
    clip_predictions,
    published,
    rounded,
    scores,
)


def one_hot(predicted: list[int], n_classes: int) -> np.ndarray:
    return np.eye(n_classes)[predicted]


def clip_table(n: int = 4) -> ClipTable:
    frame = pd.DataFrame(
        {
            "clip_id": [f"clip{row}" for row in range(n)],
            "path": "",
            "label": 0,
            "fold": 1,
            "recording": [f"rec{row // 2}" for row in range(n)],
            "duration": 1.0,
        }
    )
    return ClipTable("toy", frame, ("a", "b"), "")


def segments(rows: list[tuple[int, int, int, float]]) -> pd.DataFrame:
    """Return a table of (clip, segment, label, probability of class 0)."""
    table = pd.DataFrame(rows, columns=["clip", "segment", "y_true", "p_0"])
    return table.assign(part="test", p_1=1 - table["p_0"])


def test_by_hand() -> None:
    # Class 0: 3 of 4 right; class 1: 1 of 2; class 2: 1 of 1, and one 1 is called 2.
    measured = scores([0, 0, 0, 0, 1, 1, 2], one_hot([0, 0, 0, 1, 1, 2, 2], 3), 3)
    assert measured.confusion.tolist() == [[3, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert measured.class_accuracies.tolist() == [0.75, 0.5, 1.0]
    assert measured.macro_accuracy == pytest.approx((0.75 + 0.5 + 1) / 3)
    assert measured.clip_accuracy == pytest.approx(5 / 7)
    assert measured.precision == pytest.approx((1 + 1 / 2 + 1 / 2) / 3)
    assert measured.recall == pytest.approx(0.75)
    assert measured.f1 == pytest.approx((6 / 7 + 1 / 2 + 2 / 3) / 3)
    assert measured.absent == ()


def test_absent_classes_are_left_out_and_told() -> None:
    measured = scores([0, 0, 2, 2], one_hot([0, 1, 2, 2], 4), 4)
    assert measured.absent == (1, 3)
    assert np.isnan(measured.class_accuracies[[1, 3]]).all()
    assert measured.macro_accuracy == pytest.approx((0.5 + 1) / 2)
    assert measured.confusion.shape == (4, 4)
    assert measured.confusion[0].tolist() == [1, 1, 0, 0]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_macro_accuracy_is_the_mean_of_class_accuracies(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = (np.array(side) for side in zip(*pairs, strict=True))
    measured = scores(truth, one_hot(list(predicted), 5), 5)
    by_class = [float((predicted[truth == label] == label).mean()) for label in sorted(set(truth.tolist()))]
    assert measured.macro_accuracy == pytest.approx(np.mean(by_class))
    assert np.nanmean(measured.class_accuracies) == pytest.approx(measured.macro_accuracy)
    assert measured.recall == measured.macro_accuracy
    assert measured.confusion.sum() == len(truth)
    assert measured.clip_accuracy == pytest.approx(np.trace(measured.confusion) / len(truth))


@pytest.mark.parametrize(
    ("truth", "probabilities", "message"),
    [
        ([], np.empty((0, 2)), "n > 0"),
        ([0, 1], np.eye(3)[:2], r"\(n, 2\)"),
        ([0, 2], np.eye(2), r"0..1, received 0..2"),
        ([0, 1], [[np.nan, 1], [0, 1]], "finite"),
    ],
)
def test_what_cannot_be_scored_is_refused(truth: list[int], probabilities: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scores(truth, probabilities, 2)


def test_segments_are_summed_to_a_clip() -> None:
    # Clip 2: two weak votes for class 0 against one strong for class 1; the sum says 1, a majority would say 0.
    table = segments([(2, 0, 1, 0.6), (2, 1, 1, 0.6), (2, 2, 1, 0.1), (0, 0, 0, 0.7)])
    clips = clip_predictions(table.sample(frac=1, random_state=1), clip_table())
    assert list(clips.columns) == ["clip_id", "recording", "y_true", "p_0", "p_1", "n_segments", "n_segments_correct"]
    assert clips["clip_id"].tolist() == ["clip0", "clip2"]
    assert clips["recording"].tolist() == ["rec0", "rec1"]
    assert clips["y_true"].tolist() == [0, 1]
    assert clips["p_0"].tolist() == pytest.approx([0.7, 1.3 / 3])
    assert clips["n_segments"].tolist() == [1, 3]
    assert clips["n_segments_correct"].tolist() == [1, 1]
    assert clips[["p_0", "p_1"]].sum(axis=1).tolist() == pytest.approx([1, 1])


def test_whole_clips_have_no_segments() -> None:
    clips = clip_predictions(segments([(1, -1, 0, 0.8), (3, -1, 1, 0.9)]), clip_table())
    assert clips["n_segments"].tolist() == [0, 0]
    assert clips["n_segments_correct"].tolist() == [0, 0]
    assert clips["p_0"].tolist() == pytest.approx([0.8, 0.9])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (segments([(0, 0, 0, 0.5), (0, 0, 0, 0.5)]), "segment 0 of clip 0 appears twice"),
        (segments([(0, 0, 0, 0.5), (0, 1, 1, 0.5)]), "clip 0 has two labels"),
        (segments([(0, -1, 0, 0.5), (0, 1, 0, 0.5)]), "for the entire clip and for segments"),
        (segments([(0, 0, 0, 0.5), (1, 0, 0, 0.5)]).assign(part=["test", "validation"]), "test, validation"),
        (segments([(0, 0, 0, 0.5)]).drop(columns=["p_0", "p_1"]), "has no column p_0"),
        (segments([(0, 0, 0, 0.5)]).drop(columns=["p_0"]), "has no column p_0"),
    ],
)
def test_damaged_tables_are_refused(table: pd.DataFrame, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        clip_predictions(table, clip_table())


def test_more_than_ten_classes_keep_their_order() -> None:
    row = pd.DataFrame({"clip": [0], "segment": [0], "y_true": [10], **{f"p_{label}": [0.0] for label in range(12)}})
    row["p_10"] = 1.0
    clips = clip_predictions(row, clip_table())
    assert clips[[f"p_{label}" for label in range(12)]].to_numpy().argmax() == 10
    assert clips["n_segments_correct"].tolist() == [1]


@given(st.lists(st.integers(0, 2**24), min_size=4, max_size=40), st.integers(2, 4), st.integers(2, SINGLE_PRECISION))
def test_rounding_keeps_every_predicted_class(values: list[int], n_classes: int, bits: int) -> None:
    """Steps far below single precision make ties wherever classes are near each other."""
    rows = len(values) // n_classes
    exact = (np.array(values[: rows * n_classes], dtype=np.float64).reshape(rows, n_classes) % 3) * 1e-12 + 0.25
    found = rounded(exact, bits)
    assert found.dtype == np.float32
    assert (found.argmax(axis=1) == exact.argmax(axis=1)).all()
    assert np.abs(found - exact).max() <= 0.25 * 2.0 ** (1 - bits) + 1e-11


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(2, SINGLE_PRECISION))
def test_rounding_is_to_the_nearest_number_of_so_many_digits(values: list[float], bits: int) -> None:
    # One class: nothing has to move for another one's sake.
    exact = np.array(values, dtype=np.float32).astype(np.float64)[:, None]
    found = rounded(exact, bits)
    normal = exact >= np.finfo(np.float32).tiny
    mantissas, exponents = np.frexp(exact)
    nearest = np.ldexp(np.round(mantissas * 2.0**bits), exponents - bits)  # half to even
    assert np.array_equal(found[normal], nearest[normal])
    assert np.array_equal(rounded(found.astype(np.float64), bits), found)


def test_rounding_moves_nothing_that_need_not_move() -> None:
    exact = np.array([[0.1, 0.2, 0.7], [0.5, np.nextafter(0.5, 1), -0.0]])
    single = rounded(exact, SINGLE_PRECISION)
    assert (single[0] == exact[0].astype(np.float32)).all()
    assert list(single[1]) == [np.float32(0.5), np.nextafter(np.float32(0.5), np.float32(1)), 0.0]
    short = rounded(exact, PUBLISHED_PRECISION)
    assert short[0] == pytest.approx(exact[0], rel=2.0**-PUBLISHED_PRECISION)
    assert list(short[1]) == [0.5, 0.5 + 2.0**-PUBLISHED_PRECISION, 0.0]


@given(
    st.integers(2, 60).flatmap(
        lambda n: st.lists(
            st.lists(st.floats(1e-9, 1e3), min_size=n, max_size=n).filter(lambda row: len({*row}) > 1), min_size=1
        )
    )
)
def test_published_probabilities_keep_the_predicted_class_and_publish_as_themselves(weights: list[list[float]]) -> None:
    weights_NC = np.array(weights)
    exact = weights_NC / weights_NC.sum(axis=1, keepdims=True)
    found = published(exact)
    assert found.dtype == np.float32
    assert np.array_equal(found.argmax(axis=1), exact.argmax(axis=1))
    assert np.array_equal(found % PUBLISHED_STEP, np.zeros_like(found))
    assert np.array_equal(rounded(found.astype(np.float64), PUBLISHED_PRECISION), found)
    assert np.array_equal(published(found.astype(np.float64)), found)
    # The winner of a tie is raised by a step.
    np.testing.assert_allclose(found, exact, rtol=2.0 ** (1 - PUBLISHED_PRECISION), atol=1.5 * PUBLISHED_STEP)
    # Reports of earlier versions had the digits and no step.
    earlier = rounded(exact, PUBLISHED_PRECISION)
    assert np.array_equal(published(earlier.astype(np.float64)), found)


@given(
    st.integers(2, 6).flatmap(lambda n: st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), min_size=1))
)
def test_scores_equal_scikit_learn_to_the_bit(pairs: list[tuple[int, int]]) -> None:
    truth, called = np.array(pairs).T
    n_classes = int(max(truth.max(), called.max())) + 1
    measured = scores(truth, np.eye(n_classes)[called], n_classes)
    present = np.unique(truth)
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, called, labels=present, average=None, zero_division=0
    )
    assert np.array_equal(measured.confusion, confusion_matrix(truth, called, labels=np.arange(n_classes)))
    assert (measured.precision, measured.recall, measured.f1) == (np.mean(precision), np.mean(recall), np.mean(f1))
    assert measured.clip_accuracy == np.mean(truth == called)
