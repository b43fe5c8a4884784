"""The feature cache on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.output.screen_table import console, table

if TYPE_CHECKING:
    from harness.features.cache.contents import CacheEntry


def show_cache(cache: Path, entries: Sequence[CacheEntry], what: str) -> None:
    """Print entries of ``cache`` and their total size; ``what`` says whether they are kept or were removed."""
    terminal = console()
    if entries:
        rows = [
            (each.name, "complete" if each.complete else "incomplete", f"{each.bytes / 1e6:,.1f}", f"{each.days:.0f}")
            for each in entries
        ]
        terminal.print(table(f"features in {cache}", ("plane", "state", "MB", "days unused"), rows, left=2))
    size = sum(each.bytes for each in entries) / 1e9
    terminal.print(f"{cache}: {len(entries)} entries {what}, {size:.2f} GB", soft_wrap=True)
