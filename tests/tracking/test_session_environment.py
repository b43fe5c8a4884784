"""The environment names what ran, and nothing that is secret."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from mlflow.tracking import MlflowClient

import harness
from harness.devices import processor_name
from harness.record import shown_git
from harness.tracking.git import GitFacts, git_facts, git_warning
from harness.tracking.session_environment import collect_environment, installed_packages, lock_digest
from harness.tracking.study_reader import read_study


def test_facts_are_those_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "a-value-that-nobody-else-has")
    environment = collect_environment(
        "harness run-study x.toml --set a=postgresql://u:pw@h/d", ["a=postgresql://u:pw@h/d"]
    )
    facts = environment.facts
    assert facts["python"]["version"] == platform.python_version()
    assert facts["packages"]["mlflow"] == importlib.metadata.version("mlflow")
    assert facts["hardware"]["cpu"] == processor_name() != ""
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
    assert facts.diff is not None
    assert "-x = 1\n+x = 2\n" in facts.diff
    assert "postgresql://u:***@h/d" in facts.diff


def test_an_unknown_file_of_the_package_makes_it_dirty(checkout: Path) -> None:
    (checkout / "new.py").write_text("")
    assert git_facts(checkout).dirty
    # Results beside the code are not code.
    (checkout / "new.py").rename(checkout.parent / "result.csv")
    assert not git_facts(checkout).dirty


def test_the_rest_of_the_repository_is_not_recorded(checkout: Path) -> None:
    notes = checkout.parent / "notes.txt"
    notes.write_text("first\n")
    for command in (
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "second"],
    ):
        subprocess.run(["git", *command], cwd=checkout.parent, check=True, capture_output=True)
    notes.write_text("a diary\n")
    assert (git_facts(checkout).dirty, git_facts(checkout).diff) == (False, "")
    (checkout / "__init__.py").write_text("x = 2\n")
    assert "diary" not in (git_facts(checkout).diff or "")
    assert "+x = 2\n" in (git_facts(checkout).diff or "")


@pytest.mark.slow
def test_a_huge_diff_is_cut(checkout: Path) -> None:
    (checkout / "__init__.py").write_text("word\n" * 400_000)
    diff = git_facts(checkout).diff or ""
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


def _assert_unknown(facts: GitFacts, reason: str) -> None:
    assert (facts.commit, facts.branch, facts.dirty, facts.untracked, facts.diff) == (None,) * 5
    assert re.search(reason, facts.unknown)


def _git_is(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program of another kind in git's place."""
    folder.mkdir()
    program = folder / "git"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_missing_git_is_not_a_missing_commit(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    _assert_unknown(git_facts(checkout), "^git is not installed$")
    assert git_warning(checkout, git_facts(checkout).unknown).endswith("git is not installed; install git")
    # Installed code has no checkout: that is seen without git.
    (tmp_path / "site-packages").mkdir()
    assert git_facts(tmp_path / "site-packages") == GitFacts()


def test_a_checkout_of_another_owner_is_unknown_until_git_trusts_it(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs permission to change the owner of a folder")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "SUDO_UID"):
        monkeypatch.delenv(name, raising=False)
    for path in (checkout.parent, checkout.parent / ".git"):
        os.chown(path, 12345, 12345)
    facts = git_facts(checkout)
    _assert_unknown(facts, "^the checkout belongs to another user")
    advised = git_warning(checkout, facts.unknown).rpartition("run: ")[2]
    assert advised == f"git config --global --add safe.directory {checkout.parent}"
    subprocess.run(shlex.split(advised), check=True)
    assert len(git_facts(checkout).commit or "") == 40


def test_a_git_that_does_not_answer_in_time_is_unknown(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.tracking.git._SECONDS", 0.5)
    _git_is(tmp_path / "slow", monkeypatch, "exec sleep 60")
    began = time.monotonic()
    _assert_unknown(git_facts(checkout), "^git did not answer within 0.5 s$")
    assert time.monotonic() - began < 20


def test_what_was_found_out_before_git_stopped_answering_is_kept(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git_facts(checkout).commit
    _git_is(
        tmp_path / "half",
        monkeypatch,
        f'case " $* " in *" diff "*) echo "fatal: bad object in {tmp_path}/x" >&2; exit 128;; esac\n'
        f'exec {shutil.which("git")} "$@"',
    )
    facts = git_facts(checkout)
    assert facts == GitFacts(
        commit, "trunk", None, None, None, "git failed with exit code 128 (fatal: bad object in <path>)"
    )


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'fatal: index file corrupt' >&2; exit 128", r"exit code 128 \(fatal: index file corrupt\)$"),
        ("exit 3", r"exit code 3 \(no message\)$"),
    ],
)
def test_a_git_that_fails_is_unknown(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    _git_is(tmp_path / "bad", monkeypatch, script)
    _assert_unknown(git_facts(checkout), reason)


def test_a_checkout_whose_own_folder_is_gone_is_unknown(checkout: Path, tmp_path: Path) -> None:
    (checkout.parent / ".git").rename(tmp_path / "gone")
    (checkout.parent / ".git").write_text(f"gitdir: {tmp_path}/nowhere\n")
    _assert_unknown(git_facts(checkout), r"exit code 128 \(fatal: not a git repository: <path>\)")


def test_a_checkout_without_a_commit_has_none(checkout: Path) -> None:
    shutil.rmtree(checkout.parent / ".git")
    for command in (["init", "-q", "-b", "trunk"], ["add", "."]):
        subprocess.run(["git", *command], cwd=checkout.parent, check=True)
    assert git_facts(checkout) == GitFacts(branch="trunk", dirty=True)


def test_a_commit_on_no_branch_has_none(checkout: Path) -> None:
    subprocess.run(["git", "checkout", "-q", "--detach"], cwd=checkout.parent, check=True)
    facts = git_facts(checkout)
    assert (len(facts.commit or ""), facts.branch, facts.unknown) == (40, "", "")


@pytest.mark.parametrize(
    "variables",
    [
        {"GIT_DIR": "other/.git", "GIT_WORK_TREE": "other"},
        {"GIT_DIR": "nowhere"},
        {"GIT_INDEX_FILE": "nowhere/index"},
        {"GIT_CEILING_DIRECTORIES": "checkout"},
        {"GIT_OBJECT_DIRECTORY": "nowhere"},
        {"GIT_COMMON_DIR": "other/.git"},
        {"GIT_NAMESPACE": "x", "GIT_EXTERNAL_DIFF": "/bin/false"},
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.worktree", "GIT_CONFIG_VALUE_0": "/"},
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_the_environment_does_not_choose_the_repository(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    (checkout / "__init__.py").write_text("x = 2\n")
    expected = git_facts(checkout)
    assert expected.dirty
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "other"], cwd=other, check=True)
    for name, value in variables.items():
        monkeypatch.setenv(name, str(tmp_path / value) if "DIR" in name or "FILE" in name or "TREE" in name else value)
    assert git_facts(checkout) == expected


@pytest.mark.slow
def test_what_git_gave_no_answer_to_is_recorded_as_that_and_told(
    study: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _git_is(tmp_path / "bad", monkeypatch, "echo 'fatal: no' >&2; exit 128")
    # Also where the tests run from no checkout.
    monkeypatch.setattr("harness.tracking.git._checkout", lambda _: tmp_path)
    lines: list[str] = []
    with study.recording(tell=lines.append) as recorder:
        pass
    reason = "git failed with exit code 128 (fatal: no)"
    assert len(lines) == 1
    assert "could not be determined and are recorded as unknown" in lines[0]
    assert reason in lines[0]
    tags = MlflowClient(study.uri).get_run(recorder.run_id).data.tags
    assert tags["git_dirty"] == "unknown"
    assert "mlflow.source.git.commit" not in tags
    environment = read_study(study.uri, "tiny").environment
    assert environment["git"] == {
        **dict.fromkeys(("commit", "branch", "dirty", "untracked", "diff_digest")),
        "unknown": reason,
    }
    assert shown_git(environment)["dirty"] == f"unknown ({reason})"
