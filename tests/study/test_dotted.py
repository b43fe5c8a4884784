"""Dotted names: one parser for arms, searches, declarations and the command line."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.study import DECLARATIONS, Dotted, StudySpec
from harness.study.dotted import LISTS, SECTIONS, path_of, selection
from harness.study.study_file import parse_study, section_of

STUDY = {
    "study": {"name": "a"},
    "data": {"dataset": "esc10"},
    "train": {"lr": 0.1},
    "arms": [{"name": "A", "model": "su4", "features": "LMC", "set": {"train.lr": 0.2}}],
}
FIELDS = [f"{section}.{field}" for section, model in SECTIONS.items() for field in model.model_fields]


def test_the_sections_are_those_of_a_study() -> None:
    found = {name: section_of(field.annotation) for name, field in StudySpec.model_fields.items()}
    assert {name: model for name, model in found.items() if name not in LISTS} == SECTIONS
    assert all(get_args(StudySpec.model_fields[name].annotation) for name in LISTS)


@given(st.sampled_from([*FIELDS, *LISTS]))
def test_every_field_is_parsed_and_written_alike(text: str) -> None:
    name = Dotted.parse(text)
    assert str(name) == text
    spec = parse_study(STUDY, "study.toml")
    assert name.of(name.set(spec, name.of(spec))) == name.of(spec)


@given(
    st.one_of(st.text(max_size=20), st.sampled_from(FIELDS).map(lambda text: f"{text}x"), st.sampled_from([*SECTIONS]))
)
def test_what_is_no_field_is_refused_with_what_is(text: str) -> None:
    if text in (*FIELDS, *LISTS):
        return
    with pytest.raises(ValueError, match="is not a field of study, data") as refused:
        Dotted.parse(text, options=(), of_split=())
    assert repr(text) in str(refused.value)
    assert "train.lr" in str(refused.value)


def test_options_of_networks_are_fields_of_model() -> None:
    assert Dotted.parse("model.width") == Dotted("model", "width")
    assert Dotted.parse("model.width", ("model",), {"width"}) == Dotted("model", "width")
    for text in ("model", "model.", "model.a b"):
        with pytest.raises(ValueError, match="is not a field of study"):
            Dotted.parse(text)


def test_only_the_allowed_sections_count() -> None:
    with pytest.raises(ValueError, match=r"'data\.folds' is not a field of train or model; allowed: train\.tuned_on, "):
        Dotted.parse("data.folds", ("train", "model"))
    with pytest.raises(ValueError, match=r"is not a field of model; allowed: model\.init, model\.conv4$"):
        Dotted.parse("arms", ("model",), ("conv4",))


def test_a_field_is_read_and_set() -> None:
    spec, lr = parse_study(STUDY, "study.toml"), Dotted.parse("train.lr")
    assert (lr.of(spec), lr.of(spec.settings(spec.arm("A")))) == (0.1, 0.2)
    assert lr.set(spec, 0.3).train.lr == 0.3
    assert spec.train.lr == 0.1
    assert Dotted.parse("compare").set(spec, ()).compare == ()
    assert lr.model is SECTIONS["train"]
    assert Dotted.parse("train.epochs").takes_whole_numbers(spec)
    assert not lr.takes_whole_numbers(spec)
    assert not Dotted.parse("train.class_weights").takes_whole_numbers(spec)


def test_a_selection_is_what_pydantic_takes() -> None:
    assert selection(["train.lr", "train.epochs", "arms"]) == {"train": {"lr", "epochs"}, "arms": True}
    spec = parse_study(STUDY, "study.toml")
    assert spec.model_dump(include=selection(["train.lr", "compare"])) == {"train": {"lr": 0.1}, "compare": ()}
    assert set(selection(DECLARATIONS)) == {"compare", "evaluate", "train"}


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("train.lr", ["train", "lr"]),
        (" features.image.rows ", ["features", "image", "rows"]),
        ("arms.LMCNet.features", ["arms", "LMCNet", "features"]),
        ("arms.LMCNet.set.train.lr", ["arms", "LMCNet", "set", "train.lr"]),
        ("search.space.train.lr.low", ["search", "space", "train.lr", "low"]),
        ("search.space", ["search", "space"]),
        ("train..lr", ["train", "", "lr"]),
    ],
)
def test_the_place_of_a_value_in_a_study_file(text: str, keys: list[str]) -> None:
    assert path_of(text) == keys
