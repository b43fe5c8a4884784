"""The statistical tests of a comparison, one entry each: tables, CSV files, results.json and the screen iterate over
this list, so that adding a test takes one entry here and its key in results.schema.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from harness.errors import ClaimsError, StatisticsError
from harness.statistics.bayes import correlated_t
from harness.statistics.ranks import wilcoxon_folds

Result = TypeVar("Result")
Side = Literal["claim", "contrast"]
"""What an arm is compared with: a published number, or another arm."""
Place = Literal["main", "complement"]
"""The main table, or that of its complements."""
Over = Literal["folds", "recordings"]
"""What is tested over: folds, or the recordings (and seeds) of a test part."""


@dataclass(frozen=True)
class FoldSample:
    """The input of a test over folds: accuracies in percent, margins in percentage points.

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
class Column:
    """Numbers of a result that share one cell.

    Attributes
    ----------
    values
        Their paths from the comparison (see :func:`value_at`), separated by spaces.
    names
        Their columns in CSV files, likewise; empty where CSV has none.
    heading
        Group and part of the heading in printed tables; None where those have none.
    kind
        How they are printed; an interval has two values.
    only
        The side that has the column; by default both have.
    """

    values: str
    names: str = ""
    heading: tuple[str, str] | None = None
    kind: Literal["p", "probability", "count", "interval", "points"] = "p"
    only: Side | None = None


