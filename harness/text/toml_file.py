"""TOML files that a user writes."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from harness.errors import HarnessError


def read_toml(path: Path, what: str, error: type[HarnessError]) -> dict[str, Any]:
    """Return the content of ``path``; ``error`` is raised if it cannot be read, and names it as ``what``."""
    try:
        # Some editors put a byte order mark before the text, which TOML does not allow.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as fault:
        raise error(f"{path}: cannot read the {what}: {fault.strerror or fault}") from None
    except UnicodeDecodeError as fault:
        raise error(f"{path}: not a UTF-8 text file (byte {fault.start}); a {what} is TOML") from None
    except (ValueError, RecursionError) as fault:  # also an integer of thousands of digits, or deeply nested brackets
        raise error(f"{path}: not valid TOML: {fault}; correct the file") from None
