"""What dispersions are over: worked values, what overrules a source's word, and the one door to SDs over folds."""

from __future__ import annotations

import itertools
import math
import statistics
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.claims import Claim
from harness.claims.audit.dispersion import check_dispersions, dispersion_kind, fold_sd, sd_range
from harness.claims.audit.interval import Interval
from harness.errors import ClaimsError
from tests.claims.audit.papers import by_place, claim_of, column, column_of, data, paper, read, shipped, table

T3 = {"LMCNet": 3.121, "MCNet": 3.352, "MLMC": 3.812, "TSCNN-DS": 1.788}
CLASSES = ["71.3", "93.2", "88.7", "54.9"]
SD = f"{statistics.stdev(map(float, CLASSES)):.2f}"  # 17.51: 18 in the two digits that overrule nobody
FOLDS = ["62.2", "60.8", "63.8", "71.5", "64.5"]


@pytest.mark.parametrize("name", T3)
def test_the_dispersions_of_su2019_are_over_classes(name: str) -> None:
    su = read(shipped("su2019"))
    kind = dispersion_kind(claim_of(su, f"T3/{name}"), su)
    assert (kind.kind, kind.value_percent) == ("classes", pytest.approx(T3[name]))
    assert kind.equals == f"population SD of the 10 class accuracies of T2/{name}"
    assert kind.computed == pytest.approx(T3[name], abs=5e-4)
    # The headline of T2 is the one of T3 with fewer digits, so its dispersion stands there.
    assert dispersion_kind(claim_of(su, f"T2/{name}"), su) == kind
    assert by_place(check_dispersions(su))[f"T3/{name}"].numbers["also_of"] == [f"T2/{name}"]


@pytest.mark.parametrize("place", ["T3/TSCNN-DS", "T2/TSCNN-DS", "T4/TSCNN-DS"])
def test_no_fold_sd_is_handed_out_for_su2019(place: str) -> None:
    su = read(shipped("su2019"))
    with pytest.raises(ClaimsError, match=f"su2019:{place} has no standard deviation over folds") as error:
        fold_sd(claim_of(su, place), su)
    expected = "no dispersion is printed" if place.startswith("T4") else r"1.788 points are printed"
    assert expected in str(error.value)


def test_the_accuracy_of_one_class_has_none() -> None:
    su = read(shipped("su2019"))
    whole = claim_of(su, "T2/LMCNet")
    assert dispersion_kind(Claim(whole.source, whole.table, whole.column, "siren"), su).kind == "none"


@pytest.mark.parametrize("what", ["class", "dispersion"])
def test_one_changed_digit_is_seen(what: str) -> None:
    content = shipped("su2019")
    if what == "class":
        column_of(content, "T2/LMCNet")["classes"][6] = "88.7"
    else:
        column_of(content, "T3/LMCNet")["dispersion"]["value"] = ".03122"
    su = read(content)
    assert dispersion_kind(claim_of(su, "T3/LMCNet"), su).kind == "unknown"
    found = by_place(check_dispersions(su))
    assert found["T3/LMCNet"].outcome == "cannot be checked"
    assert found["T3/MCNet"].outcome == "shows"


def test_another_headline_does_not_share_the_dispersion() -> None:
    content = shipped("su2019")
    column_of(content, "T2/LMCNet")["value"] = "95.3"
    su = read(content)
    assert dispersion_kind(claim_of(su, "T2/LMCNet"), su).kind == "none"


def test_folds_verify_their_sd_and_say_which() -> None:
    toy = paper(
        column("folds", "64.6", folds=FOLDS, dispersion={"value": "4.1", "kind": "folds"}),
        column("word", "80.2", dispersion={"value": "5.5", "kind": "folds"}),
    )
    found = by_place(check_dispersions(toy))
    assert {place: one.outcome for place, one in found.items()} == {"T/folds": "holds", "T/word": "cannot be checked"}
    assert found["T/folds"].numbers["equals"] == "sample SD of the 5 printed folds"
    assert found["T/folds"].numbers["text"] == "4.1"
    # Printed without folds, it is taken at the source's word.
    assert fold_sd(claim_of(toy, "T/word"), toy) == 5.5
    assert fold_sd(claim_of(toy, "T/folds"), toy) == pytest.approx(statistics.stdev(map(float, FOLDS)))


def test_a_changed_fold_contradicts_the_printed_sd() -> None:
    folds = ["52.2", *FOLDS[1:]]
    toy = paper(column(value="64.6", folds=folds, dispersion={"value": "4.1", "kind": "folds"}))
    assert by_place(check_dispersions(toy))["T/A"].outcome == "contradicts"
    with pytest.raises(ClaimsError, match="not the SD of the printed folds"):
        fold_sd(claim_of(toy, "T/A"), toy)