_ALPHA = 0.05


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
        Makes the result; raises StatisticsError where there is none. None where the result is computed with the
        comparison itself, because the verdict depends on it or because it needs more than folds.
    only
        The side that has it; by default both have.
    over
        What the test is over, if the other kind of study does not have it.
    place, columns, caption
        The table that shows it, its columns there, and what the caption says of it, with the fields ``margin``
        (points), ``confidence`` (``95 %``) and ``what`` (the accuracy or difference).
    optional
        Whether its columns are left out of a table in which no comparison has it.
    least_p
        Path of the least p that its sample can give, where a small sample cannot give a significant one; its columns
        are left out of a printed table in which no comparison can be significant at 5 %.
    note
        Returns the sentence for the screen, given a comparison that has a result.
    """

    name: str = ""
    result: str
    run: Callable[[FoldSample], Any] | None = None
    only: Side | None = None
    over: Over | None = None
    place: Place
    columns: tuple[Column, ...]
    caption: str = ""
    optional: bool = False
    least_p: str = ""
    note: Callable[[Any], str] | None = None

    def of(self, comparison: Any) -> Any:
        """Return the result that ``comparison`` has, or None."""
        return value_at(comparison, self.result)

    def is_shown(self, comparison: Any) -> bool:
        """Return whether a printed table of this comparison alone would have the columns."""
        if self.least_p:
            least = value_at(comparison, self.least_p)
            return least is not None and bool(least < _ALPHA)
        return not self.optional or self.of(comparison) is not None


def _equivalence_note(comparison: Any) -> str:
    smallest = comparison.equivalence.smallest_margin
    return f"These folds could show equivalence for margins above {smallest:.1f} points."


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
        columns=(
            Column("p", "p", ("t-test p", "raw")),
            Column("p_adjusted", "p_holm", ("t-test p", "Holm")),
        ),
    ),
    StatisticalTest(
        name="equivalence",
        result="equivalence",
        place="main",
        columns=(
            Column("margin", "margin", only="claim"),
            Column("p_equivalence", "p_equivalence", ("TOST p", "raw")),
            Column("p_equivalence_adjusted", "p_equivalence_holm", ("TOST p", "Holm")),
        ),
        note=_equivalence_note,
    ),
    StatisticalTest(
        name="mcnemar",
        result="mcnemar",
        only="contrast",
        place="main",
        columns=(
            Column("mcnemar.only_first", "clips_only_first", ("Clips right", "only 1st"), "count"),
            Column("mcnemar.only_second", "clips_only_second", ("Clips right", "only 2nd"), "count"),
            Column("mcnemar.p", "mcnemar_p", ("Clips right", "p")),
        ),
    ),
    StatisticalTest(
        name="bootstrap",
        result="bootstrap",
        place="complement",
        columns=(
            Column(
                "bootstrap.low bootstrap.high",
                "recordings_low recordings_high",
                ("Interval", "recordings"),
                "interval",
            ),
            Column("bootstrap.n_groups", "n_recordings", only="claim"),
        ),
        caption="Recordings: {confidence} bootstrap interval of {what}, whole recordings resampled, networks and folds "
        "held fixed.",
    ),
    StatisticalTest(
        name="holdout",
        result="holdout",
        over="recordings",
        place="complement",
        columns=(
            Column("holdout.n_recordings", "test_recordings", ("n", "recordings"), "count"),
            Column("holdout.n_seeds", "test_seeds", ("n", "seeds"), "count"),
            Column("holdout.recordings_error", "recordings_error", ("Standard error", "recordings"), "points"),
            Column("holdout.seeds_error", "seeds_error", ("Standard error", "seeds"), "points"),
        ),
        caption="Standard error: the two parts of that of the difference, in points, which the tests rest on; with one "
        "seed the second is not known, and the tests do not cover it.",
    ),
    StatisticalTest(
        name="published",
        result="published",
        only="claim",
        over="folds",
        place="complement",
        columns=(
            Column(
                "prediction_low prediction_high",
                "prediction_low prediction_high",
                ("Interval", "prediction"),
                "interval",
            ),
        ),
        caption="Prediction: where a claim on like folds would be expected, for claims with an SD over folds.",
        optional=True,
    ),
    StatisticalTest(
        name="bayes",
        result="further.bayes",
        over="folds",
        run=lambda sample: correlated_t(
            sample.first, sample.second, rope=sample.margin, ratio=sample.ratio, confidence=sample.confidence
        ),
        place="complement",
        columns=(
            Column("further.bayes.p_lower", "probability_lower", ("Probability", "lower"), "probability"),
            Column("further.bayes.p_rope", "probability_within", ("Probability", "within"), "probability"),
            Column("further.bayes.p_higher", "probability_higher", ("Probability", "higher"), "probability"),
        ),
        caption="Probability: of the true difference lying below −{margin:g}, within ±{margin:g} and above +{margin:g} "
        "points (Bayesian correlated t-test, over folds).",
        note=_bayes_note,
    ),
    StatisticalTest(
        name="wilcoxon",
        result="further.wilcoxon",
        over="folds",
        run=lambda sample: wilcoxon_folds(sample.first, sample.second, rounding=sample.rounding),
        place="complement",
        columns=(
            Column("further.wilcoxon.p", "wilcoxon_p", ("Wilcoxon p", "found")),
            Column("further.wilcoxon.attainable_p", "wilcoxon_least_p", ("Wilcoxon p", "least")),
        ),
        caption="Wilcoxon: exact signed-rank test over folds, and the least p that so many folds can give.",
        least_p="further.wilcoxon.attainable_p",
        note=_wilcoxon_note,
    ),
    StatisticalTest(
        result="uncorrected",
        over="folds",
        place="complement",
        columns=(
            Column("test.naive_t test.naive_p", "uncorrected_t uncorrected_p"),
            Column("uncorrected.naive_p", heading=("Uncorrected", "p")),
        ),
        caption="Uncorrected p: of the t-test that takes folds as independent and a claim as exact; for contrast only.",
    ),
)
"""Every test, in the order of the tables."""


def entries_of(side: Side, place: Place | None = None, *over: Over) -> tuple[StatisticalTest, ...]:
    """Return the tests that comparisons of one side over ``over`` (by default folds) have, of one table where ``place``
    names it."""
    return tuple(
        test
        for test in TESTS
        if test.only in (None, side) and test.over in (None, *(over or ("folds",))) and place in (None, test.place)
    )


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
        # A comparison has one set of values, so their name in the function is of no use to a reader.
        return None, str(error).removeprefix("values: ")


def made(test: Callable[[], Result]) -> Result | None:
    """Return a test's result, or None where there is none."""
    return attempt(test)[0]


def _bound(run: Callable[[FoldSample], Any], sample: FoldSample) -> Callable[[], Any]:
    return lambda: run(sample)
