"""Output of a plan and of the outcome of a study on the terminal."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from harness.cli.output.screen_table import console, table
from harness.comparisons.scores import arm_names, score_study
from harness.record import FOLD_COLUMNS
from harness.report.wording import NOTHING, percent, span
from harness.terminal.printing import say_lines
from harness.terminal.progress import duration

if TYPE_CHECKING:
    from harness.record import StudyRecord
    from harness.running.plan import ArmPlan, Plan
    from harness.running.reports import Outcome

_SHARED = ". Shared: arms that learn from the same items with the same recipe and seed share one set of trainings"


def show_plan(plan: Plan) -> None:
    """Print a plan."""
    terminal = console()
    spec = plan.spec
    folds = ", ".join(map(str, spec.test_folds))
    terminal.print(f"{spec.study.name}: {spec.study.question}")
    counts = sorted(spec.seeds(arm) for arm in spec.arms)
    seeds = f"{counts[0]} to {counts[-1]} seeds" if counts[0] < counts[-1] else _several(counts[0], "seed")
    rules = dict.fromkeys(spec.arm_protocol(arm).epoch_rule for arm in spec.arms)
    terminal.print(
        f"{plan.clips.dataset}, {len(plan.clips)} clips, {len(plan.clips.classes)} classes; split "
        f"{', '.join(spec.arm_splits)}, test folds {folds}; {seeds}; "
        f"epoch rule {', '.join(rules)}",
    )
    rows = [
        (
            arm.name,
            f"{arm.model} on {arm.features}",
            f"{arm.parameters / 1e6:.1f} M" if arm.parameters else "-",
            f"{arm.items:,} × {_epochs(arm)}" if arm.items else "-",
            _trainings(arm),
            f"{arm.items_per_second:.0f}" if arm.items_per_second else "-",
            duration(arm.seconds) if arm.final_trainings else "-",
        )
        for arm in plan.arms
    ]
    columns = ("arm", "network", "weights", "items × epochs", "trainings", "items/s", "about")
    terminal.print(table("plan", columns, rows, left=2))
    total = plan.seconds
    terminal.print(
        f"items are segments or images of one final training; trainings are (trials + seeds) × {len(spec.test_folds)} "
        f"folds. About {duration(total)} of training with {_several(plan.workers, 'worker')} on {plan.device}, "
        "estimated by a probe of a few steps per network; validation and feature computation are not included"
        + (_SHARED if any(arm.trained_with for arm in plan.arms) else ""),
    )
    if plan.weights_bytes:
        terminal.print(
            f"Weights of the final trainings take about {plan.weights_bytes / 1e6:,.0f} MB of disk space; set "
            "tracking.weights = false to keep none",
        )


def _several(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _epochs(arm: ArmPlan) -> str:
    fewest, most = arm.epochs
    return str(fewest) if fewest == most else f"{fewest} to {most}"


def _trainings(arm: ArmPlan) -> str:
    if arm.trained_with:
        return "shared"
    return str(arm.search_trainings + arm.final_trainings) if arm.final_trainings else "-"


def show_outcome(outcome: Outcome, *, as_json: bool = False) -> None:
    """Print the summary of a study run: accuracies per arm, findings, and where everything was written."""
    if as_json:
        say_lines(json.dumps(outcome_data(outcome), indent=2, ensure_ascii=False))
        return
    terminal = console()
    holdout = outcome.record.spec.data.description.holdout
    measured = "part, mean over seeds" if holdout else "folds, mean ± SD over folds (seeds averaged first)"
    title = f"{outcome.record.name}: macro accuracy on the test {measured}"
    summary = summary_rows(outcome.record)
    terminal.print(table(title, list(summary[0]), [list(row.values()) for row in summary], left=3))
    for finding in outcome.report.notes.findings if outcome.report else ():
        terminal.print(f"- {finding}")
    for failure in outcome.failures:
        terminal.print(f"failed: {failure}")
    places: dict[str, object] = {"report": "not written (--report none); `harness report` writes it from the record"}
    if outcome.report:
        report = outcome.report
        places = {"report": report.folder, "page": report.page, "pdf": report.pdf or report.pdf_hint}
    if outcome.tracking_uri:
        places["runs"] = f"{outcome.place} (experiment {outcome.record.name}, run {outcome.run_id})"
        places["open"] = outcome.open_command
    if outcome.delivery:
        places["server"] = str(outcome.delivery)
    for name, place in places.items():
        terminal.print(f"{name:>7}  {place}", soft_wrap=True)


def outcome_data(outcome: Outcome) -> dict[str, Any]:
    """Return the summary of a study run as JSON data: accuracies are fractions, null where there is none."""
    record, report = outcome.record, outcome.report
    scored = [] if record.predictions.empty else score_study(record).arms.to_dict("records")
    columns = ("arm", "macro_accuracy_mean", "macro_accuracy_sd", "clip_accuracy_mean", "n_folds")
    arms = [{name: _json_value(row[name]) for name in columns} for row in scored]
    return {
        "study": record.name,
        "run_id": outcome.run_id,
        "arms": arms,
        "findings": list(report.notes.findings) if report else [],
        "failures": list(outcome.failures),
        "report": str(report.folder) if report else None,
        "tracking_uri": outcome.place or None,
    }


def _json_value(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else float(value)
    return int(value) if isinstance(value, int) else str(value)


def summary_rows(record: StudyRecord) -> list[dict[str, str]]:
    """Return the summary at the end of a study run: cells by column, one row per arm in the study's order.

    Accuracies are in percent, over folds with seeds averaged first, SD with ddof 1; ``time`` is that of all fold runs,
    search and final. ``failed`` appears only if a run failed.
    """
    arms = {arm.name: arm for arm in record.spec.arms}
    scored = [] if record.predictions.empty else score_study(record).arms.to_dict("records")
    tested = {str(row["arm"]): row for row in scored}
    # A record without runs may have no columns either.
    folds = record.folds.reindex(columns=list(FOLD_COLUMNS))
    rows = []
    for name in arm_names(record):
        arm, scores = arms.get(name), tested.get(name, {})
        runs = folds[folds["arm"] == name]
        seconds = float(runs["seconds"].sum())
        spread = percent(scores.get("macro_accuracy_sd", math.nan))
        row = {
            "arm": name,
            "model": (arm and (arm.rule or arm.model)) or NOTHING,
            "features": (arm and (" + ".join(arm.fuse or ()) or arm.features)) or NOTHING,
            "macro %": percent(scores.get("macro_accuracy_mean", math.nan))
            + (f" ± {spread}" if spread != NOTHING else ""),
            "clip %": percent(scores.get("clip_accuracy_mean", math.nan)),
            "folds × seeds": f"{scores.get('n_folds', 0)} × "
            + span(scores.get("seeds_min", 0), scores.get("seeds_max", 0)),
            "time": duration(seconds) if seconds else NOTHING,
        }
        if (folds["status"] == "FAILED").any():
            row["failed"] = str((runs["status"] == "FAILED").sum())
        rows.append(row)
    return rows
