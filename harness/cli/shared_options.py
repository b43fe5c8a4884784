"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.registry import Registry, UnknownNameError

NOT_STATED = "not stated"

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


class Named(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.3
    """A name registered when the command runs, including those of other packages, or one of ``others``."""

    name = "name"

    def __init__(self, registry: Registry[Any], *others: str) -> None:
        self._registry, self._others = registry, others

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002
        """Return the names as shown by help."""
        return f"[{'|'.join((*self._registry.names(), *self._others))}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name, or raise click's usage error if there is no such name."""
        try:
            return value if value in self._others else str(self._registry.get(value).name)
        except UnknownNameError as error:
            self.fail(str(error), param, ctx)


DATA_ROOT = click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    help="Folder with ESC-50/ and UrbanSound8K/.  [default: HARNESS_DATA, else the user's cache]",
)
COLUMNS = click.option(
    "--columns", help="Columns of FILE.csv, as in file=path,label=class,fold=split,recording=source."
)
TRACKING = click.option(
    "--tracking-uri", help="MLflow store; overrides the study's tracking.uri.  [default: sqlite:///mlruns/mlflow.db]"
)
OVERRIDES = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a field of the study, e.g. train.epochs=3; may be repeated.",
)
ARMS = click.option(
    "--arms",
    multiple=True,
    metavar="NAME",
    help="Only these arms now, with those that they need; * stands for any text; may be repeated. The study stays "
    "whole: the report has what is tested so far, and a later run does the rest.",
)


class StudyFile(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.3
    """A study file, or the name of a study that ships with the package."""

    name = "study"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:  # noqa: ARG002
        """Return the path of the study file; StudyError if there is none of that name."""
        from harness.study.shipped import study_path

        return value if isinstance(value, Path) else study_path(str(value))


STUDY_FILE = click.argument("study", type=StudyFile())
DEVICE = click.option(
    "--device", default="auto", show_default=True, help="Device to train on: auto, cpu, cuda, cuda:N or mps (untested)."
)
DEVICES = click.option(
    "--device",
    "--devices",
    "device",
    default="auto",
    show_default=True,
    help="Devices to train on: auto (every GPU, else the CPU), cpu, mps (untested), cuda:N, or several: cuda:0,cuda:1.",
)
EXECUTOR = click.option(
    "--executor",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where trainings run: processes of this machine, or a Ray cluster (pip install 'harness[ray]').",
)
ADDRESS = click.option(
    "--address",
    metavar="HOST:PORT",
    help="Ray cluster to use; every node with room trains.  [default: one on this machine alone]",
)
WORKERS = click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    help="Parallel training processes; results do not depend on their number.  [default: number of cores, or of GPUs]",
)
REPORTS = click.option(
    "--reports", type=click.Path(path_type=Path), default=Path("reports"), show_default=True, help="Folder for reports."
)
CACHE = click.option(
    "--cache", type=click.Path(path_type=Path), help="Folder of computed features.  [default: the user's cache]"
)


STUDY_FOLDER = click.option(
    "--study-folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Folder of the study file: allows the code that the recorded study names to run, from there.",
)

CLAIMS = click.option(
    "--claims",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Folder with your own claims files; may be repeated.",
)
