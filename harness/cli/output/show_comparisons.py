"""Comparisons with claims, and of arms with each other, on the terminal."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.padding import Padding

from harness.cli.output.screen_table import console, table
from harness.terminal.console import words
from harness.text.decimals import CUT, decimals, is_cut, possible, signed

if TYPE_CHECKING:
    from harness.comparisons.against_claim import ClaimComparison
    from harness.comparisons.arm_contrast import Contrast
    from harness.statistics.verdict import Decision

_STYLES = {"consistent": "green", "lower": "red", "higher": "blue", "not comparable": "yellow"}


def show_comparisons(
    comparisons: Sequence[ClaimComparison], contrasts: Sequence[Contrast] = (), notes: Sequence[str] = ()
) -> None:
    """Print, claim by claim, measured and claimed accuracies, then each verdict with its reasons.

    ``notes`` on how the scores were read come first; the ``contrasts`` follow.
    """
    terminal = console()
    if notes:
        terminal.print("How the scores were read:")
        _listed(notes)
        terminal.print()
    for address, group in groupby(comparisons, key=lambda each: each.claim.address):
        of_claim = list(group)
        first = of_claim[0]
        title = f"{address}: {first.claim.percent_text} % {'as a reference' if first.is_reference else 'claimed'}"
        columns = ("arm", "measured %", "SD", f"{100 * first.confidence:g} % interval", "difference", "p", "p Holm")
        rows = [
            (
                each.arm,
                decimals(each.mean, 1),
                _number(each.sd),
                _interval(each.low, each.high) if each.test else "–",
                signed(each.difference, 1),
                _p(each.p),
                _p(each.p_adjusted),
            )
            for each in of_claim
        ]
        terminal.print(table(title, columns, rows, wrap_first=True))
        shared = _of_claim(first)
        _listed(shared)
        for each in of_claim:
            _show_verdict(each.decision, each.outcome)
            _listed([note for note in (*_of_claim(each), *_of_arm(each)) if note not in shared])
        terminal.print()
    if contrasts:
        _show_contrasts(contrasts)
    p_values = [*(each.p for each in comparisons), *(each.p for each in contrasts)]
    tests = sum(p is not None for p in p_values)
    terminal.print(
        "SD and interval are over folds, after averaging seeds; differences are in percentage points. Number of tests "
        f"in the Holm adjustment: {tests}.",
    )


def _show_contrasts(contrasts: Sequence[Contrast]) -> None:
    """Print the difference of each pair, then each verdict with its reasons."""
    terminal = console()
    columns = ("first minus second", "difference", "SD", "interval", "p", "p Holm")
    rows = [
        (
            f"{each.first} minus {each.second}",
            signed(each.mean, 1),
            _number(each.sd),
            f"{signed(each.interval[0], 1)} to {signed(each.interval[1], 1)}" if each.interval else "–",
            _p(each.p),
            _p(each.p_adjusted),
        )
        for each in contrasts
    ]
    terminal.print(table("Contrasts between arms, paired by fold", columns, rows, wrap_first=True))
    show_verdicts(contrasts)
    terminal.print()


def show_verdicts(contrasts: Sequence[Contrast]) -> None:
    """Print the verdict of each pair with its reasons."""
    for each in contrasts:
        _show_verdict(each.decision)
        _listed(_of_tests(each))


def _show_verdict(decision: Decision, outcome: str = "") -> None:
    verdict = decision.verdict.value
    line = words((outcome or verdict).upper(), style=f"bold {_STYLES.get(verdict, '')}".strip())
    console().print(line.append_text(words(f"  {decision.reason}", style="not bold default")))


def _listed(notes: Sequence[str]) -> None:
    for note in notes:
        console().print(Padding(words(f"- {note}"), (0, 0, 0, 2)))


def _of_claim(each: ClaimComparison) -> list[str]:
    """Return what is usually the same for every arm compared with one claim."""
    notes = []
    if each.caveats:
        notes.append(f"Caveats: {'; '.join(each.caveats)}.")
    if each.published_refused and each.claim_sd_kind != "none":
        notes.append(f"The SD stated by the source is not used: {each.published_refused}.")
    return notes


def _of_arm(each: ClaimComparison) -> list[str]:
    notes = []
    if each.test is not None and is_cut(each.low, each.high):
        notes.append(f"Interval of {each.arm} over {len(each.folds)} folds: {CUT}.")
    if each.differences or each.decisive is None:
        return notes
    if each.published is not None:
        notes.append(
            f"The claim's own SD over folds, {each.claim_sd:.2g} points, is used. Expected range of the claim on folds "
            f"like those measured: {_interval(each.published.prediction_low, each.published.prediction_high)} %."
        )
    elif each.sensitivity:
        notes.append(
            f"If the claim's own SD over folds were {each.sensitivity:.1f} points, the difference could be due to "
            "chance."
        )
    return [*notes, *_of_tests(each)]


def _of_tests(each: ClaimComparison | Contrast) -> list[str]:
    """Return the results of the tests for the screen, in their order."""
    from harness.comparisons.statistical_tests import TESTS

    return [test.note(each) for test in TESTS if test.note and test.of(each) is not None]


def comparisons_json(
    comparisons: Sequence[ClaimComparison], contrasts: Sequence[Contrast] = (), notes: Sequence[str] = ()
) -> str:
    """Return ``notes`` on how the scores were read, and both kinds of comparison in the form of results.json, as JSON
    text."""
    from harness.comparisons.as_json import comparison_entry, contrast_entry, json_data

    found: dict[str, Any] = {
        "notes": list(notes),
        "comparisons": [comparison_entry(each) for each in comparisons],
        "contrasts": [contrast_entry(each) for each in contrasts],
    }
    return json.dumps(json_data(found), indent=2, allow_nan=False)


def _interval(low: float, high: float) -> str:
    return " to ".join(decimals(end, 1) for end in possible(low, high))


def _number(value: float) -> str:
    return decimals(value, 1) if math.isfinite(value) else "–"


def _p(value: float | None) -> str:
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"
