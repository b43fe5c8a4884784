"""Other accounts of the machine: they read no records, and no study learns from what they could have written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.data.datasets.synthetic import SyntheticSection, is_whole, write_synthetic
from harness.errors import TrackingError
from harness.features.cache.cached_plane import open_entry
from harness.search.arm_search import _open as open_search
from harness.system.accounts import SHARED_CACHE
from harness.system.writing import write_atomically
from harness.tracking.files import text_file
from harness.tracking.study_lease import StudyLease
from harness.tracking.sync.spool import spool_of
from tests.security.accounts import STRANGER, as_stranger, needs_root, open_to_others, umask
from tests.security.conftest import House
from tests.security.test_bad_features import cached, publish  # noqa: F401
from tests.stores import record_tiny

SERVER = "http://127.0.0.1:9/mlflow"


@pytest.mark.slow
def test_records_are_closed_to_others_whatever_the_umask(tmp_path: Path) -> None:
    with umask(0):
        record_tiny(tmp_path)
        for storage in ("mlruns/optuna.db", "searches/optuna.db"):
            open_search("search", f"sqlite:///{tmp_path}/{storage}")
    assert (tmp_path / "mlruns").stat().st_mode & 0o077 == 0
    assert open_to_others(tmp_path) == []
    if os.geteuid() == 0:
        for parent in (tmp_path, *tmp_path.parents):
            parent.chmod(parent.stat().st_mode | 0o011)
        (tmp_path / "seen").write_text("")
        assert as_stranger((tmp_path / "seen").read_text) == ""
        for path in ("mlruns/mlflow.db", "mlruns/artifacts"):
            assert as_stranger((tmp_path / path).stat) == "PermissionError"


@pytest.mark.slow
def test_records_in_a_folder_that_was_open_before_are_closed_themselves(tmp_path: Path) -> None:
    (tmp_path / "mlruns").mkdir(mode=0o755)
    with umask(0):
        record_tiny(tmp_path)
        open_search("search", f"sqlite:///{tmp_path}/mlruns/optuna.db")
    assert (tmp_path / "mlruns").stat().st_mode & 0o777 == 0o755
    assert [name for name in open_to_others(tmp_path) if name != "mlruns"] == []


def test_a_spool_is_closed_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with umask(0):
        spool_of(SERVER).make()
    assert open_to_others(tmp_path) == []


@pytest.mark.parametrize("rights", [0o1777, 0o770])
def test_a_cache_that_others_can_write_is_refused_and_left_alone(
    house: House, refusal: Callable[..., str], rights: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.system.accounts._is_mine_alone", lambda _: False)
    cache = house.folder / "cache"
    cache.mkdir()
    cache.chmod(rights)
    refusal(house.run(), f"{cache}: the feature cache is writable by", "--cache", "chmod go-w", SHARED_CACHE)
    assert list(cache.iterdir()) == []


@needs_root
def test_a_cache_of_another_account_is_refused_unless_it_is_named(
    house: House, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class ReadyError(Exception):
        pass

    def stop(*_: object, **__: object) -> None:
        raise ReadyError  # features are there: the rest of the study is not what is tested

    monkeypatch.setattr("harness.running.study.StudyRecorder.open", stop)
    cache = house.folder / "cache"
    cache.mkdir()
    cache.chmod(0o2770)
    os.chown(cache, STRANGER, STRANGER)
    refusal(house.run(), f"{cache}: the feature cache is owned by another account (nobody)", f"{SHARED_CACHE}={cache}")
    monkeypatch.setenv(SHARED_CACHE, str(house.folder))
    refusal(house.run(), "is owned by another account")
    monkeypatch.setenv(SHARED_CACHE, str(cache))
    assert isinstance(house.run().exception, ReadyError)
    [entry] = [path for path in cache.iterdir() if path.is_dir()]
    # What is shared is shared: the others of the group read it, and can take it away when it is damaged.
    assert entry.stat().st_mode & 0o777 == 0o770
    assert {file.stat().st_mode & 0o777 for file in entry.iterdir()} == {0o660}
    [lock] = cache.glob("*.lock") or [None]
    assert lock is None or lock.stat().st_mode & 0o777 == 0o660


@needs_root
@pytest.mark.parametrize("poisoned", ["folder", "LM.npy", "manifest.json"])
def test_an_entry_that_another_account_wrote_is_no_entry(
    cached: tuple[House, Path, bytes],  # noqa: F811
    poisoned: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house, plane, content = cached

    class ReadyError(Exception):
        pass

    def stop(*_: object, **__: object) -> None:
        raise ReadyError

    monkeypatch.setattr("harness.running.study.StudyRecorder.open", stop)
    # Whole in every byte: only its owner shows that it need not hold what our code computes.
    os.chown(plane.parent if poisoned == "folder" else plane.with_name(poisoned), STRANGER, STRANGER)
    assert isinstance(house.run().exception, ReadyError)
    assert "is owned by another account (nobody)" in caplog.text
    assert plane.read_bytes() == content
    assert {path.stat().st_uid for path in (plane.parent, *plane.parent.iterdir())} == {0}


@needs_root
def test_parts_that_another_account_laid_ready_are_computed(tmp_path: Path) -> None:
    from harness.features.cache.fill import _open_scratch

    target = publish(tmp_path)
    shutil.rmtree(target.scratch, ignore_errors=True)
    target.scratch.mkdir()
    (target.scratch / "clips-000000-000008.npz").write_bytes(b"poison")
    os.chown(target.scratch, STRANGER, STRANGER)
    _open_scratch(target)
    assert list(target.scratch.iterdir()) == []
    assert target.scratch.stat().st_uid == 0
    assert open_entry(target, 2) is not None


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_what_a_cache_holds_is_as_open_as_the_cache_and_used_again(tmp_path: Path, mask: int) -> None:
    for rights in (0o755, 0o700):
        cache = tmp_path / f"{rights:o}"
        cache.mkdir()
        cache.chmod(rights)
        with umask(mask):
            target = publish(cache)
        assert target.folder.stat().st_mode & 0o777 == rights
        assert open_entry(target, 2) is not None


@needs_root
def test_a_synthetic_data_set_of_another_account_is_written_anew(tmp_path: Path) -> None:
    spec = SyntheticSection(clips_per_class_and_fold=1)
    with umask(0):
        folder = write_synthetic(tmp_path, spec)
    assert folder.stat().st_mode & 0o022 == 0
    made = folder.stat().st_ino
    assert write_synthetic(tmp_path, spec).stat().st_ino == made
    os.chown(folder, STRANGER, STRANGER)
    assert is_whole(folder)
    assert write_synthetic(tmp_path, spec).stat().st_uid == 0


@needs_root
def test_runs_that_another_account_laid_ready_are_not_sent(
    tmp_path: Path, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spool = spool_of(SERVER)
    spool.make()
    os.chown(spool.folder, STRANGER, STRANGER)
    refusal(CliRunner().invoke(cli, ["sync"]), f"{spool.folder.name} is owned by another account", "your own folder")
    os.chown(spool.folder, 0, 0)
    spool.folder.chmod(0o777)
    refusal(CliRunner().invoke(cli, ["sync"]), f"{spool.folder.name} is writable by every account", "chmod -R go-w")


def test_a_planted_link_is_not_written_through(tmp_path: Path) -> None:
    """Names of temporary files cannot be foreseen, and a link in such a place would not be followed."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = tmp_path / "store"
    folder.mkdir()
    for name in (f".writing-{os.getpid()}-facts.json", "facts.json"):
        (folder / name).symlink_to(victim)
    write_atomically(folder / "facts.json", text_file("new"))
    assert victim.read_text() == "mine"
    assert (folder / "facts.json").read_text() == "new"
    assert not (folder / "facts.json").is_symlink()
    (folder / ".writing-tiny").symlink_to(victim)
    with pytest.raises(TrackingError, match=r"cannot write .*\.writing-tiny"):
        StudyLease("tiny", print).lock_folder(folder, "the study")
    assert victim.read_text() == "mine"
