"""The models of a claims file: what they hold, and what they refuse with which words."""

from __future__ import annotations

import copy
import math
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.claims import Paper, load_paper, parse_paper
from harness.errors import ClaimsError
from harness.section import Section, section_of

EXAMPLE = Path(__file__).with_name("example.toml")
DOCUMENT = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    change(document)
    return document


def refusal(document: dict[str, Any]) -> str:
    with pytest.raises(ClaimsError) as caught:
        parse_paper(document, "mine.toml")
    message = str(caught.value)
    assert message.startswith("mine.toml: ")
    return message


def sections(section: type[Section]) -> Iterator[type[Section]]:
    yield section
    for field in section.model_fields.values():
        inner = section_of(field.annotation)
        if inner is not None:
            yield from sections(inner)


def keys_in(value: Any, section: type[Section]) -> Iterator[tuple[type[Section], str]]:
    """Yield every key of a parsed file with the section that it stands in."""
    fields = {field.alias or name: field for name, field in section.model_fields.items()}
    for entry in value if isinstance(value, list) else [value]:
        for key, inner in entry.items():
            yield section, key
            if (below := section_of(fields[key].annotation)) is not None:
                yield from keys_in(inner, below)


def test_the_example_shows_every_key_but_the_doi_that_stands_for_unpublished() -> None:
    shown = set(keys_in(DOCUMENT, Paper))
    known = {
        (section, field.alias or name) for section in sections(Paper) for name, field in section.model_fields.items()
    }
    assert {key for _, key in known - shown} == {"doi"}


def test_every_key_is_explained() -> None:
    for section in sections(Paper):
        for name, field in section.model_fields.items():
            assert field.description, f"{section.__name__}.{name}"


def test_the_example_is_held_as_printed() -> None:
    table = load_paper(EXAMPLE).tables[0]
    assert table.classes == ("church_bells", "Böller & Feuerwerk", "50 %")
    assert table.columns[0].classes == ("75.0", "80.0", "85.0")
    assert table.columns[1].dispersion is None
    assert table.columns[1].folds == ()


def test_a_paper_cannot_be_changed() -> None:
    paper = load_paper(EXAMPLE)
    with pytest.raises(ValidationError, match="frozen"):
        paper.tables[0].columns[0].value = "99.9"


def test_what_a_source_leaves_open_is_not_stated() -> None:
    bare = changed(lambda file: [file["table"][0].pop(key) for key in ("epoch_rule", "tuning", "unit", "note")])
    [bare["table"][0].pop(key) for key in ("tested_folds", "training_folds", "class_clips")]
    table = parse_paper(bare, "mine.toml").tables[0]
    assert (table.epoch_rule, table.tuning, table.unit, table.note) == ("not stated", "not stated", "percent", "")
    assert (table.tested_folds, table.training_folds, table.class_clips) == ((), None, ())


@pytest.mark.parametrize(
    ("fields", "ratio"),
    [({}, 1 / 3), ({"training_folds": None}, 1 / 4), ({"training_folds": None, "folds": 1}, math.nan)],
)
def test_n_test_by_n_train_of_a_table(fields: dict[str, Any], ratio: float) -> None:
    table = parse_paper(DOCUMENT, "mine.toml").tables[0].model_copy(update=fields)
    assert table.ratio == pytest.approx(ratio, nan_ok=True)


def first_table(file: dict[str, Any]) -> dict[str, Any]:
    table: dict[str, Any] = file["table"][0]
    return table


