"""Files that are either complete or absent."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.system.accounts import make_private, share_with_group

Writer = Callable[[Path], object]
"""Writes one file to the given path."""


def write_atomically(target: Path, writer: Writer) -> None:
    """Write one file atomically and durably: it is complete or absent, even after a power failure.

    Only this account can read it; below a shared folder, its group can as well.
    """
    make_private(target.parent)
    # The suffix is kept because writers may choose their format by it; the rest of the name is unpredictable.
    number, name = tempfile.mkstemp(dir=target.parent, prefix=".writing-", suffix=f"-{target.name}")
    os.close(number)
    temporary = Path(name)
    try:
        share_with_group(temporary)
        writer(temporary)
        with temporary.open("rb+") as handle:
            os.fsync(handle.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
