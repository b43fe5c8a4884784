"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

NOT_STATED = "not stated"

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
    type=click.IntRange(1, 1024),
    help="Processes that train at once; results do not depend on it.  [default: processor cores; on CUDA 1]",
)
REPORTS = click.option(
    "--reports", type=click.Path(path_type=Path), default=Path("reports"), show_default=True, help="Folder of reports."
)
CACHE = click.option(
    "--cache", type=click.Path(path_type=Path), help="Folder of computed features.  [default: user's cache]"
)

CLAIMS = click.option(
    "--claims",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Folder of claims files of your own; may be repeated.",
)