def first_column(file: dict[str, Any]) -> dict[str, Any]:
    column: dict[str, Any] = first_table(file)["column"][0]
    return column


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], object], list[str]]] = {
    "nothing": (lambda file: file.clear(), ["source: is missing", "Where the numbers were published"]),
    "no source": (lambda file: file.pop("source"), ["source: is missing"]),
    "no estimand": (
        lambda file: first_table(file).pop("estimand"),
        ["table T1, estimand: is missing", 'write "not stated"', "mean of class accuracies"],
    ),
    "no folds": (lambda file: first_table(file).pop("folds"), ["table T1, folds: is missing", "1 for one split"]),
    "no columns": (lambda file: first_table(file).pop("column"), ["table T1, column: is missing", "[[table.column]]"]),
    "empty columns": (lambda file: first_table(file).update(column=[]), ["table T1, column: write at least one"]),
    "no tables": (lambda file: [file.pop(key) for key in ("table", "layers", "statement")], ["add [[table]]"]),
    "unknown key": (
        lambda file: first_column(file).update(vaule="1"),
        ["table T1, column network, vaule: unknown key (did you mean 'value'?)", "known here: name, system, reference"],
    ),
    "unknown section": (lambda file: file.update(tables=[]), ["tables: unknown key (did you mean 'table'?)"]),
    "unlike any key": (lambda file: file["source"].update(zzz=1), ["source, zzz: unknown key; known here: key, title"]),
    "number without quotes": (
        lambda file: first_column(file).update(value=80.0),
        ["table T1, column network, value: write it in quotes", "no printed digit is lost", "80.0"],
    ),
    "class accuracy without quotes": (
        lambda file: first_column(file).update(classes=["75.0", 80, "85.0"]),
        ["column network, classes 2: write it in quotes", "80"],
    ),
    "layer without quotes": (
        lambda file: file["layers"][0]["network"][0]["row"][0].update(weights=9200),
        ["layers T2, network 4-layer, row input, weights: write it in quotes", "9200"],
    ),
    "no number": (lambda file: first_column(file).update(value="80 %"), ["value: '80 %' is not a printed number"]),
    "negative": (
        lambda file: first_column(file).update(seconds="-1"),
        ["seconds: numbers in a claims file must not be", "negative", "'-1'"],
    ),
    "above 100": (
        lambda file: first_column(file).update(value="100.1"),
        ["table T1: column network: '100.1' is more than 100"],
    ),
    "class above 100": (lambda file: first_column(file).update(classes=["1", "2", "101"]), ["'101' is more than 100"]),
    "fold above 100": (
        lambda file: first_column(file).update(folds=["1", "2", "3", "4", "101"]),
        ["'101' is more than 100"],
    ),
    "spread above 100": (
        lambda file: first_column(file)["dispersion"].update(value="101"),
        ["column network: '101' is more than 100"],
    ),
    "percent in a table of fractions": (
        lambda file: first_table(file).update(unit="fraction"),
        ["'80.0' is more than 1", "unit is fraction"],
    ),
    "fractions in a table of percent": (
        lambda file: [column.update(value=".8") for column in first_table(file)["column"]],
        ["table T1: no accuracy is above 1 %", 'write unit = "fraction"'],
    ),
    "one class too few": (
        lambda file: first_column(file).update(classes=["75.0", "80.0"]),
        ["column network: 2 class accuracies, but the table's classes name 3"],
    ),
    "classes without names": (
        lambda file: [first_table(file).pop(key) for key in ("classes", "class_clips")],
        ["3 class accuracies", "classes name 0"],
    ),
    "one fold too many": (
        lambda file: first_column(file).update(folds=["80.0"] * 6),
        ["column network: 6 fold accuracies, but the table's folds are 5"],
    ),
    "table twice": (lambda file: file["table"].append(first_table(file)), ["table 'T1' occurs 2 times"]),
    "table of layers named as one of accuracies": (
        lambda file: file["layers"][0].update(id="T1"),
        ["table 'T1' occurs 2 times"],
    ),
    "column twice": (
        lambda file: first_table(file)["column"].append(first_column(file)),
        ["table T1: column 'network' occurs 2 times"],
    ),
    "class twice": (
        lambda file: first_table(file).update(classes=["a", "b", "a"]),
        ["table T1: class 'a' occurs 2 times"],
    ),
    "network twice": (
        lambda file: file["layers"][0]["network"].append(file["layers"][0]["network"][0]),
        ["layers T2: network '4-layer' occurs 2 times"],
    ),
    "layer twice": (
        lambda file: file["layers"][0]["network"][0].update(row=[{"layer": "a"}, {"layer": "a"}]),
        ["network 4-layer: layer 'a' occurs 2 times"],
    ),
    "unknown data set": (
        lambda file: first_table(file).update(dataset="esc5"),
        ["table T1, dataset:", "did you mean 'esc50'", "'esc5'"],
    ),
    "unknown estimand": (
        lambda file: first_table(file).update(estimand="mean"),
        ["table T1, estimand:", "macro", "'mean'"],
    ),
    "unknown network": (
        lambda file: file["layers"][0]["network"][0].update(model="su5"),
        ["network 4-layer: unknown model 'su5'", "su4"],
    ),
    "unknown features": (
        lambda file: file["layers"][0]["network"][0].update(features="LCM"),
        ["network 4-layer: features 'LCM': unknown feature set", "LMC"],
    ),
    "unknown plane": (lambda file: file["statement"][1].update(subject="croma"), ["unknown plane 'croma'", "chroma"]),
    "statement about no cell": (
        lambda file: file["statement"][0].update(subject="T1/network/dog"),
        ["'T1/network/dog'", "table/column/class"],
    ),
    "fold that is not there": (
        lambda file: first_table(file).update(tested_folds=[1, 2, 3, 4, 6]),
        ["table T1: tested_folds: esc50 has no fold 6"],
    ),
    "one tested fold too few": (
        lambda file: first_table(file).update(tested_folds=[1, 2, 3]),
        ["table T1: tested_folds name as many", "[1, 2, 3]", "folds = 5"],
    ),
    "tested folds of a random split": (
        lambda file: first_table(file).update(split="random-clip"),
        ["tested_folds name as many official folds", "split random-clip"],
    ),
    "trained on every fold": (
        lambda file: first_table(file).update(training_folds=5),
        ["training_folds = 5 leave no fold to test", "esc50 has 5"],
    ),
    "one count of clips too few": (
        lambda file: first_table(file).update(class_clips=[40, 40]),
        ["table T1: 2 class_clips, but the table's classes name 3"],
    ),
    "bound of a stride": (
        lambda file: file["statement"][2].update(relation="below"),
        ["relation belongs to a class accuracy, not to convolution stride"],
    ),
    "difference without the other side": (
        lambda file: file["statement"][3].update(minus=""),
        ["a difference, and nothing else, needs minus"],
    ),
    "other side of no difference": (lambda file: file["statement"][0].update(minus="T3"), ["needs minus"]),
    "difference between no tables": (
        lambda file: file["statement"][3].update(minus="T9"),
        ["'T9'", "no such table of accuracies", "T1, T3"],
    ),
    "statement about no table": (
        lambda file: file["statement"][2].update(subject="T9"),
        ["'T9'", "no such table of layers", "T2"],
    ),
    "no folds tested": (
        lambda file: first_table(file).update(folds=0),
        ["table T1, folds:", "greater than or equal to 1"],
    ),
    "folds that are true": (lambda file: first_table(file).update(folds=True), ["table T1, folds:", "True"]),
    "year in quotes": (lambda file: file["source"].update(year="2020"), ["source, year:", "integer", "'2020'"]),
    "address of a DOI": (
        lambda file: file["source"].update(doi="https://doi.org/10.1234/5"),
        ["source, doi: a DOI begins with 10.", "https://doi.org/10.1234/5"],
    ),
    "DOI and unpublished": (lambda file: file["source"].update(doi="10.1234/5"), ["source: give a doi, or"]),
    "neither of them": (lambda file: file["source"].pop("unpublished"), ["source: give a doi, or"]),
    "colon in a key": (lambda file: file["source"].update(key="a:b"), ["source, key: a key has", "'a:b'"]),
    "slash in a column": (
        lambda file: first_column(file).update(name="a/b"),
        ["name: a name has", "no slash", "'a/b'"],
    ),
    "space at an end": (lambda file: first_table(file).update(id="T1 "), ["id: a name has", "'T1 '"]),
    "line break in a class": (
        lambda file: first_table(file).update(classes=["a\nb", "c", "d"]),
        ["classes 1: a name has"],
    ),
    "empty name": (lambda file: first_column(file).update(name=""), ["name: a name has"]),
    "empty title": (lambda file: first_table(file).update(title=""), ["table T1, title:", "at least 1 character"]),
    "single brackets": (
        lambda file: file.update(table=first_table(file)),
        ["table: write its title in double", "[[table]]"],
    ),
    "column as words": (
        lambda file: first_table(file).update(column=["a"]),
        ["column 1: write keys", "[[table.column]]"],
    ),
    "source as words": (lambda file: file.update(source="Su"), ["source: write keys", "[source]", "'Su'"]),
    "classes as words": (lambda file: first_column(file).update(classes="75.0"), ["classes: write a list", "'75.0'"]),
    "spread as words": (
        lambda file: first_column(file).update(dispersion="1.3"),
        ["dispersion: write keys", "[table.column.dispersion]"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_faulty_files_are_refused_with_place_and_remedy(case: str) -> None:
    change, words = REFUSED[case]
    message = refusal(changed(change))
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize("case", REFUSED)
def test_one_fault_is_told_once(case: str) -> None:
    message = refusal(changed(REFUSED[case][0]))
    assert "mine.toml: 1 fault\n" in message
    assert len(message.splitlines()) == 2


def test_every_fault_is_told_at_once() -> None:
    def change(file: dict[str, Any]) -> None:
        first_column(file).update(value=80.0, vaule="1")
        first_table(file).pop("estimand")
        file["source"].update(year=1)

    message = refusal(changed(change))
    assert message.startswith("mine.toml: 4 faults\n")
    for place in (
        "source, year",
        "table T1, estimand",
        "table T1, column network, value",
        "table T1, column network, vaule",
    ):
        assert f"  {place}: " in message


def test_a_long_value_is_cut_in_the_message() -> None:
    message = refusal(changed(lambda file: file["source"].update(key="x" * 10_000)))
    assert len(message) < 300


NAMES = st.text(st.characters(blacklist_categories=["C", "Z"], blacklist_characters="/"), min_size=1, max_size=30)


@settings(deadline=None)
@given(st.lists(NAMES, min_size=3, max_size=3, unique=True), NAMES)
def test_names_of_any_script_and_full_of_specials_are_kept(classes: list[str], column: str) -> None:
    def change(file: dict[str, Any]) -> None:
        first_table(file).update(classes=classes)
        first_column(file).update(name=f"{column}!")
        file["table"][0]["column"][1].update(name="?")
        file.pop("statement")

    table = parse_paper(changed(change), "mine.toml").tables[0]
    assert table.classes == tuple(classes)
    assert table.columns[0].name == f"{column}!"


def _with_split(split: str, options: dict[str, Any]) -> dict[str, Any]:
    def change(document: dict[str, Any]) -> None:
        del document["table"][0]["tested_folds"]
        document["table"][0] |= {"split": split, "split_options": options}

    return changed(change)


def test_options_of_a_split_are_shown_with_it() -> None:
    table = parse_paper(_with_split("file-order", {"counts": [300, 80, 20]}), "mine.toml").tables[0]
    assert table.split_text == "file-order (counts = 300/80/20)"
    assert parse_paper(_with_split("official", {}), "mine.toml").tables[0].split_text == "official"


@pytest.mark.parametrize(
    ("split", "options", "said"),
    [
        ("every-nth-row", {"k": 10}, "split 'every-nth-row' has no option 'k'; it has n, remainder"),
        ("every-nth-row", {"n": 1}, "split_options: n: "),
        ("every-nth-row", {"n": 4, "remainder": 4}, "remainder: must be below n = 4, received 4"),
        ("train-test-split", {"fraction": "0.2"}, "split_options: fraction: "),
        ("official", {"seed": 1}, "split 'official' has no option 'seed'; it has none"),
        ("one split", {"seed": 1}, "has no option 'seed'"),
        ("csv", {"file": "mine.csv"}, "split 'csv' has no option 'file'; it has none"),
    ],
)
def test_options_that_a_split_does_not_have_are_refused(split: str, options: dict[str, Any], said: str) -> None:
    assert said in refusal(_with_split(split, options))
