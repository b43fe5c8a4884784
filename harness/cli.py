"""The commands. Each one parses, calls one function and prints; what they do lives behind them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from harness import __version__
from harness.errors import HarnessError

DATA_ROOT = click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    help="Folder that holds ESC-50/ and UrbanSound8K/.  [default: HARNESS_DATA, else the user's cache]",
)
TRACKING = click.option(
    "--tracking-uri", help="MLflow store, over the study's tracking.uri.  [default: sqlite:///mlruns/mlflow.db]"
)
OVERRIDES = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a field of the study: train.epochs=3."
)
STUDY_FILE = click.argument("study", type=click.Path(path_type=Path))
DEVICE = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
WORKERS = click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes that train at once; results do not depend on it.  [default: processor cores; on CUDA 1]",
)
REPORTS = click.option(
    "--reports", type=click.Path(path_type=Path), default=Path("reports"), show_default=True, help="Folder of reports."
)


class _Commands(click.Group):
    """Prints an error that the user can act on alone, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HarnessError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("interrupted: what has finished is recorded; the same command goes on from there", err=True)
            ctx.exit(130)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.commands)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="harness")
def cli() -> None:
    """Reproduce published sound-classification results: train fold by fold, record every run, report honestly."""


@cli.command("run-study", short_help="Run a study file from audio to report.")
@STUDY_FILE
@DATA_ROOT
@OVERRIDES
@DEVICE
@WORKERS
@TRACKING
@REPORTS
@click.option("--cache", type=click.Path(path_type=Path), help="Folder of computed features.  [default: user's cache]")
def run_study_command(
    study: Path,
    data_root: Path | None,
    overrides: tuple[str, ...],
    device: str,
    workers: int | None,
    tracking_uri: str | None,
    reports: Path,
    cache: Path | None,
) -> None:
    """Run STUDY (a TOML file) from audio to report; an interrupted study goes on where it stood."""
    from harness.study import load_study

    # A fault of the study is told before the heavy libraries are loaded.
    spec = load_study(study, overrides)
    from harness.progress import Terminal
    from harness.run import Options, run_study
    from harness.screen import show_outcome

    options = Options.resolve(data_root, cache, reports, tracking_uri or spec.tracking.uri, device, workers, overrides)
    with Terminal() as progress:
        outcome = run_study(spec, options, progress)
    show_outcome(outcome)
    if outcome.failures:
        sys.exit(1)


@cli.command("plan", short_help="Print what a study would run, and for how long.")
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
    from harness.plan import make_plan
    from harness.screen import show_plan

    show_plan(make_plan(spec, data_root, device, workers))


@cli.command("report", short_help="Write the report of a recorded study.")
@click.argument("study")
@click.option("--run-id", help="Study run to report.  [default: the newest of that name]")
@TRACKING
@REPORTS
def report_command(study: str, run_id: str | None, tracking_uri: str | None, reports: Path) -> None:
    """Write the report of STUDY (its name, or its TOML file) from the tracking store."""
    from harness.run import report_study
    from harness.screen import show_outcome

    show_outcome(report_study(study, run_id, tracking_uri, reports))


@cli.command("fields", short_help="Print every field a study file may have.")
@click.argument("section", required=False)
def fields_command(section: str | None) -> None:
    """Print every field a study file may have, with its default and meaning."""
    from harness.screen import show_fields

    show_fields(section)


@cli.group("data", short_help="List, check, fetch or make data sets.")
def data_group() -> None:
    """Data sets below the data root: what is there, whether it is whole, and how to get it."""


def _dataset(function: Callable[..., None]) -> Callable[..., None]:
    from harness.vocabulary import DATASETS

    return click.argument("dataset", type=click.Choice([name for name in DATASETS if name != "synthetic"]))(function)


@data_group.command("list", short_help="What lies below the data root.")
@DATA_ROOT
def data_list_command(data_root: Path | None) -> None:
    """List the data sets that the harness knows, and how much of each lies below the data root."""
    from harness.data import resolve_data_root
    from harness.screen import show_datasets

    show_datasets(resolve_data_root(data_root))


@data_group.command("check", short_help="Count, decode and judge every clip.")
@_dataset
@DATA_ROOT
@click.option("--folds", help="Only these folds, as in 1,2,10.  [default: all official folds]")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Files decoded at once.")
def data_check_command(dataset: str, data_root: Path | None, folds: str | None, workers: int) -> None:
    """Count clips per fold and class, decode every file of DATASET, and report what is wrong."""
    from harness.data import check_dataset, resolve_data_root
    from harness.progress import Terminal
    from harness.screen import show_check

    with Terminal() as progress:
        progress.begin("check", f"checking {dataset}", 1)
        report = check_dataset(
            dataset,
            resolve_data_root(data_root),
            _numbers(folds),
            workers,
            lambda done, _: progress.advance("check", done),
        )
    show_check(report)
    if not report.ok:
        sys.exit(1)


@data_group.command("fetch", short_help="Download from the authors, verify, unpack.")
@_dataset
@DATA_ROOT
@click.option("--url", help="Take the archive from here.  [default: the authors' address]")
@click.option("--checksum", help="Expected checksum, as in sha256:... or md5:...")
def data_fetch_command(dataset: str, data_root: Path | None, url: str | None, checksum: str | None) -> None:
    """Download DATASET from its authors, resuming where an earlier try broke off, verify and unpack it."""
    from harness.data import fetch, resolve_data_root

    folder = fetch(dataset, resolve_data_root(data_root), url=url, checksum=checksum, progress=sys.stderr.isatty())
    click.echo(f"{dataset} lies in {folder}; check it with: harness data check {dataset}")


@data_group.command("synth", short_help="Write the embedded synthetic data set.")
@DATA_ROOT
@click.option("--clips", type=click.IntRange(min=1), default=4, show_default=True, help="Clips per class and fold.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the generator.")
def data_synth_command(data_root: Path | None, clips: int, seed: int) -> None:
    """Write the embedded synthetic data set (ESC-50 layout, 10 classes, 5 folds, WAV)."""
    from harness.data import resolve_data_root, write_synthetic
    from harness.study.sections import SyntheticSection

    click.echo(
        write_synthetic(resolve_data_root(data_root), SyntheticSection(clips_per_class_and_fold=clips, seed=seed))
    )


@cli.command("ui", short_help="Open the MLflow UI on the tracking store.")
@TRACKING
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True, help="Port to listen on.")
def ui_command(tracking_uri: str | None, host: str, port: int) -> None:
    """Open the MLflow UI on the tracking store, for this machine only unless --host says otherwise."""
    from harness.study.sections import TrackingSection
    from harness.tracking import serve_ui

    serve_ui(tracking_uri or TrackingSection().uri, host, port)


def _numbers(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise HarnessError(f"--folds {text}: expected fold numbers with commas between, as in 1,2,10") from None


def main() -> None:
    """Run the command line."""
    cli(prog_name="harness")
