"""Audio files with audio in common, on the terminal and as files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from harness.cli.output.screen_table import console, table
from harness.terminal.console import words

if TYPE_CHECKING:
    from harness.duplicates.find import Duplicates

_SHOWN = 30


def show_duplicates(found: Duplicates, pairs: pd.DataFrame, names: Sequence[str], title: str) -> None:
    """Print how many pairs there are of each kind and where, then the pairs, those across folds first.

    Parameters
    ----------
    found : Duplicates
        What was found.
    pairs : DataFrame
        The pairs, as :func:`harness.duplicates.pair_table.pair_table` returns them, with or without metadata.
    names : sequence of str
        Name of each file.
    title : str
        What was searched.
    """
    terminal, known = console(), "fold_first" in pairs
    if not pairs.empty:
        differing = ("fold", "recording", "class") if known else ()
        differ = pd.DataFrame({each: pairs[f"{each}_first"] != pairs[f"{each}_second"] for each in differing})
        rows = [
            [kind, len(chosen), *(str(differ.loc[chosen.index, each].sum()) for each in differing)]
            for kind, chosen in pairs.groupby("likeness", sort=False)
        ]
        columns = [
            "audio in common",
            "pairs",
            *(f"of different {each}{'es' if each == 'class' else 's'}" for each in differing),
        ]
        terminal.print(table(title, columns, rows))
        order = differ["fold"].sort_values(ascending=False, kind="stable").index if known else pairs.index
        cells = []
        for row in pairs.loc[order].head(_SHOWN).itertuples():
            folds = [f"{row.fold_first}, {row.fold_second}"] if known else []
            measures = f"{row.lag_seconds:+.3f}", f"{row.r:.2f}", f"{row.z:.0f}"
            cells.append([row.first, row.second, row.likeness, *folds, *measures])
        columns = ["first clip", "second clip", "audio in common", *(["folds"] if known else []), "lag s", "r", "z"]
        terminal.print(table("pairs", columns, cells, left=3, wrap_first=True))
        if len(pairs) > _SHOWN:
            terminal.print(f"{len(pairs) - _SHOWN:,} more pairs; --csv FILE writes all of them")
    for position, fault in found.unreadable:
        terminal.print(words(f"error: {names[position]}: {fault}"), soft_wrap=True)
    if found.silent:
        shown = ", ".join(names[position] for position in found.silent[:5]) + (" ..." if len(found.silent) > 5 else "")
        terminal.print(
            words(f"too little sound to be compared, except for equality: {len(found.silent)} files ({shown})")
        )
    terminal.print(
        f"{title}: {len(names):,} files, {len(pairs):,} pairs with audio in common; {found.n_alike:,} other pairs are "
        "merely alike: the waveforms do not confirm them"
    )


def duplicates_json(found: Duplicates, pairs: pd.DataFrame, names: Sequence[str]) -> str:
    """Return everything that was found as JSON text."""
    document = {
        "files": len(names),
        "pairs": json.loads(pairs.to_json(orient="records")),
        "merely_alike": found.n_alike,
        "silent": [names[position] for position in found.silent],
        "unreadable": [{"file": names[position], "fault": fault} for position, fault in found.unreadable],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def write_text(file: Path, text: str) -> None:
    """Write ``text`` to ``file``, completely or not at all."""
    from harness.system.writing import write_atomically

    write_atomically(file, lambda place: place.write_text(text, encoding="utf-8"))
