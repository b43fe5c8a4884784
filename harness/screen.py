"""Tables on the terminal: what a plan, an outcome, a check and the study fields look like."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.errors import HarnessError
from harness.progress import duration

if TYPE_CHECKING:
    from harness.data import CheckReport
    from harness.plan import Plan
    from harness.run import Outcome


def _console() -> Console:
    """Return the terminal; a log file or pipe has no width of its own and gets room enough for every table."""
    console = Console()
    return console if console.is_terminal else Console(width=120)


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], left: int = 1) -> Table:
    """Return a table whose first ``left`` columns are text and whose other columns are numbers."""
    table = Table(title=Text(title), title_justify="left", title_style="bold", header_style="bold", box=SIMPLE_HEAD)
    for position, column in enumerate(columns):
        # Only text may wrap: a number broken over two lines reads as two numbers.
        text = 0 < position < left
        table.add_column(
            column,
            justify="left" if position < left else "right",
            overflow="fold",
            no_wrap=not text,
            min_width=14 if text else None,
        )
    for row in rows:
        table.add_row(*[Text(str(cell)) for cell in row])
    return table


def show_plan(plan: Plan) -> None:
    """Print a plan."""
    console = _console()
    spec = plan.spec
    folds = ", ".join(map(str, spec.test_folds))
    console.print(f"{spec.study.name}: {spec.study.question}", markup=False)
    console.print(
        f"{plan.clips.dataset}, {len(plan.clips)} clips, {len(plan.clips.classes)} classes; split "
        f"{spec.protocol.split}, test folds {folds}; {spec.evaluate.seeds} seeds; "
        f"epoch rule {spec.protocol.epoch_rule}",
        markup=False,
    )
    rows = [
        (
            arm.name,
            f"{arm.model} on {arm.features}",
            f"{arm.parameters / 1e6:.1f} M" if arm.parameters else "-",
            f"{arm.items:,} × {arm.epochs}" if arm.items else "-",
            f"{arm.search_trainings + arm.final_trainings}" if arm.final_trainings else "-",
            f"{arm.items_per_second:.0f}" if arm.items_per_second else "-",
            duration(arm.seconds) if arm.final_trainings else "-",
        )
        for arm in plan.arms
    ]
    columns = ("arm", "network", "weights", "items × epochs", "trainings", "items/s", "about")
    console.print(_table("plan", columns, rows, left=2))
    total = sum(arm.seconds for arm in plan.arms)
    console.print(
        f"items are segments or images of one fold; trainings are (trials + {spec.evaluate.seeds} seeds) × "
        f"{len(spec.test_folds)} folds. About {duration(total)} of training with {plan.workers} workers on "
        f"{plan.device}, from a probe of a few steps per network; validation and features come on top",
        markup=False,
    )


def show_outcome(outcome: Outcome) -> None:
    """Print the summary of a study run: accuracies per arm, and where everything lies."""
    console = _console()
    title = f"{outcome.record.name}: macro accuracy on the test folds, mean ± SD over folds (seeds averaged first)"
    rows = [[row[key] for key in row] for row in outcome.summary]
    columns = list(outcome.summary[0]) if outcome.summary else ["arm"]
    console.print(_table(title, columns, rows, left=3))
    for failure in outcome.failures:
        console.print(f"failed: {failure}", markup=False)
    places = {
        "report": outcome.report.folder,
        "pdf": outcome.report.pdf or outcome.report.pdf_hint,
        "runs": f"{outcome.tracking_uri} (experiment {outcome.record.name}, run {outcome.record.run_id})",
        "open": outcome.open_command,
    }
    for name, place in places.items():
        console.print(f"{name:>7}  {place}", markup=False, soft_wrap=True, highlight=False)


def show_fields(section: str | None) -> None:
    """Print the fields of a study file; of one ``section`` when it is named."""
    from pydantic import BaseModel

    from harness.study.load import section_of
    from harness.study.spec import StudySpec

    console = _console()
    sections: dict[str, tuple[str, type[BaseModel]]] = {}

    def visit(path: str, doc: str, model: type[BaseModel]) -> None:
        sections[path] = (doc, model)
        for name, field in model.model_fields.items():
            inner = section_of(field.annotation)
            if inner is not None:
                visit(f"{path}.{name}" if path else name, field.description or "", inner)

    visit("", "", StudySpec)
    sections.pop("")
    if section is not None and section not in sections:
        raise HarnessError(f"no section {section!r} in a study file; there are: {', '.join(sections)}")
    for path, (_, model) in sections.items():
        if section not in (None, path):
            continue
        rows = [
            (name, _type(field.annotation), "required" if field.is_required() else _default(field), field.description)
            for name, field in model.model_fields.items()
            if section_of(field.annotation) is None
        ]
        heading = f"[[{path}]]" if path in ("arms", "compare") else f"[{path}]"
        console.print(
            _table(
                f"{heading}  {(model.__doc__ or '').splitlines()[0]}",
                ("field", "takes", "default", "meaning"),
                rows,
                left=4,
            )
        )


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    return "-" if value is None else str(list(value) if isinstance(value, tuple) else value)


def _type(annotation: Any) -> str:
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    for old, new in (
        ("typing.", ""),
        ("Literal", ""),
        (" | None", ""),
        ("tuple[int, ...]", "list of int"),
        ("tuple[str, ...]", "list of str"),
        ("'", ""),
    ):
        text = text.replace(old, new)
    if "Annotated[" in text:
        text = "list of int" if "tuple" in text else text.split("Annotated[")[1].split(",")[0]
    return text.strip("[]").replace(", ", " | ") if text.startswith("[") else text


def show_datasets(root: Path) -> None:
    """Print the data sets the harness knows, and how much of each lies below ``root``."""
    from harness.data import read_inventory
    from harness.errors import DataError
    from harness.vocabulary import DATASETS

    rows = []
    for info in DATASETS.values():
        official = f"{info.n_clips:,}" if info.n_clips else "as asked"
        try:
            inventory = read_inventory(info.name, root)
            present = inventory.present()
            folds = sorted({entry.fold for entry in present})
            here, which = f"{len(present):,}", ", ".join(map(str, folds)) or "-"
            note = "whole" if len(present) == info.n_clips else "generated" if not info.n_clips else "partial"
        except DataError:
            here, which = "0", "-"
            note = "made when a study needs it" if not info.n_clips else f"harness data fetch {info.name}"
        rows.append((info.name, note, which, here, official, str(info.n_classes)))
    columns = ("data set", "state", "folds here", "clips here", "official", "classes")
    _console().print(_table(f"data root {root}", columns, rows, left=3))


def show_check(report: CheckReport) -> None:
    """Print a data check: clips per fold and class where they differ from the official numbers, then the findings."""
    console = _console()
    if not report.counts.empty:
        differ = (report.counts != report.expected).sum(axis=1)
        rows = list(
            zip(report.counts.index, report.counts.sum(axis=1), report.expected.sum(axis=1), differ, strict=True)
        )
        columns = ("fold", "clips", "official", "classes that differ")
        console.print(_table(f"{report.dataset} in {report.folder}", columns, rows))
    for finding in report.findings:
        console.print(str(finding), markup=False, soft_wrap=True, highlight=False)
    warnings = len(report.findings) - len(report.errors)
    console.print(
        f"{report.dataset}: {report.checked:,} files decoded, {duration(report.seconds)} of audio, "
        f"{len(report.errors)} errors, {warnings} warnings",
        markup=False,
    )
