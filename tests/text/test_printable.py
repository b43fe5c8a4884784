"""Text that cannot act: escapes for controls, every letter as it is."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.typeset import latex, markdown
from harness.text.printable import one_line, printable

ANY = st.text(
    st.characters(categories=["L", "M", "N", "P", "S", "Z", "C"]) | st.sampled_from("\x1b\n\r\x9b\u202e\ud800")
)
ACTIVE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def active(text: str) -> set[str]:
    """Return the signs in ``text`` that act on what shows it."""
    return {sign for sign in text if unicodedata.category(sign) in ACTIVE and sign not in "\u200c\u200d"}


@given(ANY)
def test_nothing_active_is_left_and_nothing_else_is_touched(text: str) -> None:
    assert active(one_line(text)) == set()
    assert active(printable(text)) <= {"\n"}
    assert printable(text).count("\n") == text.count("\n")
    assert printable(printable(text)) == printable(text)
    if not active(text):
        assert one_line(text) == text


@pytest.mark.parametrize("text", ["Böller ü", "中文", "नमस्ते", "می‌خواهم", "👩‍🔬 🇩🇪 ❤️", "−± → é é", "a\\x1bb"])
def test_words_of_all_scripts_stay(text: str) -> None:
    assert printable(text) == one_line(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;Zm9v\x07", r"\x1b]52;c;Zm9v\x07"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b2J", r"\x9b2J"),
        ("a\rb\bc\x7f", r"a\rb\x08c\x7f"),
        ("a\u202eb\u2066c\u200f", r"a\u202eb\u2066c\u200f"),
        ("a\u2028b\x85c\x0bd", r"a\u2028b\x85c\x0bd"),
        ("\udce9", r"\udce9"),
        ("\U000e0041", r"\U000e0041"),
        ("a\tb\nc", r"a\tb\nc"),
    ],
)
def test_controls_become_visible(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(ANY)
def test_markdown_and_latex_hold_nothing_active(text: str) -> None:
    for made in (markdown.escape(text), latex.escape(text), markdown.table([text], [[text]])):
        assert active(made) <= {"\n"}
    assert "\n" not in markdown.escape(text) + latex.escape(text)
    assert markdown.table([text], [[text]]).count("\n") == 3
