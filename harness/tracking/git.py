"""Which code ran: commit, branch and uncommitted changes of the checkout that holds the package."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from harness.system.redaction import mask_diff, mask_secrets

_SECONDS = 20.0
_LARGEST_DIFF = 1 << 20
_MOST_UNTRACKED = 50
# Only those of git's variables that locate its programs and the user's settings are kept: others select another
# repository, index or diff format (git sets them for its hooks, for instance).
_KEPT = {
    "GIT_EXEC_PATH",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
}
_MISSING = "git is not installed"
_OWNER = "the checkout belongs to another user, so git refuses to read it"
_PATH = re.compile(r"(?<![\w/.])/[^\s'\"]+")


@dataclass(frozen=True)
class GitFacts:
    """State of a checkout. Values that could not be determined are None, and ``unknown`` says why.

    Attributes
    ----------
    commit, branch
        Empty outside a checkout (an installed package).
    dirty
        Whether tracked files of the package differ from the commit, or its folder holds files unknown to git.
    untracked
        These unknown files, relative to the package's folder, at most 50.
    diff
        Changes of the package's tracked files against the commit, secrets masked, cut after 1 MiB.
    unknown
        Why git gave no answer, without paths; empty if it gave one, and if there is no checkout.
    """

    commit: str | None = ""
    branch: str | None = ""
    dirty: bool | None = False
    untracked: tuple[str, ...] | None = ()
    diff: str | None = ""
    unknown: str = ""


class _NoAnswerError(Exception):
    """Git could not be run, or did not answer; the text says why."""


def git_facts(package: Path) -> GitFacts:
    """Return the state of the checkout that tracks ``package`` (the folder of the imported code).

    The repository cannot be overridden by environment variables. All calls of git together may take 20 s.
    """
    git = _Git(package)
    commit = branch = None
    try:
        # A package installed into an environment inside some checkout is not that checkout's code.
        if _checkout(package) is None or not git.says("ls-files", "--", "__init__.py").strip():
            return GitFacts()
        # Failing silently: a checkout without a commit, or on no branch, is not an error.
        commit = git.says("rev-parse", "--verify", "--quiet", "HEAD", silent_failure="").strip()
        branch = git.says("symbolic-ref", "--short", "--quiet", "HEAD", silent_failure="").strip()
        if not commit:
            return GitFacts(branch=branch, dirty=True)
        # Only the package: a replay does not need anything else in the user's repository.
        diff = mask_diff(git.says("diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv", "--", "."))
        unknown = [line for line in git.says("ls-files", "--others", "--exclude-standard").splitlines() if line]
    except _NoAnswerError as reason:
        return GitFacts(commit, branch, None, None, None, str(reason))
    if len(diff) > _LARGEST_DIFF:
        diff = f"{diff[:_LARGEST_DIFF]}\n[cut: {len(diff) - _LARGEST_DIFF} more characters]\n"
    return GitFacts(commit, branch, bool(diff or unknown), tuple(unknown[:_MOST_UNTRACKED]), diff)


def git_warning(package: Path, unknown: str) -> str:
    """Return a warning for the user if git gave no answer about ``package`` (``unknown`` says why), and what to do."""
    advice = {
        _MISSING: "install git",
        _OWNER: f"run: {shlex.join(['git', 'config', '--global', '--add', 'safe.directory', str(_checkout(package))])}",
    }
    return (
        "The commit of the code and uncommitted changes could not be determined and are recorded as unknown: "
        f"{unknown}; {advice.get(unknown, 'git status in the folder of the code may show more')}"
    )


def _checkout(package: Path) -> Path | None:
    """Return the top folder of the checkout that contains the package, found without git, or None."""
    try:
        return next((folder for folder in package.parents if (folder / ".git").exists()), None)
    except OSError as error:
        raise _NoAnswerError(f"a parent folder of the code cannot be read ({error.strerror})") from None


class _Git:
    """Runs git commands in a folder, all within one time limit."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._deadline = time.monotonic() + _SECONDS
        # Reading the state must not lock the index of a checkout that somebody works in.
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT},
            "GIT_OPTIONAL_LOCKS": "0",
            "LC_ALL": "C",
        }

    def says(self, *arguments: str, silent_failure: str | None = None) -> str:
        """Return the output of a git command; ``silent_failure`` is returned if the command fails without output.

        Raises
        ------
        _NoAnswerError
            When git is missing, fails or takes too long.
        """
        try:
            done = subprocess.run(
                ["git", "-C", str(self._folder), *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=max(self._deadline - time.monotonic(), 0.01),
                check=False,
                env=self._environment,
            )
        except FileNotFoundError:
            raise _NoAnswerError(_MISSING) from None
        except subprocess.TimeoutExpired:
            raise _NoAnswerError(f"git did not answer within {_SECONDS:g} s") from None
        except OSError as error:
            raise _NoAnswerError(f"git cannot be started ({error.strerror})") from None
        if done.returncode == 0:
            return done.stdout.decode(errors="replace")
        said = done.stderr.decode(errors="replace").strip()
        if not said and silent_failure is not None:
            return silent_failure
        raise _NoAnswerError(_reason(said, done.returncode))


def _reason(said: str, code: int) -> str:
    if "dubious ownership" in said:
        return _OWNER
    first = said.splitlines()[0] if said else "no message"
    return f"git failed with exit code {code} ({_PATH.sub('<path>', mask_secrets(first))})"
