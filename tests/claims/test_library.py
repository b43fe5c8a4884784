"""The library: built-in papers, the user's own beside them, and the addresses of their claims."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.claims import BUILT_IN, Claim, Library, claims_of, load_library, load_paper
from harness.errors import ClaimsError
from harness.study import load_study

EXAMPLE = Path(__file__).with_name("example.toml")
LIBRARY = load_library()


def refusal(folders: list[Path]) -> str:
    with pytest.raises(ClaimsError) as caught:
        load_library(folders)
    return str(caught.value)


def no_claim(address: str) -> str:
    with pytest.raises(ClaimsError) as caught:
        Library({**LIBRARY.papers, "example2020": load_paper(EXAMPLE)}).claim(address)
    return str(caught.value)


def test_every_headline_claim_is_found_at_its_address() -> None:
    claims = list(LIBRARY.claims())
    assert len(claims) == sum(len(table.columns) for paper in LIBRARY.papers.values() for table in paper.tables)
    assert len({claim.address for claim in claims}) == len(claims)
    for claim in claims:
        assert LIBRARY.claim(claim.address) == claim


def test_every_class_claim_is_found_at_its_address() -> None:
    claims = [
        Claim(headline.source, headline.table, headline.column, name)
        for headline in LIBRARY.claims()
        for name in headline.class_percents
    ]
    assert claims
    for claim in claims:
        assert LIBRARY.claim(claim.address) == claim


def test_a_users_files_stand_beside_the_built_in_ones(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE, tmp_path / "mine.toml")
    library = load_library([tmp_path])
    assert list(library.papers) == [*LIBRARY.papers, "example2020"]
    for claim in claims_of(library.paper("example2020")):
        assert library.claim(claim.address) == claim
    assert library.claim("example2020:T1/network/Böller & Feuerwerk").percent == 80.0


def test_a_missing_or_empty_folder_adds_nothing(tmp_path: Path) -> None:
    assert load_library([tmp_path, tmp_path / "claims"]) == LIBRARY


def test_only_toml_files_that_are_not_hidden_are_read(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no claims")
    (tmp_path / "._mine.toml").write_bytes(b"\x00\xff")
    assert load_library([tmp_path]) == LIBRARY


def test_a_file_in_place_of_the_folder_is_refused() -> None:
    assert "give its folder" in refusal([EXAMPLE])


def test_a_key_of_a_built_in_file_is_refused(tmp_path: Path) -> None:
    shutil.copy(BUILT_IN / "su2019.toml", tmp_path / "better.toml")
    message = refusal([tmp_path])
    assert str(tmp_path / "better.toml") in message
    assert "'su2019' ships with the project; give this file another key" in message


def test_a_key_of_another_user_file_is_refused(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        shutil.copy(EXAMPLE, tmp_path / name)
    message = refusal([tmp_path])
    assert message.startswith(str(tmp_path / "b.toml"))
    assert f"is that of {tmp_path / 'a.toml'}" in message


def test_a_faulty_file_is_named_with_its_fault(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(EXAMPLE.read_text(encoding="utf-8").replace('value = "80.0"', "value = 80.0"))
    message = refusal([tmp_path])
    assert message.startswith(str(tmp_path / "mine.toml"))
    assert "table T1, column network, value: write it in quotes" in message


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "write paper:table/column, such as su2019:T2/TSCNN-DS"),
        ("su2019", "write paper:table/column"),
        ("su2019:T2", "write paper:table/column"),
        ("su2019:T2/", "write paper:table/column"),
        ("su2019:T2/LMCNet/siren/x", "write paper:table/column"),
        ("su2018:T2/LMCNet", "no claims file has the key 'su2018'"),
        ("su2018:T2/LMCNet", "(did you mean 'su2019'?)"),
        ("su2019:T9/LMCNet", "no table of accuracies 'T9'; there are: T2, T3, T4, T5, T6, T7"),
        ("su2019:T1/4-layer", "no table of accuracies 'T1'"),
        ("su2019:T2/LMCnet", "no column 'LMCnet'; there are: LMCNet, MCNet, MLMC, TSCNN-DS (did you mean 'LMCNet'?)"),
        ("su2019:T2/LMCNet/sirens", "no class 'sirens'"),
        ("su2019:T2/LMCNet/sirens", "(did you mean 'siren'?)"),
        ("su2019:T3/LMCNet/siren", "no class 'siren'; there is none"),
        ("example2020:T1/guess/church_bells", "no class 'church_bells'; there is none"),
    ],
)
def test_an_address_where_nothing_stands_is_refused_with_what_there_is(address: str, words: str) -> None:
    message = no_claim(address)
    assert words in message
    assert repr(address) in message or "no claims file" in message


def test_the_claim_of_the_quickstart_says_that_it_is_made_up_and_ships_with_no_paper() -> None:
    studies = Path(__file__).parents[2] / "studies"
    (compared,) = load_study(studies / "quickstart.toml").compare
    claim = load_library((studies / "claims",)).claim(compared.claim)
    assert "made-up" in claim.source.title
    assert "no such paper exists" in claim.source.title
    assert claim.table.dataset == "synthetic"
    with pytest.raises(ClaimsError, match="made-up-example"):
        load_library().claim(compared.claim)
