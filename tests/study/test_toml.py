"""What people write in other languages, as TOML values."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.study.toml import as_toml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (".5", 0.5), ("-.5", -0.5), ("5.", 5.0), ("007", 7), (".1,.2", [0.1, 0.2]), ("[.5, 1.]", [0.5, 1.0]),
        ("True", True), ("FALSE", False), ("[True, 1]", [True, 1]), ("1,2,10", [1, 2, 10]), ("(1, 2)", [1, 2]),
        ("[LM, MC]", ["LM", "MC"]), ("LM,'MC'", ["LM", "MC"]), ("a,é", ["a", "é"]),
    ],
)  # fmt: skip
def test_a_value_is_read_as_it_was_meant(text: str, value: object) -> None:
    assert tomllib.loads(f"value = {as_toml(text)}") == {"value": value}


@pytest.mark.parametrize("text", ["", "fast", "~/x", "1e-3x", "\n", "1\nother = 2"])
def test_what_nobody_can_guess_gets_no_advice(text: str) -> None:
    assert as_toml(text) == ""


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_advised_is_always_one_toml_value(text: str) -> None:
    written = as_toml(text)
    assert not written or list(tomllib.loads(f"value = {written}")) == ["value"]