@pytest.mark.parametrize(("place", "sd"), [("ESC-10/CNN", 5.5), ("ESC-50/CNN", 4.1), ("US8K/CNN", 4.0)])
def test_the_folds_of_a_file_have_an_sd_though_no_dispersion_is_printed(place: str, sd: float) -> None:
    piczak = read(shipped("piczak2015cnn"))
    assert check_dispersions(piczak) == []
    claim = claim_of(piczak, place)
    kind = dispersion_kind(claim, piczak)
    assert (kind.kind, kind.value_percent) == ("folds", None)
    assert kind.reason == f"it is computed from the {claim.table.folds} printed folds"
    assert round(fold_sd(claim, piczak), 1) == sd
    # The same numbers as the paper prints them have none.
    for printed in ("paper-ESC-50/CNN", "paper-US8K/CNN"):
        with pytest.raises(ClaimsError, match="no dispersion is printed"):
            fold_sd(claim_of(piczak, printed), piczak)


@pytest.mark.parametrize("fields", [{}, {"dispersion": {"value": "3.70", "kind": "unknown"}}])
def test_printed_folds_give_their_sample_sd_whatever_is_printed(fields: dict[str, Any]) -> None:
    # 3.70 is their population SD.
    toy = paper(column(value="64.6", folds=FOLDS, **fields))
    claim = claim_of(toy, "T/A")
    assert fold_sd(claim, toy) == pytest.approx(statistics.stdev(map(float, FOLDS)))
    kind = dispersion_kind(claim, toy)
    assert kind.kind == "folds"
    assert kind.equals.startswith("population" if fields else "")


@pytest.mark.parametrize(
    ("stated", "value", "n", "found", "outcome"),
    [
        ("unknown", SD, None, "classes", "shows"),
        ("unknown", SD, 4, "classes", "shows"),
        ("unknown", SD, 5, "unknown", "cannot be checked"),
        ("unknown", f"{float(SD) + 0.01:.2f}", None, "unknown", "cannot be checked"),
        ("classes", SD, None, "classes", "cannot be checked"),
        ("folds", SD, None, "classes", "contradicts"),
        ("folds", "18", None, "folds", "cannot be checked"),
        ("unknown", "18", None, "classes", "shows"),
    ],
)
def test_what_overrules_a_source(stated: str, value: str, n: int | None, found: str, outcome: str) -> None:
    dispersion = {"value": value, "kind": stated} | ({"n": n} if n else {})
    toy = paper(column(value="77.0", classes=CLASSES, dispersion=dispersion))
    kind = dispersion_kind(claim_of(toy, "T/A"), toy)
    assert kind.kind == found
    assert check_dispersions(toy)[0].outcome == outcome
    if found == "folds":
        assert fold_sd(claim_of(toy, "T/A"), toy) == float(value)
    else:
        with pytest.raises(ClaimsError, match="one-sample test"):
            fold_sd(claim_of(toy, "T/A"), toy)


def test_a_column_of_another_name_is_tried_too_after_its_own() -> None:
    first = table(column("B", "77.0", classes=CLASSES), column("A", "77.0", classes=CLASSES), name="classes")
    spread = table(column("A", "77.0", dispersion={"value": SD, "kind": "unknown"}), name="spread")
    toy = read(data(first, spread))
    assert dispersion_kind(claim_of(toy, "spread/A"), toy).equals.endswith("classes/A")
    del first["column"][1]
    toy = read(data(first, spread))
    assert dispersion_kind(claim_of(toy, "spread/A"), toy).equals.endswith("classes/B")


def test_worked_range_of_an_sd() -> None:
    # Closest 1 and 3, farthest 0 and 4.
    assert sd_range([Interval(Fraction(0), Fraction(1)), Interval(Fraction(3), Fraction(4))], 0) == (1, 2)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 60), min_size=2, max_size=7), st.integers(1, 30), st.randoms(use_true_random=False))
def test_range_of_an_sd_against_all_corners(middles: list[int], half: int, random: Any) -> None:
    intervals = [Interval(Fraction(middle - half), Fraction(middle + half)) for middle in middles]
    low, high = sd_range(intervals, 1)
    corners = itertools.product(*((float(one.low), float(one.high)) for one in intervals))
    assert high == pytest.approx(max(statistics.stdev(corner) for corner in corners))
    for _ in range(50):
        inside = [random.uniform(float(one.low), float(one.high)) for one in intervals]
        assert low - 1e-9 <= statistics.stdev(inside) <= high + 1e-9
    assert low == pytest.approx(_least_by_search(middles, half), abs=1e-3)


def _least_by_search(middles: list[int], half: int) -> float:
    """Return the least sample SD by trying every centre on a fine grid."""
    best = math.inf
    for step in range(6001):
        centre = step / 100
        squares = sum(max(0.0, abs(middle - centre) - half) ** 2 for middle in middles)
        best = min(best, math.sqrt(squares / (len(middles) - 1)))
    return best
