"""Tables of layers: every entry against the built network, every sum against its total."""

from __future__ import annotations

from typing import Any

import pytest

from harness.claims.audit.finding import Finding
from harness.claims.audit.layer_tables import check_layers, network_layers, prints_as
from tests.claims.audit.papers import Data, data, read, shipped

FC_4 = 64 * 22 * 11 * 1024


@pytest.fixture(scope="module")
def found() -> list[Finding]:
    return check_layers(read(shipped("su2019")))


def network(content: Data, name: str) -> Data:
    (table,) = content["layers"]
    one: Data = next(one for one in table["network"] if one["name"] == name)
    return one


def contradictions(content: Data) -> list[Finding]:
    return [one for one in check_layers(read(content)) if one.outcome == "contradicts"]


def test_su2019_counts_two_layers_after_the_pool_and_sums_them_wrongly(found: list[Finding]) -> None:
    wrong = [one for one in found if one.outcome == "contradicts"]
    assert [one.place for one in wrong] == ["T1/8-layer/activations"] * 2
    after, total = (one.numbers for one in wrong)
    assert after["layers"] == ["conv7", "conv8"]
    assert after["after_pool"] == [6 * 3 * 256] * 2
    assert "the other 6 are sizes before it" in wrong[0].sentence
    assert after["before_pool"] == [11 * 6 * 256] * 2
    assert total["sum"] == pytest.approx(410_834)
    assert total["sum_with_input"] == pytest.approx(414_334)
    assert total["printed"] == "413.4 K"
    assert "410,834 as printed (410,826 as counted) without the input and to 414,334" in wrong[1].sentence
    assert wrong[1].sentence.endswith("the printed total is 413.4 K, which is neither.")


def test_every_row_of_su2019_is_printed_and_none_is_taken_from_the_network(found: list[Finding]) -> None:
    assert [one.numbers["from_network"] for one in found if "from_network" in one.numbers] == [{}] * 6
    assert not any("taken from the network" in one.sentence for one in found)
    assert all(
        "the sum without the input" in one.sentence
        for one in found
        if one.numbers.get("sum_with_input") and one.outcome == "holds"
    )


def test_what_a_table_does_not_print_is_taken_from_the_network() -> None:
    content = shipped("su2019")
    for row in network(content, "8-layer")["row"][-2:]:
        del row["activations"]
    total = contradictions(content)[1]
    assert total.numbers["from_network"] == {"FC-1024": 1024, "output": 10}
    assert "1,024 of FC-1024 and 10 of output, which the table does not print, taken from the network" in total.sentence


@pytest.mark.parametrize("total", ["343.1 K", "339.6 K"])
def test_a_total_may_count_the_input_or_not(total: str) -> None:
    content = shipped("su2019")
    network(content, "4-layer")["total"]["activations"] = total
    (finding,) = [
        one for one in check_layers(read(content)) if one.place == "T1/4-layer/activations" and "sum" in one.numbers
    ]
    assert finding.outcome == "holds"
    assert finding.sentence.endswith(
        f"{total}, which is the sum {'with it' if total == '343.1 K' else 'without the input'}."
    )


def test_another_size_of_the_input_is_seen() -> None:
    content = shipped("su2019")
    network(content, "4-layer")["row"][0]["activations"] = "3.6 K"
    (wrong,) = [one for one in contradictions(content) if one.place.startswith("T1/4-layer")]
    assert (wrong.place, wrong.numbers["network"]) == ("T1/4-layer/activations/input", 85 * 41)


def test_everything_else_in_su2019_follows_from_the_networks(found: list[Finding]) -> None:
    entries = [one for one in found if "entries" in one.numbers]
    assert [(one.numbers["agree"], one.numbers["entries"]) for one in entries] == [
        *((6, 6), (7, 7)),
        *((8, 8), (9, 9)),
        *((10, 10), (9, 11)),
    ]
    assert "36.8 K of conv4 is 36,864 truncated, not rounded" in entries[0].sentence
    sums = {one.place: one.outcome for one in found if "sum" in one.numbers and one.outcome == "holds"}
    assert set(sums) == {
        *(f"T1/{depth}-layer/weights" for depth in (4, 6, 8)),
        *(f"T1/{depth}-layer/activations" for depth in (4, 6)),
    }


