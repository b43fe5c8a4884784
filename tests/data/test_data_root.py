"""Where data lies: the option, then the variable, then the user's cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data.data_root import resolve_data_root
from harness.errors import DataError


def test_option_goes_before_variable_and_variable_before_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "variable"))
    assert resolve_data_root(tmp_path / "option") == (tmp_path / "option").resolve()
    assert resolve_data_root(None) == (tmp_path / "variable").resolve()
    for empty in ("", "  "):
        monkeypatch.setenv("HARNESS_DATA", empty)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        default = resolve_data_root(None)
        assert default.is_absolute()
        assert default.name == "data"
        assert "harness" in default.parts


def test_home_and_relative_paths_are_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert resolve_data_root(Path("~/sounds")) == tmp_path.resolve() / "sounds"
    assert resolve_data_root(Path("sounds")) == tmp_path.resolve() / "sounds"


def test_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(DataError, match=r"--data-root is .*file, which is not a folder"):
        resolve_data_root(file)
    monkeypatch.setenv("HARNESS_DATA", str(file))
    with pytest.raises(DataError, match=r"HARNESS_DATA is .*file"):
        resolve_data_root(None)
