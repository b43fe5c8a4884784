"""What is made for one account, and which files another account could have written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from harness.system.accounts import SHARED_CACHE, as_open_as, distrust, is_shared_cache, make_private, make_private_file
from tests.security.accounts import STRANGER, needs_root, umask

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX accounts")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_what_is_made_is_for_its_owner_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        make_private_file(tmp_path / "a" / "b" / "file")
    assert [mode(tmp_path / path) for path in ("a", "a/b", "a/b/file")] == [0o700, 0o700, 0o600]


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o755)
    (tmp_path / "file").write_text("content")
    (tmp_path / "file").chmod(0o644)
    make_private(tmp_path / "a")
    make_private_file(tmp_path / "file")
    assert (mode(tmp_path / "a"), mode(tmp_path / "file")) == (0o755, 0o644)
    assert (tmp_path / "file").read_text() == "content"
    with pytest.raises(FileExistsError):
        make_private(tmp_path / "file")


@pytest.mark.parametrize(("parent", "folder", "file"), [(0o2770, 0o2770, 0o660), (0o2755, 0o2700, 0o600)])
def test_only_a_folder_that_its_group_can_write_is_shared_with_it(
    tmp_path: Path, parent: int, folder: int, file: int
) -> None:
    tmp_path.chmod(parent)
    with umask(0o077):
        make_private_file(tmp_path / "lab" / "file")
        make_private(tmp_path / "own", group=False)
    # Linux hands the set-group-ID bit of a folder down to those that are made in it.
    assert (mode(tmp_path / "lab") | stat.S_ISGID, mode(tmp_path / "lab" / "file")) == (folder, file)
    assert mode(tmp_path / "own") & 0o777 == 0o700


def test_a_link_that_leads_nowhere_is_left_to_whoever_planted_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    make_private_file(tmp_path / "link")
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(("given", "folder", "file"), [(0o755, 0o755, 0o644), (0o700, 0o700, 0o600)])
def test_what_is_put_into_a_folder_is_as_open_as_the_folder(tmp_path: Path, given: int, folder: int, file: int) -> None:
    tmp_path.chmod(given)
    with umask(0):
        (tmp_path / "a").mkdir()
        (tmp_path / "b").write_text("")
    for name in "ab":
        as_open_as(tmp_path, tmp_path / name)
    assert (mode(tmp_path / "a"), mode(tmp_path / "b")) == (folder, file)


@pytest.mark.parametrize("rights", [0o755, 0o700, 0o500, 0o1755])
def test_what_nobody_else_can_write_is_trusted(tmp_path: Path, rights: int) -> None:
    tmp_path.chmod(rights)
    assert distrust(tmp_path) == ""


def test_what_others_can_write_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o777)
    assert distrust(tmp_path) == "is writable by every account"
    tmp_path.chmod(0o775)
    monkeypatch.setattr("harness.system.accounts._is_mine_alone", lambda _: True)
    assert distrust(tmp_path) == ""
    monkeypatch.setattr("harness.system.accounts._is_mine_alone", lambda _: False)
    assert distrust(tmp_path).startswith("is writable by the group ")


@needs_root
def test_what_belongs_to_another_account_is_not(tmp_path: Path) -> None:
    os.chown(tmp_path, STRANGER, STRANGER)
    assert distrust(tmp_path) == "is owned by another account (nobody)"
    os.chown(tmp_path, 4_000_000, 0)
    assert distrust(tmp_path) == "is owned by another account (id 4000000)"


def test_a_shared_cache_is_named_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_shared_cache(tmp_path)
    monkeypatch.setenv(SHARED_CACHE, str(tmp_path / "other"))
    assert not is_shared_cache(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.setenv(SHARED_CACHE, str(tmp_path / "link"))
    assert is_shared_cache(tmp_path)
