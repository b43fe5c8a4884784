"""Text from a study prints as it stands and can do nothing to the document around it."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.typeset.latex import breakable, code, escape

# What LaTeX may be handed: commands we write, escaped specials, and signs without a meaning of their own.
_COMMAND = re.compile(r"\\[a-z]+(?![a-z])|\\[A-Z][a-z]+|\\[{}$&%#_]|\{\}|\{[\[\]*]\}|\$\\[A-Za-z]+\$|\$-\$")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A_b & 100 % #1 é", r"A\_b \& 100 \% \#1 é"),
        (r"\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("x^2 ~ $y$", r"x\textasciicircum{}2 \textasciitilde{} \$y\$"),
        ("--set a", r"-{}-set a"),
        ("---", r"-{}-{}-"),
        ("[10 pt]*", r"{[}10 pt{]}{*}"),
        ("α → β", r"$\alpha$ $\to$ $\beta$"),
        ("ŝ e\N{COMBINING ACUTE ACCENT}", "ŝ é"),
        ("two\n\nparagraphs\tand tab", "two paragraphs and tab"),
        ("ħ 音 \N{GRINNING FACE}", "{[}U+0127{]} {[}U+97F3{]} {[}U+1F600{]}"),
        ("ﬁne \N{DOUBLE-STRUCK CAPITAL R}", "fine R"),
        ("a\x00b\N{ZERO WIDTH SPACE}c", r"a\textbackslash{}x00b\textbackslash{}u200bc"),
        ("a\N{ZERO WIDTH JOINER}b", "ab"),
        (None, "None"),
    ],
)
def test_escape(text: object, expected: str) -> None:
    assert escape(text) == expected


@given(st.text(max_size=60))
def test_nothing_active_is_left(text: str) -> None:
    rest = _COMMAND.sub("", escape(text))
    assert not set(rest) & set('\\{}$&%#_^~<>|"`[]*'), rest
    assert all(unicodedata.category(sign)[0] != "C" and sign <= "\u017f" for sign in rest)


@given(st.text(max_size=60))
def test_braces_balance(text: str) -> None:
    tex = re.sub(r"\\[{}]", "", escape(text))
    depth = 0
    for sign in tex:
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    assert depth == 0


def test_plain_words_stay_as_they_are() -> None:
    text = "Accuracy per arm: 83.7 (n = 5), it's 'quoted'; ok?"
    assert escape(text) == text


def test_breakable_allows_breaks_inside_names() -> None:
    assert breakable("image:mel+mfcc_x") == r"image:mel+\allowbreak{}mfcc\_\allowbreak{}x"


def test_code_keeps_straight_quotes_and_double_hyphens() -> None:
    assert code("--set 'a'") == (r"\texttt{-{}-set \textquotesingle{}a\textquotesingle{}}")
