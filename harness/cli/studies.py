"""Commands about studies: run, plan, report, the fields of a study file, and the runs in a browser."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.shared_options import CACHE, DATA_ROOT, DEVICE, OVERRIDES, REPORTS, STUDY_FILE, TRACKING, WORKERS
from harness.terminal.interrupt import second_ends_at_once
from harness.terminal.printing import say

if TYPE_CHECKING:
    from harness.study import StudySpec


@click.command("run-study", short_help="Run a study file from audio to report.")
@STUDY_FILE
@DATA_ROOT
@OVERRIDES
@DEVICE
@WORKERS
@TRACKING
@REPORTS
@click.option(
    "--report",
    type=click.Choice(["full", "data", "none"]),
    default="full",
    show_default=True,
    help="full: the whole report; data: without figures and PDF; none: no report. `harness report` writes it later.",
)
@CACHE
def run_study_command(
    study: Path,
    data_root: Path | None,
    overrides: tuple[str, ...],
    device: str,
    workers: int | None,
    tracking_uri: str | None,
    reports: Path,
    report: str,
    cache: Path | None,
) -> None:
    """Run STUDY (a TOML file) from audio to report; an interrupted study goes on where it stood."""
    from harness.study import load_study

    # Errors in the study are reported before the heavy libraries are loaded.
    spec = load_study(study, overrides)
    claims = _checked_claims(spec, study)
    from harness.cli.output.show_studies import show_outcome
    from harness.data.data_root import resolve_data_root
    from harness.running.reports import ReportKind
    from harness.running.study import Options, run_study
    from harness.running.study_inputs import user_cache
    from harness.terminal.progress import Terminal

    options = Options(
        data_root=resolve_data_root(data_root),
        cache=cache or user_cache(),
        reports=reports,
        tracking_uri=tracking_uri or spec.tracking.uri,
        device=device,
        workers=workers,
        overrides=tuple(overrides),
        command=shlex.join(["harness", *sys.argv[1:]]),
        claims=claims,
        folder=study.parent,
        report=ReportKind(report),
    )
    with second_ends_at_once(), Terminal() as progress:
        outcome = run_study(spec, options, progress)
    show_outcome(outcome)
    if outcome.failures:
        sys.exit(1)


@click.command("plan", short_help="Print what a study would run, and for how long.")
@STUDY_FILE
@DATA_ROOT
@OVERRIDES
@DEVICE
@WORKERS
def plan_command(
    study: Path, data_root: Path | None, overrides: tuple[str, ...], device: str, workers: int | None
) -> None:
    """Print what STUDY would run and about how long it takes, from a short probe; nothing is trained or written."""
    from harness.study import load_study

    spec = load_study(study, overrides)
    _checked_claims(spec, study)
    from harness.cli.output.show_studies import show_plan
    from harness.running.plan import make_plan

    show_plan(make_plan(spec, data_root, device, workers))


@click.command("report", short_help="Write the report of a recorded study, or check one.")
@click.argument("study")
@click.option(
    "--check",
    is_flag=True,
    help="With the folder of a report: write nothing, and compare its numbers with its predictions.",
)
@click.option("--run-id", help="Study run to report.  [default: the newest of that name]")
@click.option(
    "--declarations",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="STUDY.toml",
    help="With the folder of a report: take question, comparisons and tuning from this study file.",
)
@TRACKING
@REPORTS
def report_command(
    study: str,
    check: bool,
    run_id: str | None,
    declarations: Path | None,
    tracking_uri: str | None,
    reports: Path,
) -> None:
    """Write the report of STUDY: its name, or its TOML file, from the tracking store.

    STUDY may also be the folder of a report, which is then written again in place from its own predictions: with
    today's statistics, claims and words, and without the store.

    --check computes every number of results.json, the tables, README.md and report.tex of such a folder from its
    predictions and compares, in a minute or two: nothing is trained or written. The PDF, pictures, and what only the
    record tells are not covered, and are named; predictions that were changed together with all numbers are found by
    harness replay alone. Exit code 0: all that is covered is equal; 1: something differs.
    """
    from harness.cli.output.show_report_check import show_check
    from harness.cli.output.show_studies import show_outcome
    from harness.running.reports import check_study, report_study, rewrite_study

    if check:
        found = check_study(Path(study), declarations)
        show_check(found)
        sys.exit(0 if found.equal else 1)
    if (Path(study) / "results.json").is_file():
        show_outcome(rewrite_study(Path(study), declarations))
        return
    if declarations:
        raise click.UsageError(f"--declarations goes with the folder of a report, and {study} is none")
    show_outcome(report_study(study, run_id, tracking_uri, reports))


@click.command("overview", short_help="Set the protocols of several studies beside each other.")
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports/overview"),
    show_default=True,
    help="Folder of the figure and the table.",
)
@click.option("--network", "networks", multiple=True, metavar="ARM", help="Only this network; may be repeated.")
def overview_command(reports: tuple[Path, ...], output: Path, networks: tuple[str, ...]) -> None:
    """Draw one figure and write one table of what the protocol alone moves, from REPORTS: folders of reports whose
    studies train one network under several protocols."""
    from harness.report.overview import write_overview

    files = write_overview(reports, output, networks)
    for path in (*files.figures, *files.tables):
        say(path)


@click.command("sync", short_help="Send recorded runs to the MLflow server they wait for.")
@click.option("--tracking-uri", help="The server.  [default: every server that runs wait for]")
def sync_command(tracking_uri: str | None) -> None:
    """Send the runs that were recorded on this machine, below mlruns/spool/, to the MLflow server they are meant for.

    run-study sends them itself; this is for when the server could not be reached. Each run arrives once. The exit code
    is 1 when runs still wait.
    """
    from harness.running.study import send_waiting_runs
    from harness.terminal.progress import Terminal

    with Terminal() as progress:
        deliveries = send_waiting_runs(tracking_uri, progress)
    for delivery in deliveries:
        say(str(delivery))
    if not deliveries:
        say("no runs wait for a server here (mlruns/spool/ in the folder in which run-study was started)")
    if any(delivery.error for delivery in deliveries):
        sys.exit(1)


@click.command("fields", short_help="Print every field a study file may have.")
@click.argument("section", required=False)
def fields_command(section: str | None) -> None:
    """Print every field a study file may have, with its default and meaning."""
    from harness.cli.output.show_fields import show_fields

    show_fields(section)


@click.command("ui", short_help="Open the MLflow UI on the tracking store.")
@TRACKING
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True, help="Port to listen on.")
def ui_command(tracking_uri: str | None, host: str, port: int) -> None:
    """Open the MLflow UI on the tracking store, for this machine only unless --host says otherwise.

    The address that is printed holds a token, without which nothing is shown or changed; HARNESS_UI_TOKEN keeps it the
    same from one start to the next. MLflow's assistant, gateway, prompts and jobs are not served.
    """
    from harness.study.sections import TrackingSection
    from harness.tracking.ui import serve_ui

    serve_ui(tracking_uri or TrackingSection().uri, host, port)


def _checked_claims(spec: StudySpec, study: Path) -> Path:
    """Return the folder of the user's own claims files.

    Raises ClaimsError now when a claim of the study cannot be found, not after hours of training.
    """
    from harness.claims import FOLDER, load_library

    folder = study.parent / FOLDER
    library = load_library((folder,))
    for comparison in spec.compare:
        library.claim(comparison.claim)
    return folder
