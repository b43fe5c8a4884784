"""Systems compared by their predictions: on the terminal, as JSON and as a LaTeX table."""

from __future__ import annotations

import json
import math
from string import ascii_lowercase
from typing import TYPE_CHECKING

from harness.cli.output.screen_table import console, table
from harness.cli.output.show_comparisons import comparisons_json, show_verdicts
from harness.terminal.console import words
from harness.text.decimals import decimals, signed

if TYPE_CHECKING:
    from harness.comparisons.arm_contrast import Contrast
    from harness.comparisons.prediction_files import SystemComparisons
    from harness.report.section import Table

_SHOWN_PAIRS = 45


def show_systems(found: SystemComparisons) -> None:
    """Print the systems with their groups, then every pair with its tests; of many pairs, those that differ."""
    terminal = console()
    rows = [
        [
            system.name,
            _letters(found, system.name),
            decimals(system.accuracy, 1),
            decimals(100 * system.rows["correct"].mean(), 1),
            str(system.rows["clip"].nunique()),
            str(system.rows["recording"].nunique()) if system.recordings else "–",
            str(system.rows["fold"].nunique()) if system.folds else "–",
            str(system.rows["seed"].nunique()),
        ]
        for system in found.systems
    ]
    columns = ["system", "group", "macro %", "clip %", "clips", "recordings", "folds", "seeds"]
    terminal.print(table("systems", columns, rows, left=2, wrap_first=True))
    if found.groups:
        terminal.print(words("Systems with a letter in common are not shown to differ (Holm over all pairs)."))
    for note in found.notes:
        terminal.print(words(f"- {note}"))
    cells = [_pair(each) for each in found.contrasts]
    terminal.print(table("pairs: first minus second, in points", _COLUMNS, cells[:_SHOWN_PAIRS], wrap_first=True))
    if len(cells) > _SHOWN_PAIRS:
        terminal.print(f"{len(cells) - _SHOWN_PAIRS:,} more pairs, and all verdicts: --json")
    else:
        show_verdicts(found.contrasts)
    over = "folds, after averaging seeds" if found.contrasts[0].over == "folds" else "recordings and seeds"
    terminal.print(
        f"Interval and p are over {over}; Holm's adjustment is over {len(cells)} pairs; a difference above 'would "
        "find' would have been significant. p over clips (McNemar, first seed) takes clips as independent; 'over "
        "recordings' is a bootstrap interval."
    )


def systems_json(found: SystemComparisons) -> str:
    """Return systems, groups and every pair with its tests as JSON text."""
    document = json.loads(comparisons_json((), found.contrasts, found.notes))
    for entry, contrast in zip(document["contrasts"], found.contrasts, strict=True):
        smallest = contrast.smallest_found
        entry["smallest_difference_found"] = smallest if math.isfinite(smallest) else None
    systems = [
        {
            "name": system.name,
            "macro_accuracy": system.accuracy,
            "clip_accuracy": 100 * float(system.rows["correct"].mean()),
            "clips": int(system.rows["clip"].nunique()),
            "recordings": int(system.rows["recording"].nunique()) if system.recordings else None,
            "macro_accuracy_by_fold": {str(fold): value for fold, value in system.macro_by_fold.items()}
            if system.folds
            else None,
        }
        for system in found.systems
    ]
    return json.dumps({"systems": systems, "groups": found.groups, **document}, indent=2, allow_nan=False)


def systems_table(found: SystemComparisons) -> Table:
    """Return every pair with its tests as a table for LaTeX."""
    from harness.report.section import Table, headed

    printed = headed([_pair(each) for each in found.contrasts], _COLUMNS)
    over = "folds, corrected for overlapping training sets" if found.contrasts[0].over == "folds" else "recordings"
    return Table(
        name="systems",
        title="Pairs of systems",
        caption=(
            f"Differences in macro accuracy of {len(found.systems)} systems on the same clips, in percentage points, "
            f"with the interval and p over {over}, Holm's adjusted p over the {len(found.contrasts)} pairs, the "
            "smallest difference that the test would have found, McNemar's p over clips, which takes them as "
            "independent, and the bootstrap interval over recordings."
        ),
        printed=printed,
        data=printed,
    )


_COLUMNS = ("pair", "difference", "interval", "p", "p Holm", "would find", "p over clips", "over recordings")


def _pair(each: Contrast) -> list[str]:
    smallest, over = each.smallest_found, each.bootstrap
    return [
        f"{each.first} minus {each.second}",
        signed(each.mean, 1),
        f"{signed(each.interval[0], 1)} to {signed(each.interval[1], 1)}" if each.interval else "–",
        _p(each.p),
        _p(each.p_adjusted),
        decimals(smallest, 1) if math.isfinite(smallest) else "–",
        _p(each.mcnemar.p if each.mcnemar else None),
        f"{signed(over.low, 1)} to {signed(over.high, 1)}" if over else "–",
    ]


def _letters(found: SystemComparisons, name: str) -> str:
    """Return the letters of the groups that a system is in."""
    return "".join(_letter(k) for k, group in enumerate(found.groups) if name in group)


def _letter(number: int) -> str:
    repeats, position = divmod(number, len(ascii_lowercase))
    return ascii_lowercase[position] + (str(repeats) if repeats else "")


def _p(value: float | None) -> str:
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"
