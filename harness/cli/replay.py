"""Commands that check recorded runs: train one again, or compare two."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.cli.shared_options import CACHE, DATA_ROOT, JSON, STUDY_FOLDER, TRACKING, WORKERS
from harness.terminal.interrupt import Interrupted, exit_code_of, second_ends_at_once
from harness.terminal.printing import say_lines


@click.command("replay", short_help="Retrain a recorded run and compare results.")
@click.argument("run", metavar="RUN_ID|REPORT")
@click.option("--arm", "arms", multiple=True, help="Only this arm; may be repeated.")
@click.option("--fold", "folds", multiple=True, type=click.IntRange(1, 1000), help="Only this fold; may be repeated.")
@click.option(
    "--seed", "seeds", multiple=True, type=click.IntRange(0, 1000), help="Only this seed index; may be repeated."
)
@click.option(
    "--declarations",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="STUDY.toml",
    help="With REPORT: the study file, if the study has its own claims files.",
)
@STUDY_FOLDER
@DATA_ROOT
@click.option(
    "--device",
    default="recorded",
    show_default=True,
    help="Device to train on: recorded (the kind that each training used), auto, cpu, cuda or cuda:N.",
)
@WORKERS
@TRACKING
@CACHE
@JSON
def replay_command(
    run: str,
    arms: tuple[str, ...],
    folds: tuple[int, ...],
    seeds: tuple[int, ...],
    declarations: Path | None,
    study_folder: Path | None,
    data_root: Path | None,
    device: str,
    workers: int | None,
    tracking_uri: str | None,
    cache: Path | None,
    as_json: bool,
) -> None:
    """Retrain a finished study, trial or fold run from its record, and compare the results bit for bit.

    RUN_ID may be abbreviated. REPORT is the folder of a study's report: every number in its results.json, tables,
    README.md and report.tex is first recomputed from its predictions, as by harness report --check, and nothing is
    trained if one differs; then its final trainings are compared clip by clip. Inputs are rebuilt from the record
    alone: study, hyperparameters, seeds. Nothing is written to the tracking store. Exit code 0: all equal; 1: something
    differs or failed.
    """
    from harness.cli.output.show_replay import replay_json, show_replay
    from harness.data.data_root import resolve_data_root
    from harness.replay.sources import open_source
    from harness.replay.train_again import replay
    from harness.running.reports import declared
    from harness.running.study_inputs import user_cache
    from harness.study.sections import TrackingSection
    from harness.terminal.progress import Terminal

    try:
        with second_ends_at_once(), Terminal() as progress:
            found = replay(
                open_source(run, tracking_uri or TrackingSection().uri, *declared(declarations)),
                data_root=resolve_data_root(data_root),
                cache=cache or user_cache(),
                device=device,
                workers=workers,
                progress=progress,
                arms=arms,
                folds=folds,
                seeds=seeds,
                folder=study_folder,
            )
    except KeyboardInterrupt as interrupt:
        code = exit_code_of(interrupt)
        raise Interrupted("a replay saves nothing; run the same command to start over", code) from None
    if as_json:
        say_lines(replay_json(found))
    else:
        show_replay(found)
    sys.exit(0 if found.equal else 1)


@click.command("diff", short_help="Show what differs between two recorded runs.")
@click.argument("run_a")
@click.argument("run_b")
@TRACKING
@JSON
def diff_command(run_a: str, run_b: str, tracking_uri: str | None, as_json: bool) -> None:
    """Show what differs between the finished runs RUN_A and RUN_B: study, conditions and results.

    Both are study runs, trial runs or fold runs; ids may be abbreviated. Nothing is trained.
    Exit code 0: nothing differs; 1: something does.
    """
    from harness.cli.output.show_replay import diff_json, show_diff
    from harness.replay.pairs import diff_runs
    from harness.study.sections import TrackingSection

    found = diff_runs(tracking_uri or TrackingSection().uri, run_a, run_b)
    if as_json:
        say_lines(diff_json(found))
    else:
        show_diff(found)
    sys.exit(0 if found.equal else 1)
