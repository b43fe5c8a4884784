"""The command that writes a batch file for SLURM."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from harness.cli.shared_options import STUDY_FILE
from harness.cli.studies import run_study_command
from harness.terminal.printing import say


@click.command("slurm", short_help="Write a batch file that runs a study on a SLURM cluster.")
@STUDY_FILE
@click.option("--nodes", type=click.IntRange(1, 10_000), default=1, show_default=True, help="Number of nodes.")
@click.option(
    "--gpus-per-node", type=click.IntRange(0, 64), default=1, show_default=True, help="GPUs of each node; 0 for none."
)
@click.option("--time", required=True, help="Time before the job is queued again: 90, 4:00:00 or 1-12 (days-hours).")
@click.option("--partition", help="Partition to run in.")
@click.option("--account", help="Account to charge.")
@click.option("--qos", help="Quality of service.")
@click.option("--mem", help="Memory of each node, e.g. 64G.")
@click.option("--cpus-per-task", type=click.IntRange(1, 10_000), help="Cores of each node.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="The batch file to write.",
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def slurm_command(
    study: Path,
    nodes: int,
    gpus_per_node: int,
    time: str,
    partition: str | None,
    account: str | None,
    qos: str | None,
    mem: str | None,
    cpus_per_task: int | None,
    output: Path,
    options: tuple[str, ...],
) -> None:
    """Write a batch file that runs STUDY on a SLURM cluster; submit it with sbatch.

    OPTIONS after -- are those of run-study:

        harness slurm STUDY --time 4:00:00 --output job.sh -- --data-root DIR --set train.epochs=3

    The study is interrupted two minutes before its time is up, queued again, and resumes; a pre-empted job resumes,
    too. With more than one node, the job starts a Ray cluster of its own.
    """
    from harness.errors import StudyError
    from harness.executors.sbatch import Job, batch_file
    from harness.study import load_study
    from harness.system.writing import write_atomically

    # Mistakes in the options are found now, not when the job starts.
    given = run_study_command.make_context("run-study", [str(study), *options]).params
    spec = load_study(study, given["overrides"])
    programs = Path(sys.executable).parent
    asked = {"partition": partition, "account": account, "qos": qos, "mem": mem, "cpus-per-task": cpus_per_task}
    job = Job(
        spec.study.name,
        nodes,
        gpus_per_node,
        time,
        {name: str(value) for name, value in asked.items() if value is not None},
    )
    # A Ray cluster has GPUs only for studies that ask for them.
    cuda = ("--device", "cuda") if nodes > 1 and gpus_per_node and given["device"] == "auto" else ()
    run = [str(programs / "harness"), "run-study", str(study.absolute()), *cuda, *options]
    text = batch_file(job, run, str(programs / "ray"))
    try:
        write_atomically(output, lambda path: path.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise StudyError(f"--output {output}: cannot be written: {error.strerror or error}") from None
    say(f"{output} written; submit it with: sbatch {shlex.quote(str(output))}")
