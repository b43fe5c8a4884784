"""Receipts: what a server has of each run of a spool, one small file per run, written after the server has confirmed.

A receipt only saves requests: without it, the server's copy is found by its tag and completed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness.system.writing import write_atomically
from harness.tracking.files import json_file


@dataclass(frozen=True)
class Receipt:
    """What the server has of one run.

    Attributes
    ----------
    copy
        Id of the run on the server.
    content
        Digest of the run as sent; empty until it was sent completely.
    files
        Size in bytes and modification time in ns of each artifact that was sent, by its path.
    """

    copy: str
    content: str = ""
    files: dict[str, list[int]] = field(default_factory=dict)


class Receipts:
    """The receipts of one spool, in its folder ``sent``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "sent"

    def get(self, run_id: str) -> Receipt | None:
        """Return the receipt of a run; None if nothing of it was sent, or the file is damaged."""
        try:
            return Receipt(**json.loads(self._file(run_id).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def put(self, run_id: str, receipt: Receipt) -> None:
        """Write a run's receipt atomically."""
        write_atomically(self._file(run_id), json_file(asdict(receipt)))

    def drop(self, run_id: str) -> None:
        """Delete the receipt of a run."""
        self._file(run_id).unlink(missing_ok=True)

    def _file(self, run_id: str) -> Path:
        # A run id comes from a database, so it is not trusted as a file name.
        return self._folder / f"{Path(run_id).name}.json"
