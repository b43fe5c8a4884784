"""Comparisons with claims on the terminal."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.text import Text

from harness.screen.table import console, table

if TYPE_CHECKING:
    from harness.comparisons import ClaimComparison

_STYLES = {"consistent": "green", "lower": "red", "higher": "blue", "not comparable": "yellow"}


def show_comparisons(comparisons: Sequence[ClaimComparison]) -> None:
    """Print measured beside claimed accuracies, and each verdict with its reason and what it rests on."""
    terminal = console()
    rows = [
        (
            each.arm,
            each.claim.address,
            each.claim.percent_text,
            f"{each.mean:.1f}",
            _number(each.sd),
            f"{each.low:.1f} to {each.high:.1f}" if each.test else "–",
            f"{each.difference:+.1f}",
            _p(each.p),
            _p(each.p_adjusted),
            _p(each.p_equivalence_adjusted),
        )
        for each in comparisons
    ]
    first = comparisons[0]
    columns = (
        "arm", "claim", "claimed", "measured", "SD", f"{first.confidence:.0%} interval", "difference", "p", "p Holm",
        f"p within ±{first.margin:g}",
    )  # fmt: skip
    title = "accuracy in percent; SD and corrected interval over folds, seeds averaged first"
    terminal.print(table(title, columns, rows, left=2))
    for each in comparisons:
        verdict = each.decision.verdict.value
        line = Text(verdict.upper(), style=f"bold {_STYLES.get(verdict, '')}".strip())
        terminal.print(line.append(f"  {each.decision.reason}", style="not bold default"))
        for note in _notes(each):
            terminal.print(Padding(Text(f"- {note}"), (0, 0, 0, 2)))


def _notes(each: ClaimComparison) -> list[str]:
    notes = [f"Bear in mind: {'; '.join(each.caveats)}."] if each.caveats else []
    if each.published is None and each.claim_sd_kind != "none":
        notes.append(f"{each.published_refused}.")
    elif each.published is not None:
        notes.append(
            f"With the claim's SD over folds ({each.claim_sd:.2g} points) the published mean would be expected between "
            f"{each.published.prediction_low:.1f} and {each.published.prediction_high:.1f}."
        )
    if each.sensitivity:
        notes.append(
            f"The difference would be chance if the claim's own SD over folds were {each.sensitivity:.1f} points "
            "or more."
        )
    if each.equivalence is not None and not each.differences:
        notes.append(
            f"These folds could show equivalence for margins above {each.equivalence.smallest_margin:.1f} points."
        )
    if each.wilcoxon is not None:
        notes.append(
            f"Wilcoxon's signed-rank test: p = {each.wilcoxon.p:.3g}; {each.wilcoxon.k} folds cannot go below "
            f"{each.wilcoxon.attainable_p:.3g}."
        )
    if each.bayes is not None:
        notes.append(
            f"Probability (correlated t) of lower / within ±{each.margin:g} / higher: {each.bayes.p_lower:.2f} / "
            f"{each.bayes.p_rope:.2f} / {each.bayes.p_higher:.2f}."
        )
    return notes


def comparisons_json(comparisons: Sequence[ClaimComparison]) -> str:
    """Return the comparisons as JSON text, as results.json of a report has them."""
    from harness.report.results import comparison_entry

    entries: list[dict[str, Any]] = [comparison_entry(each) for each in comparisons]
    return json.dumps(entries, indent=2, ensure_ascii=False, allow_nan=False)


def _number(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "–"


def _p(value: float | None) -> str:
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"
