"""What the cache holds is told, and only what nothing uses is removed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner
from filelock import FileLock

from harness.cli import cli
from harness.data.clips import ClipTable
from harness.features.cache.contents import cache_entries, prune
from harness.features.cache.feature_store import FeatureRef, FeatureStore
from harness.registry import feature_set
from harness.study import FeaturesSection

PARAMS = FeaturesSection()


def _build(cache: Path, clips: ClipTable, name: str) -> FeatureRef:
    return FeatureStore(cache).build(clips, [feature_set(name)], PARAMS, 1)[name]


def _age(folder: Path, days: float) -> None:
    then = time.time() - days * 86_400
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (then, then))


def test_unused_entries_go_and_used_ones_stay(tmp_path: Path, write_clips: Callable[..., ClipTable]) -> None:
    cache, clips = tmp_path / "cache", write_clips(2)
    old, used = (Path(_build(cache, clips, name).files[0]).parent for name in ("LM", "chroma"))
    left = cache / ".MFCC-0123456789abcdef.parts"
    left.mkdir()
    (left / "clips-000000-000008.npz").write_bytes(bytes(1000))
    for folder in (old, used, left):
        _age(folder, 40)
    _build(cache, clips, "chroma")  # a study that uses it
    found = [(each.name, each.complete, round(each.days)) for each in cache_entries(cache)]
    assert sorted(found) == [("LM", True, 40), ("MFCC", False, 40), ("chroma", True, 0)]
    assert found[-1][0] == "chroma"  # the longest unused comes first
    assert sum(each.bytes for each in cache_entries(cache)) == sum(
        path.stat().st_size for folder in (old, used, left) for path in folder.iterdir()
    )
    assert prune(cache, 41) == []
    assert {each.name for each in prune(cache, 30)} == {"LM", "MFCC"}
    assert {path.name for path in cache.iterdir() if not path.name.endswith(".lock")} == {used.name}
    _build(cache, clips, "LM")
    assert old.is_dir()


def test_what_is_being_computed_stays(tmp_path: Path) -> None:
    left = tmp_path / ".LM-0123456789abcdef.parts"
    left.mkdir()
    _age(left, 40)
    with FileLock(tmp_path / ".LM-0123456789abcdef.lock"):
        assert prune(tmp_path, 1) == []
    assert left.is_dir()
    assert len(prune(tmp_path, 1)) == 1
    assert not left.exists()


def test_the_command_lists_and_removes(tmp_path: Path, write_clips: Callable[..., ClipTable]) -> None:
    cache = tmp_path / "cache"

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["cache", "--cache", str(cache), *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    assert f"{cache}: 0 entries cached, 0.00 GB" in run()
    assert not cache.exists()
    entry = Path(_build(cache, write_clips(2), "LM").files[0]).parent
    assert "LM" in run()
    assert "1 entries cached" in run()
    assert "0 entries removed" in run("--prune", "7")
    _age(entry, 8)
    assert "1 entries removed" in run("--prune", "7")
    assert not entry.exists()
    assert CliRunner().invoke(cli, ["cache", "--cache", str(cache), "--prune", "0"]).exit_code == 2
