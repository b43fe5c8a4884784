"""Which code ran: commit, branch and uncommitted changes of the checkout that holds the package."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.tracking.uri import mask_secrets

_SECONDS = 20
_LARGEST_DIFF = 1 << 20
_MOST_UNTRACKED = 50


@dataclass(frozen=True)
class GitFacts:
    """State of a checkout.

    Attributes
    ----------
    commit, branch
        Empty outside a checkout (an installed package, or git missing).
    dirty
        Whether tracked files differ from the commit, or the package's own folder holds files git does not know.
    untracked
        Those unknown files, relative to the package's folder, at most 50.
    diff
        Changes of tracked files against the commit, passwords masked, cut after 1 MiB.
    """

    commit: str = ""
    branch: str = ""
    dirty: bool = False
    untracked: tuple[str, ...] = ()
    diff: str = ""


def git_facts(package: Path) -> GitFacts:
    """Return the state of the checkout that tracks ``package`` (the folder of the imported code)."""
    # A package installed into an environment that lies inside some checkout is not that checkout's code.
    if not _git(package, "ls-files", "--", "__init__.py").strip():
        return GitFacts()
    commit = _git(package, "rev-parse", "--verify", "--quiet", "HEAD").strip()
    if not commit:
        return GitFacts(dirty=True)
    diff = mask_secrets(_git(package, "diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv"))
    unknown = [line for line in _git(package, "ls-files", "--others", "--exclude-standard").splitlines() if line]
    if len(diff) > _LARGEST_DIFF:
        diff = f"{diff[:_LARGEST_DIFF]}\n[cut: {len(diff) - _LARGEST_DIFF} more characters]\n"
    return GitFacts(
        commit=commit,
        branch=_git(package, "branch", "--show-current").strip(),
        dirty=bool(diff or unknown),
        untracked=tuple(unknown[:_MOST_UNTRACKED]),
        diff=diff,
    )


def _git(folder: Path, *arguments: str) -> str:
    """Return what a git command prints, empty when it fails, is missing or takes too long."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            timeout=_SECONDS,
            check=True,
            # Looking must not take the index's lock away from someone who works in the checkout.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace")
