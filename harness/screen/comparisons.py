"""Comparisons with claims on the terminal."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.text import Text

from harness.decimals import decimals
from harness.screen.table import console, table

if TYPE_CHECKING:
    from harness.comparisons import ClaimComparison

_STYLES = {"consistent": "green", "lower": "red", "higher": "blue", "not comparable": "yellow"}


def show_comparisons(comparisons: Sequence[ClaimComparison]) -> None:
    """Print, claim by claim, measured beside claimed accuracies, then each verdict with what it rests on."""
    terminal = console()
    for address, group in groupby(comparisons, key=lambda each: each.claim.address):
        of_claim = list(group)
        first = of_claim[0]
        title = f"{address}: {first.claim.percent_text} % claimed"
        columns = ("arm", "measured %", "SD", f"{100 * first.confidence:g} % interval", "difference", "p", "p Holm")
        rows = [
            (
                each.arm,
                decimals(each.mean, 1),
                _number(each.sd),
                f"{decimals(each.low, 1)} to {decimals(each.high, 1)}" if each.test else "–",
                f"{each.difference:+.1f}".replace("-", "−"),
                _p(each.p),
                _p(each.p_adjusted),
            )
            for each in of_claim
        ]
        terminal.print(table(title, columns, rows, wrap_first=True))
        shared = _of_claim(first)
        _listed(shared)
        for each in of_claim:
            verdict = each.decision.verdict.value
            line = Text(verdict.upper(), style=f"bold {_STYLES.get(verdict, '')}".strip())
            terminal.print(line.append(f"  {each.decision.reason}", style="not bold default"))
            _listed([note for note in (*_of_claim(each), *_of_arm(each)) if note not in shared])
        terminal.print()
    tests = sum(each.p is not None for each in comparisons)
    terminal.print(
        "SD and interval are over folds, seeds averaged first; differences are in percentage points. "
        f"Tests of this call, for which p Holm is adjusted: {tests}.",
        highlight=False,
    )


def _listed(notes: Sequence[str]) -> None:
    for note in notes:
        console().print(Padding(Text(f"- {note}"), (0, 0, 0, 2)))


def _of_claim(each: ClaimComparison) -> list[str]:
    """Return what is commonly the same for every arm beside one claim."""
    notes = []
    if each.caveats:
        notes.append(f"Bear in mind: {'; '.join(each.caveats)}.")
    if each.published is None and each.claim_sd_kind != "none":
        notes.append(f"The SD that the source gives is not used: {each.published_refused}.")
    return notes


def _of_arm(each: ClaimComparison) -> list[str]:
    if each.differences or each.test is None:
        return []
    notes = []
    if each.published is not None:
        notes.append(
            f"The claim's own SD over folds, {each.claim_sd:.2g} points, is used. On folds like those measured a claim "
            f"would be expected between {each.published.prediction_low:.1f} and {each.published.prediction_high:.1f} %."
        )
    elif each.sensitivity:
        notes.append(f"With an own SD over folds of {each.sensitivity:.1f} points the claim could differ by chance.")
    if each.equivalence is not None and each.published is None:
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
            f"Probability (correlated t): lower {each.bayes.p_lower:.2f}, within ±{each.margin:g} points "
            f"{each.bayes.p_rope:.2f}, higher {each.bayes.p_higher:.2f}."
        )
    return notes


def comparisons_json(comparisons: Sequence[ClaimComparison]) -> str:
    """Return the comparisons as JSON text, as results.json of a report has them."""
    from harness.report.comparison_data import comparison_entry
    from harness.report.results import json_data

    entries: list[dict[str, Any]] = json_data([comparison_entry(each) for each in comparisons])
    return json.dumps(entries, indent=2, allow_nan=False)


def _number(value: float) -> str:
    return decimals(value, 1) if math.isfinite(value) else "–"


def _p(value: float | None) -> str:
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"
