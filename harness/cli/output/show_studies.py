"""Output of a plan and of the outcome of a study on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.output.screen_table import console, table
from harness.terminal.progress import duration

if TYPE_CHECKING:
    from harness.running.plan import ArmPlan, Plan
    from harness.running.reports import Outcome

_SHARED = (
    ". Shared: an arm that differs from another only in which epoch counts, or in train.norm_statistics, is tested "
    "within the trainings of that one"
)


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
    total = sum(arm.seconds for arm in plan.arms)
    terminal.print(
        f"items are segments or images of one final training; trainings are (trials + seeds) × "
        f"{len(spec.test_folds)} folds. About {duration(total)} of training with {_several(plan.workers, 'worker')} on "
        f"{plan.device}, from a probe of a few steps per network; validation and features come on top"
        + (_SHARED if any(arm.trained_with for arm in plan.arms) else ""),
    )
    if plan.weights_bytes:
        terminal.print(
            f"Weights of the final trainings take about {plan.weights_bytes / 1e6:,.0f} MB of disk; tracking.weights = "
            "false keeps none",
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


def show_outcome(outcome: Outcome) -> None:
    """Print the summary of a study run: accuracies per arm, and where everything was written."""
    terminal = console()
    title = f"{outcome.record.name}: macro accuracy on the test folds, mean ± SD over folds (seeds averaged first)"
    rows = [[row[key] for key in row] for row in outcome.summary]
    columns = list(outcome.summary[0]) if outcome.summary else ["arm"]
    terminal.print(table(title, columns, rows, left=3))
    for failure in outcome.failures:
        terminal.print(f"failed: {failure}")
    places: dict[str, object] = {"report": "not asked for (--report none); `harness report` writes it from the record"}
    if outcome.report:
        places = {"report": outcome.report.folder, "pdf": outcome.report.pdf or outcome.report.pdf_hint}
    if outcome.tracking_uri:
        places["runs"] = f"{outcome.place} (experiment {outcome.record.name}, run {outcome.record.run_id})"
        places["open"] = outcome.open_command
    if outcome.delivery:
        places["server"] = str(outcome.delivery)
    for name, place in places.items():
        terminal.print(f"{name:>7}  {place}", soft_wrap=True)
