"""Other accounts of this machine: what they cannot read, and what is not used because they could have written it.

Records may hold secrets and private data, so the folders and databases that hold them are made for their owner alone,
whatever the umask is. Computed features decide what trainings learn, so none are used that another account could have
changed. Both have an exception that somebody must choose: records in a folder that a group can write, with the
set-group-ID bit, are shared with that group, and the cache that ``HARNESS_SHARED_CACHE`` names is used as it is.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

SHARED_CACHE = "HARNESS_SHARED_CACHE"
"""Variable that names a folder whose contents are used although other accounts can write there."""


def make_private(folder: Path, *, group: bool = True) -> None:
    """Make ``folder`` and its missing parents for this account alone; an existing folder stays as it is.

    With ``group``, the group has all rights as well below a folder that it can write and that has the set-group-ID bit,
    which is how a group shares one.

    Raises
    ------
    OSError
        When a folder cannot be made, or a file is in its place.
    """
    if folder.is_dir():
        return
    if not folder.parent.exists():
        make_private(folder.parent, group=group)
    try:
        folder.mkdir(mode=stat.S_IRWXU)
    except FileExistsError:
        # Another process may have made it in this moment.
        if not folder.is_dir():
            raise
        return
    if group:
        share_with_group(folder)


def make_private_file(file: Path) -> None:
    """Make an empty ``file`` that this account alone can read (below a shared folder its group, too), where there is
    none; its folder as well.

    Raises
    ------
    OSError
        When it cannot be made.
    """
    make_private(file.parent)
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR))
    except FileExistsError:
        return
    share_with_group(file)


def share_with_group(path: Path) -> None:
    """Give the group of ``path``, a new file or folder, its owner's rights where the folder above is shared with it."""
    shared = stat.S_ISGID | stat.S_IWGRP
    if path.parent.stat().st_mode & shared == shared:
        # Where the file system knows no modes there is nothing to give.
        with suppress(OSError):
            path.chmod(0o2770 if path.is_dir() else 0o660)


def as_open_as(folder: Path, path: Path) -> None:
    """Give ``path``, a new file or folder, the rights of ``folder``: what is put into a folder that others may read or
    write can be read or written by them, and by nobody else."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    with suppress(OSError):
        path.chmod(mode if path.is_dir() else mode & 0o666)


def distrust(path: Path) -> str:
    """Return why ``path``, an existing file or folder, may hold what another account put there; empty when it cannot.

    The superuser is trusted, and a group to which nobody else belongs. Links are followed. On Windows nothing is
    known of other accounts.
    """
    if sys.platform == "win32":
        return ""
    about = path.stat()
    if about.st_uid not in (0, os.geteuid()):
        return f"belongs to another account ({_user(about.st_uid)})"
    if about.st_mode & stat.S_IWOTH:
        return "can be written by every account"
    if about.st_mode & stat.S_IWGRP and not _is_mine_alone(about.st_gid):
        return f"can be written by the group {_group(about.st_gid)}"
    return ""


def _is_mine_alone(group: int) -> bool:
    """Tell whether ``group`` is the one that many systems give each account for itself."""
    if sys.platform == "win32":
        return True
    import grp
    import pwd

    try:
        me, about = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return me.pw_gid == group and me.pw_name == about.gr_name and set(about.gr_mem) <= {me.pw_name}


def _user(number: int) -> str:
    if sys.platform == "win32":
        return str(number)
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"number {number}"


def _group(number: int) -> str:
    if sys.platform == "win32":
        return str(number)
    import grp

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return f"number {number}"


def is_shared_cache(folder: Path) -> bool:
    """Tell whether the environment names ``folder`` as a cache that is shared on purpose."""
    named = os.environ.get(SHARED_CACHE, "").strip()
    return bool(named) and Path(named).expanduser().resolve() == folder.resolve()
