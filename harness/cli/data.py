"""Commands about data sets."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.shared_options import DATA_ROOT, Named
from harness.errors import DataError, HarnessError
from harness.registry import DATASETS
from harness.terminal.printing import say

if TYPE_CHECKING:
    from harness.data.datasets.csv_file import Columns


@click.group("data", short_help="List, check, fetch or generate data sets.")
def data_group() -> None:
    """Data sets in the data root: list, check, fetch or generate them."""


def _dataset(function: Callable[..., None]) -> Callable[..., None]:
    return click.argument("dataset", type=Named(DATASETS))(function)


@data_group.command("list", short_help="List data sets and what is present.")
@DATA_ROOT
def data_list_command(data_root: Path | None) -> None:
    """List the known data sets, and how much of each is in the data root."""
    from harness.cli.output.show_datasets import show_datasets
    from harness.data.data_root import resolve_data_root

    show_datasets(resolve_data_root(data_root))


class _NameOrFile(Named):
    """A data set of the registry, or a CSV file of one's own data."""

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Return the names as shown by help."""
        return f"{super().get_metavar(param, ctx)[:-1]}|FILE.csv]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name or the file, or raise click's usage error if there is neither."""
        if is_file(value):
            return str(value)
        name = super().convert(value, param, ctx)
        if DATASETS.get(name).own:
            self.fail(f"name the file of your own data: harness data check FILE.{name}", param, ctx)
        return name


def is_file(value: str) -> bool:
    """Return whether an argument names a CSV file rather than a data set."""
    return value not in DATASETS and (Path(value).suffix.lower() in (".csv", ".tsv", ".txt") or Path(value).is_file())


@data_group.command("check", short_help="Count and decode every clip.")
@click.argument("dataset", type=_NameOrFile(DATASETS))
@DATA_ROOT
@click.option("--columns", help="Columns of FILE.csv, as in file=path,label=class,fold=split,recording=source.")
@click.option("--folds", help="Folds to check, e.g. 1,2,10.  [default: all official folds]")
@click.option(
    "--workers", type=click.IntRange(1, 1024), default=2, show_default=True, help="Files to decode in parallel."
)
def data_check_command(
    dataset: str, data_root: Path | None, columns: str | None, folds: str | None, workers: int
) -> None:
    """Count clips per fold and class, decode every file of DATASET, and report what is wrong.

    DATASET may be the CSV file of data of your own, as a study names it with data.metadata.
    """
    from harness.cli.output.show_datasets import show_check
    from harness.data.data_root import resolve_data_root
    from harness.data.dataset_check import check_dataset, check_table
    from harness.terminal.progress import Terminal

    root, chosen, own = resolve_data_root(data_root), _numbers(folds), is_file(dataset)
    if columns is not None and not own:
        raise HarnessError(f"--columns: {dataset} has columns of its own; they are named for a FILE.csv only")
    named = _columns(columns) if own else None
    with Terminal() as progress:
        progress.begin("check", f"checking {dataset}", 1)

        def advance(done: int, _: int) -> None:
            progress.advance("check", done)

        if own:
            report = check_table(Path(dataset), root, chosen, workers, advance, columns=named)
        else:
            report = check_dataset(dataset, root, chosen, workers, advance)
    show_check(report)
    if not report.ok:
        sys.exit(DataError.exit_code)


@data_group.command("fetch", short_help="Download, verify and unpack a data set.")
@_dataset
@DATA_ROOT
@click.option("--url", help="Address of the archive.  [default: the authors' address]")
@click.option("--checksum", help="Expected checksum, e.g. sha256:... or md5:...")
def data_fetch_command(dataset: str, data_root: Path | None, url: str | None, checksum: str | None) -> None:
    """Download DATASET from its authors, resuming an interrupted download, then verify and unpack it."""
    from harness.data.data_root import resolve_data_root
    from harness.data.download import fetch

    folder = fetch(dataset, resolve_data_root(data_root), url=url, checksum=checksum, progress=sys.stderr.isatty())
    say(f"{dataset} is in {folder}; check it with: harness data check {dataset}")


@data_group.command("synth", short_help="Generate the synthetic data set.")
@DATA_ROOT
@click.option("--clips", type=click.IntRange(1, 1000), default=4, show_default=True, help="Clips per class and fold.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Random seed.")
def data_synth_command(data_root: Path | None, clips: int, seed: int) -> None:
    """Write the embedded synthetic data set (ESC-50 layout, 10 classes, 5 folds, WAV)."""
    from harness.data.data_root import resolve_data_root
    from harness.data.datasets.synthetic import SyntheticSection, write_synthetic

    say(write_synthetic(resolve_data_root(data_root), SyntheticSection(clips_per_class_and_fold=clips, seed=seed)))


def _columns(text: str | None) -> Columns:
    from pydantic import ValidationError

    from harness.data.datasets.csv_file import Columns

    given = dict(re.findall(r"(\w+)=([^,]*)(?:,|$)", text or ""))
    try:
        if ",".join(f"{key}={value}" for key, value in given.items()) == (text or ""):
            return Columns(**given)
    except ValidationError:
        pass
    names = ", ".join(Columns.model_fields)
    raise HarnessError(f"--columns {text}: expected names of columns for {names}, as in file=path,label=class")


def _numbers(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise HarnessError(f"--folds {text}: expected fold numbers separated by commas, e.g. 1,2,10") from None
