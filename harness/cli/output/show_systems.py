"""Systems compared with each other: on the terminal and as JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from harness.cli.output.screen_table import console, table
from harness.cli.output.show_comparisons import comparisons_json, show_verdicts
from harness.report.systems.sentences import detectable_sentences, findings, sample_of
from harness.report.systems.system_tables import pairs_table, systems_table
from harness.statistics.letters import letters_of
from harness.terminal.console import words

if TYPE_CHECKING:
    import pandas as pd

    from harness.comparisons.systems.standing import Standing
    from harness.comparisons.systems.system_comparison import SystemComparisons

_SHOWN_PAIRS = 45


def show_systems(found: SystemComparisons) -> None:
    """Print the systems with ranks and groups, then every pair with its tests; of many pairs, the first ones."""
    terminal = console()
    systems, pairs = systems_table(found), pairs_table(found)
    about_ranks = [name for name in systems.printed if str(name).startswith(("rank", "best"))]
    _print(systems.printed.drop(columns=about_ranks), f"systems: {sample_of(found)}", len(found.standings))
    if len(found.standings) > 1:
        _print(systems.printed[["system", *about_ranks]], "ranks", len(found.standings))
    terminal.print(words(systems.caption.partition(". ")[2] or systems.caption))
    for finding in findings(found):
        terminal.print(words(finding))
    for note in (*found.notes, *detectable_sentences(found)):
        terminal.print(words(f"- {note}"))
    if not len(pairs.printed):
        return
    _print(pairs.printed, "pairs: first minus second, in points", _SHOWN_PAIRS)
    if len(pairs.printed) > _SHOWN_PAIRS:
        terminal.print(f"{len(pairs.printed) - _SHOWN_PAIRS:,} more pairs, and all verdicts: --json or --output")
    else:
        show_verdicts(found.contrasts)
    terminal.print(words(pairs.caption))


def systems_json(found: SystemComparisons) -> str:
    """Return systems, groups and every pair with its tests as JSON text."""
    from harness.comparisons.as_json import json_data

    document = json.loads(comparisons_json((), found.contrasts, found.notes))
    for entry, contrast in zip(document["contrasts"], found.contrasts, strict=True):
        smallest = contrast.smallest_found
        entry["smallest_difference_found"] = smallest if math.isfinite(smallest) else None
    head = {
        "level": found.level.name.lower(),
        "family": found.family,
        "confidence": found.rules.confidence,
        "systems": [_system(each, found) for each in found.standings],
        "findings": findings(found),
        "groups": found.groups,
        "detectable_with_power_0.8": [vars(each) for each in found.detectable],
        "counts": [
            {
                "first": each.first,
                "second": each.second,
                "difference": each.difference,
                "clip_difference": each.clip_difference,
                "unpaired_interval": each.unpaired,
                "clips_apart": [each.bounds.fewest, each.bounds.most] if each.bounds else None,
                "p_holm": [each.p_low, each.p_high] if each.bounds else None,
                "verdict": each.verdict,
            }
            for each in found.counts
        ],
    }
    return json.dumps(json_data(head) | document, indent=2, allow_nan=False)


def _system(each: Standing, found: SystemComparisons) -> dict[str, Any]:
    system = each.system
    entry: dict[str, Any] = {
        "name": each.name,
        "source": system.source,
        "accuracy": each.accuracy,
        "interval_over_recordings": each.over_recordings,
        "interval_over_folds": each.over_folds,
        "interval_over_clips": each.over_clips,
        "rank": each.rank,
        "rank_over_recordings": each.rank_over_recordings,
        "rank_over_folds": each.rank_over_folds,
        "rank_by_tests": each.rank_by_tests,
        "best": each.best,
        "group": letters_of(each.name, found.groups),
        "remarks": system.remarks,
    }
    return entry | system.facts


def _print(printed: pd.DataFrame, title: str, most: int) -> None:
    rows = [[str(cell) for cell in row] for row in printed.head(most).itertuples(index=False)]
    console().print(table(title, [str(name) for name in printed], rows, wrap_first=True))
