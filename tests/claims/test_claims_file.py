"""Reading a claims file: what is no claims file is refused with one message, whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.claims import load_paper, parse_paper
from harness.errors import ClaimsError

EXAMPLE = Path(__file__).with_name("example.toml")


def refusal(path: Path) -> str:
    with pytest.raises(ClaimsError) as caught:
        load_paper(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot read the claims file: No such file or directory" in refusal(tmp_path / "mine.toml")


def test_a_directory(tmp_path: Path) -> None:
    assert "cannot read the claims file: Is a directory" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "source: is missing"),
        (b"# a remark alone\n", "source: is missing"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not a UTF-8 text file (byte 0)"),
        ("[source]\ntitle = 'Müller'".encode("latin-1"), "not a UTF-8 text file (byte 19)"),
        (b"\x00\x01\x02", "not valid TOML"),
        (b"[source\n", "not valid TOML"),
        (b"[source]\nkey = 'a'\nkey = 'b'\n", "not valid TOML"),
        (b"{\"source\": 1}", "not valid TOML"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "not valid TOML"),
        (b"a = " + b"1" * 5000, "not valid TOML"),
    ],
)  # fmt: skip
def test_content_that_is_no_claims_file(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    assert words in refusal(path)


def test_a_byte_order_mark_and_foreign_line_ends_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.read_bytes().replace(b"\n", b"\r\n"))
    assert load_paper(path) == load_paper(EXAMPLE)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SECTIONS = st.sampled_from(["source", "table", "layers", "statement", "other"])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(SECTIONS, VALUES | st.lists(st.fixed_dictionaries({"id": VALUES, "column": VALUES}), max_size=2))
)
def test_any_document_is_a_paper_or_is_refused_as_a_claims_error(document: dict[str, object]) -> None:
    with pytest.raises(ClaimsError, match=r"^mine\.toml: \d+ fault"):
        parse_paper(document, "mine.toml")
