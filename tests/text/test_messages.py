"""Parts of error messages."""

from __future__ import annotations

from harness.text.messages import near, shortened


def test_long_values_are_cut() -> None:
    assert shortened("x" * 80) == "x" * 80
    assert shortened("x" * 81) == "x" * 77 + "..."
    assert shortened("abcdef", 5) == "ab..."


def test_a_name_that_resembles_is_named() -> None:
    assert near("epoch", ("epochs", "lr")) == " (did you mean 'epochs'?)"
    assert near("epoch", ("lr",)) == ""
