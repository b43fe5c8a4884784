"""Receipts: what a server has of each run of a spool, one small file a run, written after the server has said yes.

A receipt saves asking, and nothing else: without it the server's copy is found again by its tag and completed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness.tracking.files import json_file, write_whole


@dataclass(frozen=True)
class Receipt:
    """What the server has of one run.

    Attributes
    ----------
    copy
        Id of the run on the server.
    content
        Digest of the run as it was sent; empty until it was sent whole.
    files
        Size in bytes and time of change in ns of each artifact that was sent, by its path.
    """

    copy: str
    content: str = ""
    files: dict[str, list[int]] = field(default_factory=dict)


class Receipts:
    """The receipts of one spool, in its folder ``sent``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "sent"

    def get(self, run_id: str) -> Receipt | None:
        """Return the receipt of a run; None when nothing of it was sent, or the file is damaged."""
        try:
            return Receipt(**json.loads(self._file(run_id).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def put(self, run_id: str, receipt: Receipt) -> None:
        """Write a run's receipt, whole or not at all."""
        write_whole(self._file(run_id), json_file(asdict(receipt)))

    def drop(self, run_id: str) -> None:
        """Forget what was sent of a run."""
        self._file(run_id).unlink(missing_ok=True)

    def _file(self, run_id: str) -> Path:
        # A run id comes from a database.
        return self._folder / f"{Path(run_id).name}.json"
