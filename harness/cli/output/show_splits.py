"""The check of a split on the terminal, as JSON and as a LaTeX table."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.cli.output.screen_table import console, table
from harness.terminal.console import words
from harness.text.decimals import decimals

if TYPE_CHECKING:
    import pandas as pd

    from harness.data.split_check import SharedItems, SplitCheck
    from harness.report.report_section import Table

_SHOWN_CLASSES, _SHOWN = 40, 10
_NOT_KNOWN = "not known"
_NOT_COMPARED = "not compared"


def show_split_check(result: SplitCheck, split: str, metadata: str) -> None:
    """Print what the parts of each split share, the items by class and part, and a summary.

    ``split`` and ``metadata`` are their names for titles.
    """
    terminal = console()
    rows = [_row(each) for each in result.shared]
    columns = ["fold", "test", "recording", "clip", "audio", "validation", "recording", "clip", "audio"]
    terminal.print(table(f"{split} of {metadata}: items, and those that share", columns, rows))
    terminal.print(
        words(
            "Test items are compared with training and validation part, validation items with the training part; audio "
            "is shared where waveforms are (harness data duplicates)."
        )
    )
    parts = result.balance
    shown = list(parts.columns[2 : 2 + _SHOWN_CLASSES])
    tested = parts[parts["part"] == "test"] if len(result.shared) > 1 else parts
    heads = [str(row.fold) if len(result.shared) > 1 else str(row.part) for row in tested.itertuples()]
    cells = [[name, *map(str, tested[name])] for name in shown]
    cells.append(["all", *map(str, tested[parts.columns[2:]].sum(axis=1))])
    what = "test items by class and fold" if len(result.shared) > 1 else "items by class and part"
    terminal.print(table(what, ["class", *heads], cells))
    if (more := len(parts.columns) - 2 - len(shown)) > 0:
        terminal.print(f"{more} more classes; --json FILE writes all of them")
    for fold, part, name in result.lacking[:_SHOWN]:
        terminal.print(words(f"warning: fold {fold}: the {part} part has no item of class {name}"), soft_wrap=True)
    if len(result.lacking) > _SHOWN:
        terminal.print(f"warning: {len(result.lacking) - _SHOWN} more classes are missing from test or training parts")
    if result.unused:
        names = ", ".join(result.unused[:3]) + (", ..." if len(result.unused) > 3 else "")
        terminal.print(words(f"warning: {len(result.unused)} clips are in no part ({names})"), soft_wrap=True)
    recordings = sorted({name for each in result.shared for name in each.counted.recordings})
    if recordings and result.shared[0].recordings_known:
        names = ", ".join(recordings[:_SHOWN]) + (", ..." if len(recordings) > _SHOWN else "")
        terminal.print(words(f"recordings in test and other parts: {names}"), soft_wrap=True)
    terminal.print(words(f"{split}: {_summary(result)}"), soft_wrap=True)


def _summary(result: SplitCheck) -> str:
    n = sum(each.counted.n_test for each in result.shared)
    if not result.leaks:
        unknown = "" if result.shared[0].recordings_known else "; recordings are not known"
        audio = "" if result.shared[0].n_test_sharing_audio is not None else "; audio was not compared"
        return f"no leak found in {len(result.shared)} splits with {n:,} test items{unknown}{audio}"
    counts = {
        "a recording": [each.counted.n_test_sharing_recording for each in result.shared],
        "a clip": [each.counted.n_test_sharing_clip for each in result.shared],
        "audio": [each.n_test_sharing_audio or 0 for each in result.shared],
    }
    if not result.shared[0].recordings_known:
        del counts["a recording"]
    said = [
        f"{100 * sum(found) / n:.1f} % share {what} ({sum(found):,})" for what, found in counts.items() if sum(found)
    ]
    return f"LEAK: of {n:,} test items " + (", ".join(said) or "none shares anything, but validation items do")


def _row(each: SharedItems) -> list[str]:
    counted = each.counted
    known = each.recordings_known
    return [
        str(counted.fold),
        str(counted.n_test),
        _share(counted.n_test_sharing_recording if known else None, counted.n_test, _NOT_KNOWN),
        _share(counted.n_test_sharing_clip, counted.n_test),
        _share(each.n_test_sharing_audio, counted.n_test),
        str(counted.n_validation),
        _share(counted.n_validation_sharing_recording if known else None, counted.n_validation, _NOT_KNOWN),
        _share(counted.n_validation_sharing_clip, counted.n_validation),
        _share(each.n_validation_sharing_audio, counted.n_validation),
    ]


def _share(count: int | None, n: int, missing: str = _NOT_COMPARED) -> str:
    if count is None:
        return missing
    return str(count) if not count else f"{count} ({decimals(100 * count / n, 1)} %)"


def check_json(result: SplitCheck, split: str, metadata: str) -> str:
    """Return the complete result as JSON text."""
    document = {
        "split": split,
        "metadata": metadata,
        "leak": result.leaks,
        "recordings_known": result.shared[0].recordings_known,
        "splits": [
            {
                **asdict(each.counted),
                "n_test_sharing_audio": each.n_test_sharing_audio,
                "n_validation_sharing_audio": each.n_validation_sharing_audio,
            }
            for each in result.shared
        ],
        "items_by_class": [
            {"fold": int(row["fold"]), "part": row["part"], "items": {name: int(row[name]) for name in row.index[2:]}}
            for _, row in result.balance.iterrows()
        ],
        "classes_lacking": [{"fold": fold, "part": part, "class": name} for fold, part, name in result.lacking],
        "clips_in_no_part": list(result.unused),
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def check_table(result: SplitCheck, split: str, metadata: str) -> Table:
    """Return what the parts of each split share as a table for LaTeX."""
    from harness.report.report_section import Table, headed

    headings = ["Fold"] + [
        (part, name)
        for part in ("Test", "Validation")
        for name in ("items", "sharing a recording", "sharing a clip", "sharing audio")
    ]
    printed: pd.DataFrame = headed([_row(each) for each in result.shared], headings)
    return Table(
        name="split-check",
        title=f"What the parts of {split} share",
        caption=(
            f"Items of each part of the split {split} of {metadata}, and those that share a recording, a clip or "
            "audio: test items with the training or the validation part, validation items with the training part. "
            "Audio is shared where the waveforms of two clips have a part in common."
        ),
        printed=printed,
        data=printed,
        text_columns=1,
    )
