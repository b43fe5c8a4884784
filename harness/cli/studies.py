"""Commands about studies: run, plan, report, the fields of a study file, and the runs in a browser."""

from __future__ import annotations

import shlex
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.shared_options import (
    ADDRESS,
    ARMS,
    CACHE,
    DATA_ROOT,
    DEVICES,
    EXECUTOR,
    JSON,
    OVERRIDES,
    REPORTS,
    STUDY_FILE,
    TRACKING,
    WORKERS,
)
from harness.terminal.interrupt import second_ends_at_once
from harness.terminal.printing import say

if TYPE_CHECKING:
    from harness.study import StudySpec


@click.command("run-study", short_help="Run a study file from audio to report.")
@STUDY_FILE
@DATA_ROOT
@OVERRIDES
@ARMS
@DEVICES
@WORKERS
@EXECUTOR
@ADDRESS
@TRACKING
@REPORTS
@click.option(
    "--report",
    type=click.Choice(["full", "data", "none"]),
    default="full",
    show_default=True,
    help="full: the complete report; data: no figures or PDF; none: no report. `harness report` can write it later.",
)
@CACHE
@click.option(
    "--no-wait",
    is_flag=True,
    help="If another process runs this study, on any machine, say who and exit with code 3 instead of waiting.",
)
@click.option("--quiet", is_flag=True, help="Show no progress.")
@JSON
def run_study_command(
    study: Path,
    data_root: Path | None,
    overrides: tuple[str, ...],
    arms: tuple[str, ...],
    device: str,
    workers: int | None,
    executor: str,
    address: str | None,
    tracking_uri: str | None,
    reports: Path,
    report: str,
    cache: Path | None,
    no_wait: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run STUDY from audio to report; an interrupted study resumes where it stopped.

    STUDY is a TOML file, or the name of a study that ships with the package (`harness list studies`).
    """
    from harness.study import load_study

    # Errors in the study are reported before the heavy libraries are loaded.
    spec = load_study(study, overrides)
    _check_claims(spec, study)
    from harness.cli.output.show_studies import show_outcome
    from harness.executors.choose import choose_executor
    from harness.running.study import Options, run_study
    from harness.terminal.progress import Silent, Terminal

    options = Options.of(
        spec,
        study,
        overrides,
        shlex.join(["harness", *sys.argv[1:]]),
        data_root=data_root,
        cache=cache,
        reports=reports,
        tracking_uri=tracking_uri,
        device=device,
        workers=workers,
        report=report,
        wait=not no_wait,
        executor=choose_executor(executor, address, workers, spec, cache),
        arms=arms,
    )
    with second_ends_at_once(), nullcontext(Silent()) if quiet else Terminal() as progress:
        outcome = run_study(spec, options, progress)
    show_outcome(outcome, as_json=as_json)
    if outcome.failures:
        sys.exit(1)


@click.command("plan", short_help="Show what a study would run, and for how long.")
@STUDY_FILE
@DATA_ROOT
@OVERRIDES
@ARMS
@DEVICES
@WORKERS
@EXECUTOR
@ADDRESS
def plan_command(
    study: Path,
    data_root: Path | None,
    overrides: tuple[str, ...],
    arms: tuple[str, ...],
    device: str,
    workers: int | None,
    executor: str,
    address: str | None,
) -> None:
    """Show what STUDY would run and for how long, estimated by a short probe; nothing is trained or written."""
    from harness.study import load_study

    spec = load_study(study, overrides)
    _check_claims(spec, study)
    from harness.cli.output.show_studies import show_plan
    from harness.executors.choose import choose_executor
    from harness.running.plan import make_plan

    opened = choose_executor(executor, address, workers, spec, None)
    if address is not None:
        from harness.devices import resolve_devices

        with opened(resolve_devices(device)) as cluster:
            workers = cluster.capacity
    show_plan(make_plan(spec, data_root, device, workers, study.parent, arms))


@click.command("report", short_help="Write the report of a recorded study, or check one.")
@click.argument("study")
@click.option(
    "--check",
    is_flag=True,
    help="With a report folder: write nothing, and compare its numbers with its predictions.",
)
@click.option("--run-id", help="Study run to report.  [default: the newest of that name]")
@click.option(
    "--declarations",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="STUDY.toml",
    help="With a report folder: take question, comparisons and tuning from this study file.",
)
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="With a study file: a report folder of some of its arms (run-study --arms); may be repeated. The report is "
    "written from these parts, without the store.",
)
@click.option(
    "--audio",
    type=click.IntRange(1, 500),
    metavar="N",
    help="Embed the N clips that most arms miss into report.html, with sound from --data-root. Off by default: the "
    "recordings have the licence of their data set.",
)
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.zip",
    help="Also write the report as an RO-Crate archive, with --check only if it is equal; needs pip install "
    "'harness[bundle]'.",
)
@click.option("--license", "licence", default="", help="Licence of the results in the archive, preferably its address.")
@DATA_ROOT
@TRACKING
@REPORTS
def report_command(
    study: str,
    check: bool,
    run_id: str | None,
    declarations: Path | None,
    parts: tuple[Path, ...],
    audio: int | None,
    bundle: Path | None,
    licence: str,
    data_root: Path | None,
    tracking_uri: str | None,
    reports: Path,
) -> None:
    """Write the report of STUDY, given by name or TOML file, from the tracking store.

    STUDY may also be a report folder. Its report is then rewritten in place from its own predictions, with the current
    statistics, claims and wording, and without the store.

    A study whose arms were trained in several stores, for example on machines that share none, is reported from the
    reports of its parts: harness report STUDY.toml --part DIR --part DIR.

    --check recomputes every number in results.json, the tables, report.html, README.md and report.tex of a report
    folder from its predictions and compares them, in a minute or two; nothing is trained or written. The PDF, the
    figures and values known only from the record are not covered, and are listed. Predictions that were changed
    consistently with all numbers are detected only by harness replay. Exit code 0: everything covered is equal; 1:
    something differs.
    """
    from harness.cli.output.show_report_check import show_check
    from harness.cli.output.show_studies import show_outcome
    from harness.running.reports import AudioRequest, check_study, join_parts, report_study, rewrite_study

    sound = AudioRequest(audio, data_root) if audio else None
    if parts and (check or run_id or declarations):
        raise click.UsageError("--part cannot be combined with --check, --run-id or --declarations")
    if check:
        found = check_study(Path(study), declarations)
        show_check(found)
        if not found.equal:
            sys.exit(1)
        folder = Path(study)
    else:
        if parts:
            if not study.endswith(".toml"):
                raise click.UsageError(f"--part requires a study file, and {study} is not one")
            outcome = join_parts(Path(study), parts, reports, sound)
        elif (Path(study) / "results.json").is_file():
            outcome = rewrite_study(Path(study), declarations, sound)
        elif declarations:
            raise click.UsageError(f"--declarations requires a report folder, and {study} is not one")
        else:
            outcome = report_study(study, run_id, tracking_uri, reports, sound)
        show_outcome(outcome)
        folder = outcome.report.folder if outcome.report else reports
    if bundle is not None:
        from harness.report.bundle import write_bundle

        say(write_bundle(folder, bundle, licence))


@click.command("overview", short_help="Compare the protocols of several studies.")
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports/overview"),
    show_default=True,
    help="Folder for the page, the figure and the table.",
)
@click.option("--network", "networks", multiple=True, metavar="ARM", help="Only this network; may be repeated.")
def overview_command(reports: tuple[Path, ...], output: Path, networks: tuple[str, ...]) -> None:
    """Write a page with one figure and one table of the effect of the protocol alone, from REPORTS: report folders of
    studies that train a network under several protocols."""
    from harness.report.overview import write_overview

    files = write_overview(reports, output, networks)
    for path in (*files.figures, *files.tables):
        say(path)


@click.command("sync", short_help="Send waiting runs to their MLflow server.")
@click.option("--tracking-uri", help="Server to send to.  [default: every server with waiting runs]")
def sync_command(tracking_uri: str | None) -> None:
    """Send the runs recorded on this machine, in mlruns/spool/, to the MLflow server they are meant for.

    run-study sends them itself; use this command if the server was unreachable. Each run is delivered once. Exit code
    1: some runs are still waiting.
    """
    from harness.running.study import send_waiting_runs
    from harness.terminal.progress import Terminal

    with Terminal() as progress:
        deliveries = send_waiting_runs(tracking_uri, progress)
    for delivery in deliveries:
        say(str(delivery))
    if not deliveries:
        say("no runs are waiting for a server (in mlruns/spool/ of the folder where run-study was started)")
    if any(delivery.error for delivery in deliveries):
        sys.exit(1)


@click.command("fields", short_help="Print every field of a study file.")
@click.argument("section", required=False)
def fields_command(section: str | None) -> None:
    """Print every field of a study file with its default and meaning."""
    from harness.cli.output.show_fields import show_fields

    show_fields(section)


@click.command("ui", short_help="Open the MLflow UI for the tracking store.")
@TRACKING
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True, help="Port to listen on.")
def ui_command(tracking_uri: str | None, host: str, port: int) -> None:
    """Open the MLflow UI for the tracking store, on this machine only unless --host is given.

    The printed address contains a token, without which nothing is shown or changed; set HARNESS_UI_TOKEN to keep it the
    same between starts. MLflow's assistant, gateway, prompts and jobs are not served.
    """
    from harness.study.sections import TrackingSection
    from harness.tracking.ui import serve_ui

    serve_ui(tracking_uri or TrackingSection().uri, host, port)


def _check_claims(spec: StudySpec, study: Path) -> None:
    """Raise ClaimsError now if a claim of the study cannot be found, not after hours of training."""
    from harness.claims import FOLDER, load_library

    library = load_library((study.parent / FOLDER,))
    for comparison in spec.compare:
        library.claim(comparison.claim)
