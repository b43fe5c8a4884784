"""The environment names what ran, and nothing that is secret."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import harness
from harness.tracking.environment import collect_environment, cpu_model, installed_packages, lock_digest
from harness.tracking.git import git_facts


def test_facts_are_those_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "a-value-that-nobody-else-has")
    environment = collect_environment(
        "harness run-study x.toml --set a=postgresql://u:pw@h/d", ["a=postgresql://u:pw@h/d"]
    )
    facts = environment.facts
    assert facts["python"]["version"] == platform.python_version()
    assert facts["packages"]["mlflow"] == importlib.metadata.version("mlflow")
    assert facts["hardware"]["cpu"] == cpu_model() != ""
    assert facts["hardware"]["memory_bytes"] == psutil.virtual_memory().total
    assert 1 <= facts["hardware"]["cores_usable"] <= facts["hardware"]["cores_logical"]
    assert facts["command"] == "harness run-study x.toml --set a=postgresql://u:***@h/d"
    assert facts["overrides"] == ["a=postgresql://u:***@h/d"]
    written = json.dumps(facts)
    assert "a-value-that-nobody-else-has" not in written
    assert str(Path(harness.__file__).parent) not in written
    assert sys.prefix not in written


def test_packages_are_sorted_and_complete() -> None:
    packages = installed_packages()
    assert list(packages) == sorted(packages, key=str.lower)
    assert {"numpy", "pandas", "mlflow", "pytest"} <= set(packages)


def test_the_lock_is_known_by_its_digest(tmp_path: Path) -> None:
    assert lock_digest(tmp_path) == ""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.lock").write_bytes(b"numpy==2.4.0\n")
    assert lock_digest(tmp_path) == hashlib.sha256(b"numpy==2.4.0\n").hexdigest()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return the package folder of a small git checkout with one commit."""
    package = tmp_path / "checkout" / "package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("x = 1\n")
    (tmp_path / "checkout" / ".gitignore").write_text("ignored.py\n")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q", "-b", "trunk"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *identity, *command], cwd=package.parent, check=True, capture_output=True)
    return package


def test_a_clean_checkout_is_clean(checkout: Path) -> None:
    (checkout / "ignored.py").write_text("")
    facts = git_facts(checkout)
    assert len(facts.commit) == 40
    assert (facts.branch, facts.dirty, facts.untracked, facts.diff) == ("trunk", False, (), "")


def test_changes_are_told_with_their_diff(checkout: Path) -> None:
    (checkout / "__init__.py").write_text("x = 2\nurl = 'postgresql://u:hunter2@h/d'\n")
    (checkout / "new.py").write_text("")
    facts = git_facts(checkout)
    assert facts.dirty
    assert facts.untracked == ("new.py",)
    assert "-x = 1\n+x = 2\n" in facts.diff
    assert "postgresql://u:***@h/d" in facts.diff


def test_an_unknown_file_of_the_package_makes_it_dirty(checkout: Path) -> None:
    (checkout / "new.py").write_text("")
    assert git_facts(checkout).dirty
    # Results beside the code are not code.
    (checkout / "new.py").rename(checkout.parent / "result.csv")
    assert not git_facts(checkout).dirty


def test_a_huge_diff_is_cut(checkout: Path) -> None:
    (checkout / "__init__.py").write_text("word\n" * 400_000)
    diff = git_facts(checkout).diff
    assert len(diff) < 1_100_000
    assert "more characters]" in diff[-60:]


def test_outside_a_checkout_there_is_no_commit(tmp_path: Path, checkout: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    assert git_facts(alone).commit == ""
    # A package installed below a checkout that does not track it is not that checkout's code.
    installed = checkout.parent / "ignored.py"
    installed.mkdir()
    (installed / "__init__.py").write_text("")
    assert git_facts(installed).commit == ""


def test_without_git_there_is_no_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git_facts(checkout).commit == ""
