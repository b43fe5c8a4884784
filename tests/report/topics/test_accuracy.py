"""Accuracy per arm and fold by fold: tables against a count by hand, and every fold and published number drawn."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.figure import Figure

from harness.comparisons.scores import score_study
from harness.record import StudyRecord
from harness.report.evidence import Evidence, gather
from harness.report.style import PURPLE, VERMILLION
from harness.report.topics import accuracy
from harness.report.topics.accuracy import accuracy_table, describe_arm, fold_figure, fold_table
from harness.text.decimals import decimals
from tests.records import MakeRecord, restated, with_fold_sd
from tests.report.sections import figures
from tests.report.tidy import assert_tidy, texts

pytestmark = pytest.mark.usefixtures("styled")


@pytest.mark.parametrize(("n_arms", "n_folds", "n_seeds"), [(1, 1, 1), (4, 5, 2), (12, 10, 1)])
def test_fold_figure_is_tidy(make_record: MakeRecord, n_arms: int, n_folds: int, n_seeds: int) -> None:
    names = [
        f"A_b & 100 % image:mel+mfcc+spectrogram{number}" if number % 4 == 0 else f"arm{number}" for number in range(12)
    ]
    record = make_record(
        dataset="urbansound8k",
        trained=[(name, "su4", "LMC", 1.0) for name in names[:n_arms]],
        fused=None,
        folds=range(1, n_folds + 1),
        n_seeds=n_seeds,
        clips_per_class=2,
    )
    figure = fold_figure(score_study(record), [names[0]])
    assert_tidy(figure)
    assert figure.get_figheight() < 9.3, "fits a page with its caption"


def test_fold_figure_shows_every_fold_and_the_mean(record: StudyRecord) -> None:
    scores = score_study(record)
    axes = fold_figure(scores, ["TSCNN-DS"]).axes[0]
    drawn = np.concatenate([np.asarray(line.get_xdata(), float) for line in axes.lines])
    for value in [*scores.folds["macro_accuracy"], *scores.arms["macro_accuracy_mean"]]:
        assert np.isclose(drawn, 100 * value).any()
    low = scores.arms["macro_accuracy_mean"] - scores.arms["macro_accuracy_sd"]
    assert all(np.isclose(drawn, 100 * value).any() for value in low)
    summary = scores.arms.iloc[0]
    expected = " ± ".join(decimals(100 * summary[f"macro_accuracy_{kind}"], 1) for kind in ("mean", "sd")) + "  (n = 5)"
    assert expected in [text.get_text() for text in axes.texts]


def drawn(evidence: Evidence, **changes: object) -> Figure:
    changed = dataclasses.replace(evidence, **changes)  # type: ignore[arg-type]
    (drawing,) = figures(accuracy.sections, changed)
    figure = drawing.draw()
    assert figure is not None
    return figure


def claim_lines(figure: Figure) -> list[tuple[float, str]]:
    lines = figure.axes[0].lines
    upright = [line for line in lines if line.get_color() == VERMILLION and len(set(line.get_xdata())) == 1]
    return [(float(line.get_xdata()[0]), str(line._unscaled_dash_pattern)) for line in upright]


def test_a_claim_is_a_line_at_its_value_with_the_value_beside(us8k: Evidence) -> None:
    figure = drawn(us8k)
    assert_tidy(figure)
    assert [value for value, _ in claim_lines(figure)] == [95.2, 95.3, 94.6, 97.2]
    notes = [text for text, _ in texts(figure)]
    assert sum("claimed 97.2" in note for note in notes) == 1
    assert "claimed" in notes
    assert "claimed under other conditions" not in notes


def test_the_interval_is_the_corrected_one(us8k: Evidence) -> None:
    bands = [line for line in drawn(us8k).axes[0].lines if line.get_linewidth() == 5]
    expected = [[us8k.intervals[arm].low, us8k.intervals[arm].high] for arm in us8k.scores.arms["arm"]]
    np.testing.assert_allclose([line.get_xdata() for line in bands], expected)
    widths = np.diff(expected, axis=1).ravel() / 2
    sds = 100 * us8k.scores.arms["macro_accuracy_sd"].to_numpy()
    # t(.975, 9) = 2.262; one of ten folds tested, one kept for validation: n_test / n_train = 1 / 8.
    np.testing.assert_allclose(widths, 2.2622 * sds * np.sqrt(1 / 10 + 1 / 8), rtol=1e-4)


def test_a_claim_of_other_conditions_is_dotted(us8k: Evidence) -> None:
    apart = tuple(dataclasses.replace(each, differences=("data set",)) for each in us8k.claims[:1])
    figure = drawn(us8k, claims=apart)
    usual = claim_lines(drawn(us8k))[0][1]
    assert claim_lines(figure)[0][1] != usual
    assert "claimed under other conditions" in [text for text, _ in texts(figure)]


def test_a_claims_own_sd_is_drawn_only_where_the_tests_use_it(make_record: MakeRecord, us8k: Evidence) -> None:
    record = make_record(compare=[("piczak2015cnn:ESC-10/CNN", "LMCNet")])
    evidence = gather(restated(with_fold_sd(record), "piczak2015cnn", role="claim"))
    assert evidence.claims[0].published is not None
    figure = drawn(evidence)
    assert any("claimed 80.25 ± 5.5" in text for text, _ in texts(figure))
    assert not any("claimed" in text and "±" in text.split("claimed")[1] for text, _ in texts(drawn(us8k)))


def test_a_reference_is_called_one_and_drawn_apart(make_record: MakeRecord) -> None:
    evidence = gather(make_record(compare=[("piczak2015cnn:ESC-10/CNN", "LMCNet")]))
    figure = drawn(evidence)
    assert_tidy(figure)
    said = [text for text, _ in texts(figure)]
    assert any("reference 80.25" in text for text in said)
    assert "reference: another system" in said
    assert not any("claimed" in text for text in said)
    assert claim_lines(figure) == []
    lines = [line for line in figure.axes[0].lines if line.get_color() == PURPLE]
    assert {80.25} in [set(line.get_xdata()) for line in lines]
    caption = figures(accuracy.sections, evidence)[0].caption
    assert "Reference: the accuracy of another system" in caption
    assert "Dotted" not in caption


def test_many_claims_of_one_arm_are_counted(us8k: Evidence) -> None:
    values = ("80.1", "80.2", "80.3", "80.4", "80.5")
    first = us8k.claims[0]
    columns = [first.claim.column.model_copy(update={"value": value}) for value in values]
    many = [dataclasses.replace(first, claim=dataclasses.replace(first.claim, column=column)) for column in columns]
    figure = drawn(us8k, claims=many)
    assert_tidy(figure)
    assert any("and 2 more" in text for text, _ in texts(figure))


def test_a_claim_about_another_accuracy_is_not_drawn(us8k: Evidence) -> None:
    one_class = dataclasses.replace(us8k.claims[0], estimand="class")
    assert claim_lines(drawn(us8k, claims=[one_class])) == []
    clip = dataclasses.replace(us8k.claims[0], estimand="clip")
    assert [value for value, _ in claim_lines(drawn(us8k, claims=[clip]))] == [95.2], "equal numbers: balanced folds"
    scores = dataclasses.replace(us8k.scores, folds=us8k.scores.folds.assign(clip_accuracy=0.5))
    assert dataclasses.replace(us8k, scores=scores, claims=(clip,)).macro_claims == ()


def fold_accuracies(record: StudyRecord, arm: str) -> list[float]:
    """Return macro accuracy per fold, seeds averaged, counted with numpy alone."""
    table = record.predictions[record.predictions["arm"] == arm]
    right = table.filter(regex="^p_").to_numpy().argmax(axis=1) == table["y_true"].to_numpy()
    by_class = table.assign(right=right).groupby(["fold", "seed", "y_true"])["right"].mean()
    return list(by_class.groupby(["fold", "seed"]).mean().groupby("fold").mean())


def test_accuracy_table_prints_mean_and_sd_over_folds(record: StudyRecord) -> None:
    table = accuracy_table(gather(record))
    printed = {row[0]: row for row in table.printed.to_numpy().tolist()}
    for arm in ("LMCNet", "MCNet", "MLMC", "TSCNN-DS"):
        folds = fold_accuracies(record, arm)
        assert printed[arm][2] == decimals(100 * float(np.mean(folds)), 1)
        assert printed[arm][3] == decimals(100 * float(np.std(folds, ddof=1)), 1)
        # t(.975, 4) = 2.7764; of five folds one is tested, one validates and three train.
        half = 2.7764 * np.std(folds, ddof=1) * np.sqrt(1 / 5 + 1 / 3)
        low, high = 100 * (np.mean(folds) - half), 100 * (np.mean(folds) + half)
        assert printed[arm][4] == f"{low:.1f} to {min(high, 100):.1f}"
        ends = table.data.set_index("arm").loc[arm, ["macro_accuracy_low", "macro_accuracy_high"]]
        assert ends.tolist() == pytest.approx([low / 100, min(high, 100) / 100], abs=1e-4)
        assert printed[arm][-2:] == ["5", "2"]
        assert table.data.set_index("arm").loc[arm, "macro_accuracy_mean"] == pytest.approx(np.mean(folds), abs=1e-12)
    assert printed["TSCNN-DS"][7] == "–", "a fusion of clips has no segments"
    assert "over folds (ddof 1), seeds averaged first" in table.caption
    assert "n = 5 folds × 2 seeds" in table.caption
    assert "An interval that ends at 0 or 100 % is cut there: so few folds cannot give one." in table.caption


def test_fold_table_has_a_column_per_fold(record: StudyRecord) -> None:
    table = fold_table(score_study(record))
    assert [header[1] for header in table.printed.columns] == ["Arm", "1", "2", "3", "4", "5", "Mean", "SD"]
    expected = [decimals(100 * value, 1) for value in fold_accuracies(record, "MCNet")]
    assert table.printed.iloc[1, 1:6].tolist() == expected
    assert len(table.data) == 20


def test_arms_are_described(record: StudyRecord) -> None:
    assert describe_arm(record, "LMCNet") == "su4 on LMC"
    assert describe_arm(record, "TSCNN-DS") == "Dempster-Shafer of LMCNet and MCNet"
    assert describe_arm(record, "unknown") == "–"
