"""Output of a replay and of the difference of two runs, on the terminal and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.cli.output.screen_table import console, table
from harness.cli.output.show_report_check import check_json, show_check
from harness.replay.outcome import title
from harness.replay.training_conditions import Difference, is_numeric_package, is_package, short

if TYPE_CHECKING:
    from harness.replay.outcome import FoldReplay, Replay
    from harness.replay.pairs import Pair, RunDiff
    from harness.replay.predictions import ClipChange, RowChange
    from harness.terminal.console import Screen

_SPEC_CHANGED = (
    "study.json is not the file that this run was made with (its digest differs): it was changed after recording"
)


def show_replay(found: Replay) -> None:
    """Print a replay: one row per fold, the conditions that differ, and what was compared of a report."""
    terminal = console()
    if found.report is not None and not found.report.equal:
        show_check(found.report, trained=True)
        terminal.print("nothing was trained")
        return
    columns = ("training", "result", "rows changed", "largest", "classes changed", "accuracy in %")
    rows = [_replay_row(fold) for fold in found.folds]
    what = "report" if found.run.level == "report" else f"{found.run.level} run"
    terminal.print(table(f"replay of {what} {found.run.run_id} ({found.run.title})", columns, rows, 2))
    for fold in found.folds:
        if fold.error:
            terminal.print(f"failed: {title(fold.recorded)}: {fold.error}")
    for made in dict.fromkeys(fold.made for fold in found.folds if fold.recorded.is_fused and not fold.error):
        terminal.print(made)
    if found.run.unfinished:
        terminal.print(f"{found.run.unfinished} trainings of this run never finished and are not repeated")
    if found.run.spec_is_original is False:
        terminal.print(_SPEC_CHANGED)
    _show_conditions(terminal, found.differences, len(found.folds), ("recorded", "now"))
    if found.report is not None:
        show_check(found.report, trained=True)
    equal = sum(fold.equal for fold in found.folds)
    if equal == len(found.folds):
        terminal.print(f"EQUAL: all {equal} trainings, {found.precision}")
        return
    terminal.print(f"NOT EQUAL: {len(found.folds) - equal} of {len(found.folds)} trainings differ or failed")
    unexplained = [fold for fold in found.folds if not (fold.equal or fold.error or fold.differences)]
    if unexplained:
        names = ", ".join(title(fold.recorded) for fold in unexplained)
        terminal.print(f"no recorded condition explains the difference: {names}")


def show_diff(found: RunDiff) -> None:
    """Print the differences between two runs."""
    terminal = console()
    for name, run in (("A", found.first), ("B", found.second)):
        terminal.print(f"{name}  {run.level} run {run.run_id} ({run.title}) of study {run.study}")
    if found.spec:
        rows = [(each.name, each.before, each.after) for each in found.spec]
        terminal.print(table("study", ("field", "A", "B"), rows, left=3))
    _show_conditions(terminal, found.conditions, len(found.pairs), ("A", "B"))
    if found.pairs:
        columns = ("training", "clips", "changed", "largest", "classes changed", "macro accuracy in %")
        terminal.print(table("results", columns, [_pair_row(pair) for pair in found.pairs], left=1))
    for name, alone in zip("AB", found.alone, strict=True):
        if alone:
            terminal.print(f"only in {name}: {', '.join(alone)}")
    terminal.print("nothing differs" if found.equal else "the runs differ")


def replay_json(found: Replay) -> str:
    """Return a replay as JSON."""
    data = {
        "run": {"id": found.run.run_id, "level": found.run.level, "title": found.run.title, "study": found.run.study},
        "equal": found.equal,
        "study_is_as_recorded": found.run.spec_is_original,
        "unfinished": found.run.unfinished,
        "report": None if found.report is None else check_json(found.report),
        "conditions": _conditions_json(found.differences, "recorded", "now"),
        "folds": [
            {
                "run_id": fold.recorded.run_id,
                "arm": fold.recorded.arm,
                "phase": fold.recorded.phase,
                "trial": fold.recorded.trial,
                "fold": fold.recorded.fold,
                "seed": fold.recorded.seed,
                "made": fold.made,
                "equal": fold.equal,
                "error": fold.error,
                "segments": _rows_json(fold.segments),
                "clips": _clips_json(fold.clips),
                "history_differs_from_epoch": fold.epoch,
                "weights": vars(fold.weights) if fold.weights else None,
                "conditions": _conditions_json(dict.fromkeys(fold.differences, 1), "recorded", "now"),
                "seconds": fold.seconds,
            }
            for fold in found.folds
        ],
    }
    return json.dumps(data, indent=2, allow_nan=False)


def diff_json(found: RunDiff) -> str:
    """Return the difference of two runs as JSON."""
    data = {
        "a": found.first.run_id,
        "b": found.second.run_id,
        "level": found.first.level,
        "equal": found.equal,
        "study": [{"name": each.name, "a": each.before, "b": each.after} for each in found.spec],
        "conditions": _conditions_json(found.conditions, "a", "b"),
        "results": [
            {
                "training": pair.title,
                "a": pair.first.run_id,
                "b": pair.second.run_id,
                "clips": _clips_json(pair.clips),
            }
            for pair in found.pairs
        ],
        "only_in_a": list(found.alone[0]),
        "only_in_b": list(found.alone[1]),
    }
    return json.dumps(data, indent=2, allow_nan=False)


def _show_conditions(terminal: Screen, found: Mapping[Difference, int], total: int, sides: tuple[str, str]) -> None:
    by_name: dict[str, list[Difference]] = {}
    for each in found:
        by_name.setdefault(each.name, []).append(each)
    rows = []
    for name, same in by_name.items():
        if is_package(name) and not is_numeric_package(name):
            continue
        count = sum(found[each] for each in same)
        where = "" if count == total else f" ({count} of {total})"
        # If the trainings have different values, the first is shown; JSON has all of them.
        more = " …" if len(same) > 1 else ""
        rows.append((f"{name}{where}", f"{short(same[0].before)}{more}", f"{short(same[0].after)}{more}"))
    others = [name for name in by_name if is_package(name) and not is_numeric_package(name)]
    if others:
        names = ", ".join(name.removeprefix("package ") for name in others[:4])
        more = f" and {len(others) - 4} more" if len(others) > 4 else ""
        rows.append(("other packages", f"{len(others)} differ", f"{names}{more}"))
    if rows:
        terminal.print(table("conditions that differ", ("condition", *sides), rows, left=3))
    else:
        terminal.print("no recorded condition differs")


def _replay_row(fold: FoldReplay) -> tuple[str, ...]:
    name = title(fold.recorded)
    if fold.clips is None:
        return name, "failed", "-", "-", "-", "-"
    # A report has only clips.
    compared = fold.segments or fold.clips.probabilities
    return (
        name,
        "equal" if fold.equal else f"differs{_where(fold)}",
        _rows_cell(compared),
        _largest(compared),
        _classes(fold.clips),
        _accuracies(fold.clips),
    )


def _where(fold: FoldReplay) -> str:
    """Return which results other than predictions differ."""
    differing = [] if fold.epoch is None else [f"history from epoch {fold.epoch}"]
    if fold.weights and fold.weights.changed:
        differing.append(f"{fold.weights.changed} of {fold.weights.arrays} weight arrays")
    return f": {', '.join(differing)}" if differing else ""


def _pair_row(pair: Pair) -> tuple[str, ...]:
    rows = pair.clips.probabilities
    return pair.title, str(rows.rows), _rows_cell(rows), _largest(rows), _classes(pair.clips), _accuracies(pair.clips)


def _rows_cell(rows: RowChange) -> str:
    return f"{rows.changed} of {rows.rows}" + (f", {rows.alone} unmatched" if rows.alone else "")


def _largest(rows: RowChange) -> str:
    return f"{rows.largest:.1e}" if rows.largest else "0"


def _classes(clips: ClipChange) -> str:
    return f"{clips.classes} of {clips.probabilities.rows}"


def _accuracies(clips: ClipChange) -> str:
    """Return the accuracy on the test part (else the validation part), before and after if they differ."""
    part = "test" if "test" in clips.accuracy else next(iter(clips.accuracy), "")
    before, after = (100 * value for value in clips.accuracy.get(part, (math.nan, math.nan)))
    if math.isnan(before) or math.isnan(after):
        return "-" if math.isnan(before) and math.isnan(after) else f"{before:.1f} → {after:.1f}".replace("nan", "-")
    return f"{before:.1f}" if before == after else f"{before:.1f} → {after:.1f} ({after - before:+.1f})"


def _conditions_json(found: Mapping[Difference, int], before: str, after: str) -> list[dict[str, Any]]:
    return [{"name": each.name, before: each.before, after: each.after, "trainings": n} for each, n in found.items()]


def _rows_json(rows: RowChange | None) -> dict[str, Any] | None:
    if rows is None:
        return None
    return {
        "compared": rows.rows,
        "changed": rows.changed,
        "largest_difference": rows.largest if math.isfinite(rows.largest) else None,
        "in_one_only": rows.alone,
    }


def _clips_json(clips: ClipChange | None) -> dict[str, Any] | None:
    if clips is None:
        return None
    accuracy = {
        part: {
            "before": before if math.isfinite(before) else None,
            "after": after if math.isfinite(after) else None,
            "difference": after - before if math.isfinite(after - before) else None,
        }
        for part, (before, after) in clips.accuracy.items()
    }
    return {
        "probabilities": _rows_json(clips.probabilities),
        "predicted_class_changed": clips.classes,
        "macro_accuracy": accuracy,
    }
