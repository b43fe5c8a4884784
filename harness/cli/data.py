"""Commands about data sets."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.shared_options import COLUMNS, DATA_ROOT, Named
from harness.errors import DataError, HarnessError
from harness.registry import DATASETS
from harness.terminal.printing import say

if TYPE_CHECKING:
    from harness.data.datasets.csv_file import Columns
    from harness.data.inventory import Inventory
    from harness.terminal.progress import Progress


@click.group("data", short_help="List, check, compare, fetch or generate data sets.")
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
    """A data set of the registry, or a CSV file of one's own data; with ``folders`` also a folder of audio files."""

    def __init__(self, *, folders: bool = False) -> None:
        super().__init__(DATASETS)
        self._folders = folders

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Return the names as shown by help."""
        return f"{super().get_metavar(param, ctx)[:-1]}|FILE.csv{'|DIR' if self._folders else ''}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name or the file, or raise click's usage error if there is neither."""
        if is_file(value) or (self._folders and is_folder(value)):
            return str(value)
        name = super().convert(value, param, ctx)
        if DATASETS.get(name).own:
            self.fail(f"name the file of your own data instead, such as FILE.{name}", param, ctx)
        return name


def is_file(value: str) -> bool:
    """Return whether an argument names a CSV file rather than a data set."""
    return value not in DATASETS and (Path(value).suffix.lower() in (".csv", ".tsv", ".txt") or Path(value).is_file())


def is_folder(value: str) -> bool:
    """Return whether an argument names a folder rather than a data set."""
    return value not in DATASETS and Path(value).is_dir()


@data_group.command("check", short_help="Count and decode every clip.")
@click.argument("dataset", type=_NameOrFile())
@DATA_ROOT
@COLUMNS
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
    require_own(dataset, columns, own)
    named = named_columns(columns) if own else None
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


@data_group.command("duplicates", short_help="Find files with the same audio.")
@click.argument("audio", type=_NameOrFile(folders=True))
@DATA_ROOT
@COLUMNS
@click.option(
    "--workers", type=click.IntRange(1, 1024), default=2, show_default=True, help="Files to read in parallel."
)
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), metavar="FILE", help="Write all pairs as CSV.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), metavar="FILE", help="Write all pairs as JSON.")
def data_duplicates_command(
    audio: str,
    data_root: Path | None,
    columns: str | None,
    workers: int,
    csv_file: Path | None,
    json_file: Path | None,
) -> None:
    """Find files with equal audio, the same audio in another form, or a part in common.

    AUDIO is a data set, the CSV file of data of your own, or a folder of audio files: no metadata are needed.
    Copies are found that were encoded again, made louder or quieter, padded, cut or shifted. Each pair is
    confirmed on the waveforms; sounds that are merely alike are not reported. Of 10.7 million pairs of
    a clip and another one reversed none was reported (fewer than 3 in ten million, 95 % confidence).
    """
    from harness.cli.output.show_duplicates import duplicates_json, show_duplicates, write_text
    from harness.data.data_root import resolve_data_root
    from harness.duplicates.find import find_duplicates
    from harness.duplicates.pair_table import audio_below, pair_table, with_metadata
    from harness.terminal.progress import Terminal
    from harness.text.spreadsheet import csv_text

    root, inventory = resolve_data_root(data_root), None
    if is_folder(audio):
        paths = audio_below(Path(audio))
        names = [path.relative_to(audio).as_posix() for path in paths]
    else:
        inventory = _inventory(audio, root, columns)
        entries = inventory.present()
        paths, names = [entry.path for entry in entries], [entry.clip_id for entry in entries]
    with Terminal() as progress:
        found = find_duplicates(paths, workers, steps_of(progress, audio))
    pairs = pair_table(found, names)
    if inventory is not None:
        pairs = with_metadata(pairs, inventory.entries, inventory.classes)
    show_duplicates(found, pairs, names, audio)
    if csv_file is not None:
        write_text(csv_file, csv_text(pairs))
    if json_file is not None:
        write_text(json_file, duplicates_json(found, pairs, names))
    if found.unreadable:
        sys.exit(DataError.exit_code)


def steps_of(progress: Progress, name: str) -> Callable[[str, int, int], None]:
    """Return a function that shows what is being done about ``name``, how much is done, and of how much."""

    def advance(what: str, done: int, total: int) -> None:
        if done == 1:
            progress.begin(what, f"{what} {name}", total)
        progress.advance(what, done)

    return advance


def _inventory(dataset: str, root: Path, columns: str | None) -> Inventory:
    """Return the inventory of a data set, or of the CSV file of one's own."""
    from harness.data.dataset_check import read_own_table
    from harness.data.load_clips import read_inventory

    own = is_file(dataset)
    require_own(dataset, columns, own)
    return read_own_table(Path(dataset), root, named_columns(columns)) if own else read_inventory(dataset, root)


def require_own(dataset: str, columns: str | None, own: bool) -> None:
    """Check that columns are named for a CSV file only.

    Raises
    ------
    HarnessError
        When they are named for a data set of the registry.
    """
    if columns is not None and not own:
        raise HarnessError(f"--columns: {dataset} has columns of its own; they are named for a FILE.csv only")


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


def named_columns(text: str | None) -> Columns:
    """Return the names of columns that an option gives.

    Raises
    ------
    HarnessError
        When it names something else than columns.
    """
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
