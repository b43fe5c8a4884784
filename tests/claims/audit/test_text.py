"""Numbers of the text against tables, planes and networks."""

from __future__ import annotations

import pytest

from harness.claims import Printed
from harness.claims.audit.text import check_text, same_number
from tests.claims.audit.papers import Data, by_place, column_of, read, shipped


def statement(content: Data, about: str, position: int = 0) -> Data:
    found: list[Data] = [one for one in content["statement"] if one["about"] == about]
    return found[position]


def test_su2019_contradicts_itself_five_times() -> None:
    found = by_place(check_text(read(shipped("su2019"))))
    assert {one.outcome for one in found.values()} == {"contradicts"}
    assert set(found) == {"T1", "chroma, contrast", "T4/MCNet/children_playing", "T4/MLMC/children_playing", "T2 - T7"}
    assert found["T1"].numbers["agrees"] == [1]
    assert found["T1"].numbers["weights"]["stride 1"]["4-layer"] == 64 * 22 * 11 * 1024
    # 85 x 41, halved by conv1, conv2 and pool, conv3, conv4 and pool: 2 x 1 maps.
    assert found["T1"].numbers["weights"]["stride 2"]["4-layer"] == 64 * 2 * 1 * 1024
    assert found["chroma, contrast"].numbers == {
        "stated": {"chroma": 7, "contrast": 12},
        "planes": {"chroma": 12, "contrast": 7},
    }
    assert "exchanged" in found["chroma, contrast"].sentence
    assert found["T4/MCNet/children_playing"].numbers == {"stated": 69.4, "table": 91.1, "printed_for": ["car_horn"]}


@pytest.mark.parametrize(
    ("stated", "cell", "outcome", "printed_for"),
    [
        ("91.1", None, "holds", ["children_playing"]),
        ("91", None, "holds", ["children_playing", "drilling"]),
        ("69.5", None, "contradicts", []),
        ("69.4", "69.4", "holds", ["car_horn", "children_playing"]),
    ],
)
def test_class_accuracies_of_the_text(stated: str, cell: str | None, outcome: str, printed_for: list[str]) -> None:
    content = shipped("su2019")
    statement(content, "class accuracy")["value"] = stated
    if cell:
        column_of(content, "T4/MCNet")["classes"][2] = cell
    finding = by_place(check_text(read(content)))["T4/MCNet/children_playing"]
    assert finding.outcome == outcome
    assert finding.numbers["printed_for"] == printed_for
    assert ("no class of the column has it" in finding.sentence) == (not printed_for)


@pytest.mark.parametrize(
    ("relation", "value", "outcome"),
    [
        ("below", "90", "contradicts"),
        ("below", "93.7", "holds"),
        ("below", "93.6", "contradicts"),
        ("above", "90", "holds"),
        ("above", "95", "contradicts"),
    ],
)
def test_bounds_of_the_text(relation: str, value: str, outcome: str) -> None:
    content = shipped("su2019")
    statement(content, "class accuracy", 1).update(relation=relation, value=value)
    finding = by_place(check_text(read(content)))["T4/MLMC/children_playing"]
    assert finding.outcome == outcome
    assert finding.numbers == {"stated": f"{relation} {value}", "table": 93.6}
    assert f"has children_playing {relation} {value}" in finding.sentence
    assert "93.6" in finding.sentence


def test_the_difference_of_the_text_is_over_another_reference() -> None:
    finding = by_place(check_text(read(shipped("su2019"))))["T2 - T7"]
    assert finding.numbers["cells"] == [["T2/LMCNet 95.2", "T7/Zhang Z. 83.7", "[6]"]]
    assert "gives 11.5 points over [32], but in the tables" in finding.sentence
    assert finding.sentence.endswith("T2/LMCNet 95.2 against T7/Zhang Z. 83.7, which is [6].")


@pytest.mark.parametrize(
    ("value", "reference", "cited", "outcome"),
    [
        ("11.5", "[6]", "[6]", "holds"),
        ("11.5", "", "[6]", "holds"),
        ("11.5", "[32]", "", "shows"),
        ("11.4", "[6]", "[6]", "contradicts"),
        # 97.2 - 83.7
        ("13.5", "[6]", "[6]", "holds"),
        # 95.2 - 81.9 rounds to 13 as well, and which reference 81.9 is the table does not say.
        ("13", "[32]", "[6]", "shows"),
    ],
)
def test_differences_of_the_text(value: str, reference: str, cited: str, outcome: str) -> None:
    content = shipped("su2019")
    statement(content, "difference").update(value=value, reference=reference)
    column_of(content, "T7/Zhang Z.")["reference"] = cited
    assert by_place(check_text(read(content)))["T2 - T7"].outcome == outcome


@pytest.mark.parametrize(
    ("chroma", "contrast", "expected"),
    [
        ("12", "7", {"chroma": "holds", "contrast": "holds"}),
        ("12", "12", {"chroma": "holds", "contrast": "contradicts"}),
        ("7", "7", {"chroma": "contradicts", "contrast": "holds"}),
        ("8", "12", {"chroma": "contradicts", "contrast": "contradicts"}),
        ("7", "12", {"chroma, contrast": "contradicts"}),
    ],
)
def test_plane_heights(chroma: str, contrast: str, expected: dict[str, str]) -> None:
    content = shipped("su2019")
    for number, value in enumerate((chroma, contrast)):
        statement(content, "plane rows", number)["value"] = value
    found = {place: one.outcome for place, one in by_place(check_text(read(content))).items()}
    assert {place: found[place] for place in found if place.startswith("c")} == expected


def test_planes_are_found_exchanged_in_either_order() -> None:
    content = shipped("su2019")
    content["statement"].reverse()
    assert "chroma, contrast" in by_place(check_text(read(content)))


@pytest.mark.parametrize(("stride", "outcome"), [("1", "holds"), ("2", "contradicts"), ("3", "contradicts")])
def test_strides(stride: str, outcome: str) -> None:
    content = shipped("su2019")
    statement(content, "convolution stride")["value"] = stride
    assert by_place(check_text(read(content)))["T1"].outcome == outcome


def test_one_changed_digit_of_the_table_leaves_no_stride() -> None:
    content = shipped("su2019")
    content["layers"][0]["network"][1]["row"][7]["weights"] = "8.9 M"
    statement(content, "convolution stride")["value"] = "1"
    finding = by_place(check_text(read(content)))["T1"]
    assert finding.outcome == "contradicts"
    assert finding.numbers["agrees"] == []


@pytest.mark.parametrize("value", ["1.5", "0"])
def test_what_is_no_stride_cannot_be_checked(value: str) -> None:
    content = shipped("su2019")
    statement(content, "convolution stride")["value"] = value
    finding = by_place(check_text(read(content)))["T1"]
    assert finding.outcome == "cannot be checked"
    assert f"{value} is no stride" in finding.sentence


def test_networks_of_another_family_have_no_strides_to_check() -> None:
    content = shipped("su2019")
    for one in content["layers"][0]["network"]:
        one["model"] = "resnet18"
    assert by_place(check_text(read(content)))["T1"].outcome == "cannot be checked"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("69.4", "69.4", True),
        ("69.4", "69.5", False),
        ("69", "69.4", True),
        ("69", "69.6", False),
        ("69.40", "69.4", True),
    ],
)
def test_same_number(first: str, second: str, expected: bool) -> None:
    assert same_number(Printed.parse(first), Printed.parse(second)) == expected
    assert same_number(Printed.parse(second), Printed.parse(first)) == expected
