"""Accuracies of a file: what they come to beside a claim, and the arms of a file against each other."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.claims import Library, load_library
from harness.comparisons.against_claim import ClaimComparison, Rules
from harness.comparisons.conditions import Conditions
from harness.comparisons.fold_scores import compare_scores, contrast_scores, one_family
from harness.comparisons.score_file import read_scores
from harness.errors import ClaimsError, ComparisonError
from harness.statistics.family import holm
from harness.statistics.seeds import Trainings
from harness.statistics.t_tests import paired
from harness.statistics.tost import equivalence
from harness.statistics.verdict import Verdict
from tests.statistics.strategies import TEN

RULES = Rules(2.0)
WHOLE = Conditions("urbansound8k", 10, estimand="macro")
CLAIM = "su2019:T2/TSCNN-DS"
GOOD = "fold,accuracy\n1,80.5\n2,79\n"


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(text: str) -> dict[str, Trainings]:
    with tempfile.TemporaryDirectory() as folder:
        return dict(read_scores(written(Path(folder) / "scores.csv", text), "urbansound8k").arms)


def compared(text: str, library: Library, *addresses: str) -> tuple[ClaimComparison, ...]:
    return compare_scores(read(text), addresses or (CLAIM,), library, WHOLE, RULES)


def rows_of(values: list[float], form: str = "{fold},{value!r}") -> list[str]:
    return [form.format(fold=fold, value=value) for fold, value in enumerate(values, 1)]


HUNDREDTHS = st.lists(st.integers(201, 10_000), min_size=3, max_size=10, unique=True)


def in_both_units(values: list[int]) -> tuple[str, str]:
    percents = rows_of([value / 100 for value in values])
    fractions = rows_of([value / 10_000 for value in values])
    return "\n".join(["fold,accuracy", *percents]), "\n".join(["fold,accuracy", *fractions])


@given(values=HUNDREDTHS)
def test_fractions_and_percents_read_equal(values: list[int]) -> None:
    left, right = (read(text)["scores"] for text in in_both_units(values))
    assert list(left["fold"]) == list(right["fold"])
    assert list(left["accuracy"]) == pytest.approx(list(right["accuracy"]), rel=1e-12)


# A comparison plans how many folds and seeds would do, which takes its time; few examples suffice beside the above.
@settings(max_examples=5, deadline=None)
@given(values=HUNDREDTHS, seed=st.integers(0, 1000))
def test_neither_the_unit_nor_the_order_of_rows_changes_a_comparison(
    library: Library, values: list[int], seed: int
) -> None:
    percents, fractions = in_both_units(values)
    (known,), (other,) = compared(percents, library), compared(fractions, library)
    assert other.folds == pytest.approx(known.folds, rel=1e-12)
    assert (other.p, other.mean, other.sd) == pytest.approx((known.p, known.mean, known.sd), rel=1e-6)
    assert other.decision.verdict is known.decision.verdict
    header, *rows = percents.splitlines()
    assert compared("\n".join([header, *random.Random(seed).sample(rows, len(rows))]), library) == (known,)


def test_every_arm_beside_every_claim_is_one_family(library: Library) -> None:
    rows = [f"{arm},{fold},{value - less}" for arm, less in (("A", 0), ("B", 5)) for fold, value in enumerate(TEN, 1)]
    text = "\n".join(["arm,fold,accuracy", *rows])
    found = compared(text, library, CLAIM, "su2019:T4/TSCNN-DS", "bristol2019:replication/TSCNN")
    assert [(each.arm, each.claim.address) for each in found] == [
        (arm, address)
        for address in (CLAIM, "su2019:T4/TSCNN-DS", "bristol2019:replication/TSCNN")
        for arm in ("A", "B")
    ]
    tested = [each for each in found if each.p is not None]
    assert len(tested) == 4
    assert min(each.p_adjusted or 1 for each in tested) == pytest.approx(4 * min(each.p or 1 for each in tested))


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (Conditions("urbansound8k", 12), "12 folds of the data are said to take part; urbansound8k has 10"),
        (Conditions("urbansound8k", 5), "scores was tested on 10 folds, but 5 are said to take part"),
        (
            Conditions("urbansound8k", 2, validation_apart=True),
            "2 folds of the data with one to test on and one to validate on leave none to train on",
        ),
    ],
)
def test_folds_that_cannot_be(tmp_path: Path, library: Library, conditions: Conditions, message: str) -> None:
    path = written(tmp_path / "scores.csv", "\n".join(["fold,accuracy", *rows_of(list(TEN))]))
    with pytest.raises(ComparisonError, match=message):
        compare_scores(read_scores(path, "urbansound8k").arms, (CLAIM,), library, conditions, RULES)


def test_an_unknown_claim_is_told_before_anything_is_compared(library: Library) -> None:
    with pytest.raises(ClaimsError, match="did you mean 'TSCNN-DS'"):
        compared(GOOD, library, CLAIM, "su2019:T2/TSCNN-D")


ARMS = {"A": list(TEN), "B": [value - 3 + 0.3 * (fold % 3) for fold, value in enumerate(TEN)], "C": list(TEN[::-1])}


def arms(**values: list[float]) -> dict[str, Trainings]:
    return {arm: {"fold": range(1, len(own) + 1), "accuracy": own} for arm, own in (values or ARMS).items()}


def test_two_arms_are_paired_by_fold() -> None:
    (found,) = contrast_scores(arms(), [("A", "B")], WHOLE, RULES)
    left, right = (dict(enumerate(ARMS[arm], 1)) for arm in "AB")
    test, same = paired(left, right, ratio=1 / 9), equivalence(left, right, 2.0, ratio=1 / 9)
    assert (found.test, found.equivalence) == (test, same)
    assert (found.p, found.p_adjusted, found.p_equivalence) == (test.p, test.p, same.p)
    assert found.mean == pytest.approx(sum(ARMS["A"]) / 10 - sum(ARMS["B"]) / 10)
    assert found.decision.verdict is Verdict.HIGHER
    assert (found.mcnemar, found.bootstrap, found.unpaired) == (None, None, None)


def test_seeds_are_averaged_before_arms_are_paired() -> None:
    text = "arm,fold,seed,accuracy\n" + "".join(
        f"{arm},{fold},{seed},{60 + 10 * (arm == 'A') + fold + seed}\n"
        for arm in "AB"
        for fold in range(1, 11)
        for seed in range(2 + (arm == "A"))
    )
    (found,) = contrast_scores(read(text), [("A", "B")], WHOLE, RULES)
    assert found.folds == pytest.approx(dict.fromkeys(range(1, 11), 10.5))


def test_the_order_of_a_pair_turns_the_sign_alone() -> None:
    (one,), (other,) = (contrast_scores(arms(), [pair], WHOLE, RULES) for pair in (("A", "B"), ("B", "A")))
    assert (one.mean, one.p, one.p_equivalence) == pytest.approx((-other.mean, other.p, other.p_equivalence))


def test_contrasts_and_claims_of_a_call_are_one_family(library: Library) -> None:
    pairs = [("A", "B"), ("A", "C")]
    claims = compare_scores(arms(), (CLAIM,), library, WHOLE, RULES)
    alone = contrast_scores(arms(), pairs, WHOLE, RULES)
    assert [each.p_adjusted for each in alone] == holm([each.p for each in alone])
    with_claims, contrasts = one_family(claims, alone, RULES)
    raw = [*(each.p for each in claims), *(each.p for each in alone)]
    assert [*(each.p_adjusted for each in with_claims), *(each.p_adjusted for each in contrasts)] == holm(raw)
    same = [*(each.p_equivalence for each in claims), *(each.p_equivalence for each in alone)]
    together = [each.p_equivalence_adjusted for each in (*with_claims, *contrasts)]
    assert together == holm(same)
    assert one_family(claims, (), RULES) == (claims, ())
    assert one_family((), alone, RULES) == ((), alone)


def test_arms_on_other_folds_are_not_paired() -> None:
    found = contrast_scores(arms(A=[80, 81, 83], B=[70, 72]), [("A", "B")], Conditions("urbansound8k", 10), RULES)[0]
    assert found.p is None
    assert "not tested on the same folds: fold 3 by A only" in found.decision.reason


def test_folds_of_no_named_data_set() -> None:
    found = contrast_scores(arms(), [("A", "B")], Conditions("not stated", 10), RULES)[0]
    assert found == contrast_scores(arms(), [("A", "B")], WHOLE, RULES)[0]


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([("A", "D")], "--contrast A D: there is no arm 'D'; there are: A, B, C"),
        ([("A", "a")], "there is no arm 'a'"),
        ([("A", "A")], "--contrast A A: name two different arms"),
        ([("A", "B"), ("B", "A")], "--contrast B A: this pair is named twice"),
    ],
)
def test_pairs_that_cannot_be(pairs: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(ComparisonError) as error:
        contrast_scores(arms(), pairs, WHOLE, RULES)
    assert said in str(error.value)
