"""The statistical tests of a comparison, one entry each: tables, CSV files, results.json and the screen go through this
list, so that a further test is one entry (and, where its result has a new layout, a line of results.schema.json)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from harness.errors import ClaimsError, StatisticsError
from harness.statistics import correlated_t, wilcoxon_folds

Result = TypeVar("Result")
Side = Literal["claim", "contrast"]
"""What an arm is compared with: a published number, or another arm."""
Place = Literal["main", "complement"]
"""The main table, or that of its complements."""


@dataclass(frozen=True)
class FoldSample:
    """What a test over folds is made of: accuracies in percent, margins in percentage points.

    Attributes
    ----------
    first, second
        By fold, seeds averaged; ``second`` may be one number.
    ratio
        n_test / n_train of the correction for training sets that overlap.
    rounding
        How far printed values of ``second`` may have been rounded, in points.
    """

    first: Mapping[int, float]
    second: Mapping[int, float] | float
    ratio: float
    margin: float
    confidence: float
    rounding: float = 0.0


@dataclass(frozen=True)
class Cell:
    """One column of a printed table; ``values`` are paths from the comparison (see :func:`value_at`)."""

    group: str
    part: str
    kind: Literal["p", "probability", "count", "interval"]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Number:
    """One column of a CSV file, with the path of its value from the comparison; of one side ``only``, or of both."""

    name: str
    value: str
    only: Side | None = None


@dataclass(frozen=True, kw_only=True)
class StatisticalTest:
    """One test.

    Attributes
    ----------
    name
        Key of its result in results.json; empty where the result is part of another test's.
    result
        Path of its result from the comparison; of a test with ``run`` that is ``further.<name>``.
    run
        Makes the result; raises StatisticsError where there is none. None where it is made with the comparison itself,
        because the verdict rests on it or because it needs more than folds.
    only
        The side that has it; by default both have.
    place, cells, numbers, caption
        The table that shows it, its columns there and in CSV, and what the caption says of it, with the fields
        ``margin`` (points), ``confidence`` (``95 %``) and ``what`` (the accuracy or difference).
    optional
        Whether its columns are left out of a table in which no comparison has it.
    note
        Returns the sentence of the screen from a comparison that has a result.
    """

    name: str = ""
    result: str
    run: Callable[[FoldSample], Any] | None = None
    only: Side | None = None
    place: Place
    cells: tuple[Cell, ...]
    numbers: tuple[Number, ...]
    caption: str = ""
    optional: bool = False
    note: Callable[[Any], str] | None = None

    def of(self, comparison: Any) -> Any:
        """Return the result that ``comparison`` has, or None."""
        return value_at(comparison, self.result)


def _wilcoxon_note(comparison: Any) -> str:
    found = comparison.further["wilcoxon"]
    paired = ", paired by fold" if getattr(comparison, "basis", "") == "fold by fold" else ""
    return (
        f"Wilcoxon's signed-rank test{paired}: p = {found.p:.3g}; {found.k} folds cannot go below "
        f"{found.attainable_p:.3g}."
    )


def _bayes_note(comparison: Any) -> str:
    found = comparison.further["bayes"]
    return (
        f"Probability (correlated t): lower {found.p_lower:.2f}, within ±{comparison.margin:g} points "
        f"{found.p_rope:.2f}, higher {found.p_higher:.2f}."
    )


TESTS: tuple[StatisticalTest, ...] = (
    StatisticalTest(
        name="test",
        result="test",
        place="main",
        cells=(Cell("t-test p", "raw", "p", ("p",)), Cell("t-test p", "Holm", "p", ("p_adjusted",))),
        numbers=(Number("p", "p"), Number("p_holm", "p_adjusted")),
    ),
    StatisticalTest(
        name="equivalence",
        result="equivalence",
        place="main",
        cells=(
            Cell("TOST p", "raw", "p", ("p_equivalence",)),
            Cell("TOST p", "Holm", "p", ("p_equivalence_adjusted",)),
        ),
        numbers=(
            Number("margin", "margin", only="claim"),
            Number("p_equivalence", "p_equivalence"),
            Number("p_equivalence_holm", "p_equivalence_adjusted"),
        ),
        note=lambda comparison: (
            f"These folds could show equivalence for margins above {comparison.equivalence.smallest_margin:.1f} points."
        ),
    ),
    StatisticalTest(
        name="mcnemar",
        result="mcnemar",
        only="contrast",
        place="main",
        cells=(
            Cell("Clips right", "only 1st", "count", ("mcnemar.only_first",)),
            Cell("Clips right", "only 2nd", "count", ("mcnemar.only_second",)),
            Cell("Clips right", "p", "p", ("mcnemar.p",)),
        ),
        numbers=(
            Number("clips_only_first", "mcnemar.only_first"),
            Number("clips_only_second", "mcnemar.only_second"),
            Number("mcnemar_p", "mcnemar.p"),
        ),
    ),
    StatisticalTest(
        name="bootstrap",
        result="bootstrap",
        place="complement",
        cells=(Cell("Interval", "recordings", "interval", ("bootstrap.low", "bootstrap.high")),),
        numbers=(
            Number("recordings_low", "bootstrap.low"),
            Number("recordings_high", "bootstrap.high"),
            Number("n_recordings", "bootstrap.n_groups", only="claim"),
        ),
        caption="Recordings: {confidence} bootstrap interval of {what}, whole recordings resampled, networks and folds "
        "held fixed.",
    ),
    StatisticalTest(
        name="published",
        result="published",
        only="claim",
        place="complement",
        cells=(Cell("Interval", "prediction", "interval", ("prediction_low", "prediction_high")),),
        numbers=(Number("prediction_low", "prediction_low"), Number("prediction_high", "prediction_high")),
        caption="Prediction: where a claim on like folds would be expected, for claims with an SD over folds.",
        optional=True,
    ),
    StatisticalTest(
        name="bayes",
        result="further.bayes",
        run=lambda sample: correlated_t(
            sample.first, sample.second, rope=sample.margin, ratio=sample.ratio, confidence=sample.confidence
        ),
        place="complement",
        cells=(
            Cell("Probability", "lower", "probability", ("further.bayes.p_lower",)),
            Cell("Probability", "within", "probability", ("further.bayes.p_rope",)),
            Cell("Probability", "higher", "probability", ("further.bayes.p_higher",)),
        ),
        numbers=(
            Number("probability_lower", "further.bayes.p_lower"),
            Number("probability_within", "further.bayes.p_rope"),
            Number("probability_higher", "further.bayes.p_higher"),
        ),
        caption="Probability: of the true difference lying below −{margin:g}, within ±{margin:g} and above +{margin:g} "
        "points (Bayesian correlated t-test, over folds).",
        note=_bayes_note,
    ),
    StatisticalTest(
        name="wilcoxon",
        result="further.wilcoxon",
        run=lambda sample: wilcoxon_folds(sample.first, sample.second, rounding=sample.rounding),
        place="complement",
        cells=(
            Cell("Wilcoxon p", "found", "p", ("further.wilcoxon.p",)),
            Cell("Wilcoxon p", "least", "p", ("further.wilcoxon.attainable_p",)),
        ),
        numbers=(
            Number("wilcoxon_p", "further.wilcoxon.p"),
            Number("wilcoxon_least_p", "further.wilcoxon.attainable_p"),
        ),
        caption="Wilcoxon: exact signed-rank test over folds, and the least p that so many folds can give.",
        note=_wilcoxon_note,
    ),
    StatisticalTest(
        result="uncorrected",
        place="complement",
        cells=(Cell("Uncorrected", "p", "p", ("uncorrected.naive_p",)),),
        numbers=(Number("uncorrected_t", "test.naive_t"), Number("uncorrected_p", "test.naive_p")),
        caption="Uncorrected p: of the t-test that takes folds as independent and a claim as exact; for contrast only.",
    ),
)
"""Every test, in the order of the tables."""


def entries_of(side: Side, place: Place | None = None) -> tuple[StatisticalTest, ...]:
    """Return the tests that comparisons of one side have, of one table where ``place`` names it."""
    return tuple(test for test in TESTS if test.only in (None, side) and place in (None, test.place))


def run_tests(sample: FoldSample) -> dict[str, Any]:
    """Return the result of every test with ``run``, by name; a test that cannot be made is left out."""
    found = {test.name: made(_bound(test.run, sample)) for test in TESTS if test.run}
    return {name: result for name, result in found.items() if result is not None}


def value_at(comparison: Any, path: str) -> Any:
    """Return the value at a path of attributes and keys, such as ``further.wilcoxon.p``; None where there is none on
    the way."""
    found = comparison
    for name in path.split("."):
        if found is None:
            return None
        found = found.get(name) if isinstance(found, Mapping) else getattr(found, name)
    return found


def attempt(test: Callable[[], Result]) -> tuple[Result | None, str]:
    """Return a test's result, or None and why there is none."""
    try:
        return test(), ""
    except (StatisticsError, ClaimsError) as error:
        # A comparison has one set of values, so their name in the function tells a reader nothing.
        return None, str(error).removeprefix("values: ")


def made(test: Callable[[], Result]) -> Result | None:
    """Return a test's result, or None where there is none."""
    return attempt(test)[0]


def _bound(run: Callable[[FoldSample], Any], sample: FoldSample) -> Callable[[], Any]:
    return lambda: run(sample)