def test_a_changed_total_agrees() -> None:
    content = shipped("su2019")
    network(content, "8-layer")["total"]["activations"] = "410.8 K"
    (left,) = contradictions(content)
    assert "after_pool" in left.numbers
    network(content, "4-layer")["total"]["activations"] = "338.6 K"
    assert [one.place for one in contradictions(content)] == ["T1/4-layer/activations", "T1/8-layer/activations"]


@pytest.mark.parametrize(
    ("row", "quantity", "value", "network_has"), [(1, "weights", "298", 288), (3, "activations", "57.9 K", 57_792)]
)
def test_one_changed_digit_of_an_entry_is_seen(row: int, quantity: str, value: str, network_has: int) -> None:
    content = shipped("su2019")
    network(content, "4-layer")["row"][row][quantity] = value
    wrong = [one for one in contradictions(content) if one.place.startswith("T1/4-layer")]
    assert [one.place.rpartition("/")[2] for one in wrong] == [f"conv{row}"]
    assert wrong[0].numbers == {"printed": value, "network": network_has}


def test_sizes_before_the_pool_throughout_are_no_finding() -> None:
    content = shipped("su2019")
    for row in (7, 8):
        network(content, "8-layer")["row"][row]["activations"] = "16.9 K"
    (total,) = contradictions(content)
    assert total.numbers["sum"] == pytest.approx(435_434)


def test_sizes_after_the_pool_throughout_are_told_one_by_one() -> None:
    content = shipped("su2019")
    rows = network(content, "4-layer")["row"]
    for row, size in zip(rows[1:], (28_896, 28_896, 15_488, 15_488), strict=False):
        row["activations"] = str(size)
    wrong = [one for one in contradictions(content) if one.place.startswith("T1/4-layer/activations/")]
    assert [one.numbers["network"] for one in wrong] == [111_520, 111_520, 57_792, 57_792]


@pytest.mark.parametrize("fault", ["rows", "classes"])
def test_what_cannot_be_matched_is_told(fault: str) -> None:
    content = shipped("su2019")
    if fault == "rows":
        del network(content, "4-layer")["row"][4]
    else:
        content = {**data(), "layers": content["layers"]}
        del content["table"]
    first = check_layers(read(content))[0]
    assert first.place == "T1/4-layer"
    assert first.outcome == "cannot be checked"
    expected = "5 layers are printed and su4 has 6" if fault == "rows" else "number of classes is not known"
    assert expected in first.sentence


def test_layers_come_from_the_network() -> None:
    layers = network_layers(read(shipped("su2019")).layer_tables[0].networks[0], 10)
    assert [(one.name, one.weights, one.activations, one.pooled) for one in layers] == [
        ("conv1", 288, 111_520, 32 * 43 * 21),
        ("conv2", 9216, 111_520, 32 * 43 * 21),
        ("conv3", 18_432, 57_792, 64 * 22 * 11),
        ("conv4", 36_864, 57_792, 64 * 22 * 11),
        ("fc", FC_4, 1024, None),
        ("output", 10_240, 10, None),
    ]


@pytest.mark.parametrize(
    ("count", "text", "expected"),
    [
        (288, "288", True),
        (289, "288", False),
        (36_864, "36.8 K", True),
        (36_864, "36.9 K", True),
        (36_900, "36.8 K", False),
        (36_749, "36.8 K", False),
        (30_976, "31 K", True),
        (FC_4, "15.9 M", True),
        (FC_4, "15.7 M", False),
    ],
)
def test_counts_print_rounded_or_cut_off(count: int, text: str, expected: bool) -> None:
    assert prints_as(count, text) == expected


@pytest.mark.parametrize("extra", [{}, {"layers": []}])
def test_a_paper_without_layers_has_no_finding(extra: dict[str, Any]) -> None:
    content = shipped("piczak2015cnn")
    assert check_layers(read({**content, **extra})) == []
