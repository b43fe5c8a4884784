"""Other accounts of this machine: protecting records from them, and not using files that they could have written.

Records may hold secrets and private data, so the folders and databases that hold them are created for their owner
alone, whatever the umask. Computed features determine what trainings learn, so features that another account could
have changed are not used. Both rules have an explicit exception: records in a folder that a group can write, with the
set-group-ID bit, are shared with that group, and the cache that ``HARNESS_SHARED_CACHE`` names is used as it is.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

SHARED_CACHE = "HARNESS_SHARED_CACHE"
"""Environment variable that names a folder whose contents are used although other accounts can write there."""


def make_private(folder: Path, *, group: bool = True) -> None:
    """Create ``folder`` and its missing parents for this account alone; an existing folder is left unchanged.

    With ``group``, the group gets all rights as well below a folder that it can write and that has the set-group-ID
    bit, which is the usual way to share a folder with a group.

    Raises
    ------
    OSError
        When a folder cannot be created, or a file is in its place.
    """
    if folder.is_dir():
        return
    if not folder.parent.exists():
        make_private(folder.parent, group=group)
    try:
        folder.mkdir(mode=stat.S_IRWXU)
    except FileExistsError:
        # Another process may have created it in the meantime.
        if not folder.is_dir():
            raise
        return
    if group:
        share_with_group(folder)


def make_private_file(file: Path) -> None:
    """Create an empty ``file``, and its folder, unless it exists; only this account can read it.

    Below a shared folder, its group can read it as well.

    Raises
    ------
    OSError
        When it cannot be created.
    """
    make_private(file.parent)
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR))
    except FileExistsError:
        return
    share_with_group(file)


def share_with_group(path: Path) -> None:
    """Give the group of ``path``, a new file or folder, the owner's rights if the folder above is shared with that
    group."""
    if is_shared(path.parent):
        # Some file systems have no permissions.
        with suppress(OSError):
            path.chmod(0o2770 if path.is_dir() else 0o660)


def is_shared(folder: Path) -> bool:
    """Return whether ``folder`` is shared with its group, which may write to it and owns what is created there."""
    shared = stat.S_ISGID | stat.S_IWGRP
    return folder.stat().st_mode & shared == shared


def as_open_as(folder: Path, path: Path) -> None:
    """Give ``path``, a new file or folder, the permissions of ``folder``.

    The contents of a folder can then be read or written by those who can read or write the folder, and by nobody else.
    """
    mode = stat.S_IMODE(folder.stat().st_mode)
    with suppress(OSError):
        path.chmod(mode if path.is_dir() else mode & 0o666)


def distrust(path: Path) -> str:
    """Return why another account may have written ``path``, an existing file or folder; empty if none can.

    The superuser is trusted, and a group without other members. Links are followed. On Windows other accounts are not
    checked.
    """
    if sys.platform == "win32":
        return ""
    about = path.stat()
    if about.st_uid not in (0, os.geteuid()):
        return f"is owned by another account ({_user(about.st_uid)})"
    if about.st_mode & stat.S_IWOTH:
        return "is writable by every account"
    if about.st_mode & stat.S_IWGRP and not _is_mine_alone(about.st_gid):
        return f"is writable by the group {_group(about.st_gid)}"
    return ""


def _is_mine_alone(group: int) -> bool:
    """Return whether ``group`` is the private group that many systems create for each account."""
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
        return f"id {number}"


def _group(number: int) -> str:
    if sys.platform == "win32":
        return str(number)
    import grp

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return f"id {number}"


def is_shared_cache(folder: Path) -> bool:
    """Return whether the environment names ``folder`` as a cache that is shared on purpose."""
    named = os.environ.get(SHARED_CACHE, "").strip()
    return bool(named) and Path(named).expanduser().resolve() == folder.resolve()
