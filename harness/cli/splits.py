"""Commands about splits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.shared_options import COLUMNS
from harness.registry import SPLITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.data.clips import ClipTable
    from harness.study import ProtocolSection

LEAKING = 1
"""Exit code where parts share something."""


@click.group("splits", short_help="Check anybody's split of a data set.")
def splits_group() -> None:
    """Splits of data sets into training, validation and test parts."""


@splits_group.command("check", short_help="Count what the parts of a split share.")
@click.option(
    "--metadata",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="CSV file that names the clips, their classes and, if known, recordings and folds.",
)
@click.option(
    "--split",
    required=True,
    metavar="FILE|RULE",
    help="CSV file with the columns clip and fold, part or both; or a split rule (harness list splits).",
)
@click.option(
    "--set",
    "stated",
    multiple=True,
    metavar="OPTION=VALUE",
    help="An option of the rule, or what validates: --set n=5, --set validation=0.1. Repeatable.",
)
@COLUMNS
@click.option(
    "--audio",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Folder of the audio: clips with audio in common are counted as well.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Seed of a rule.")
@click.option(
    "--workers", type=click.IntRange(1, 1024), default=2, show_default=True, help="Files to read in parallel."
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), metavar="FILE", help="Write the result as JSON.")
@click.option("--latex", "latex_file", type=click.Path(path_type=Path), metavar="FILE", help="Write a LaTeX table.")
def splits_check_command(
    metadata: Path,
    split: str,
    stated: tuple[str, ...],
    columns: str | None,
    audio: Path | None,
    seed: int,
    workers: int,
    json_file: Path | None,
    latex_file: Path | None,
) -> None:
    """Count the items of test and validation parts that share a recording, a clip or audio with the other parts.

    Exit code: 0 when nothing is shared, 1 when something is, 2 when the input cannot be used.
    """
    from harness.cli.data import named_columns
    from harness.cli.output.show_duplicates import write_text
    from harness.cli.output.show_splits import check_json, check_table, show_split_check
    from harness.data.split_check import check_splits
    from harness.data.split_file import known_columns, read_metadata, read_split, splits_of_rule

    described = read_metadata(metadata, named_columns(columns) if columns else known_columns(metadata))
    if split in SPLITS:
        protocol = _protocol(split, stated)
        split = protocol.label
        splits = splits_of_rule(described, protocol, seed)
    elif stated:
        raise click.BadParameter(f"{stated[0]!r} is an option of a rule, and {split!r} is none", param_hint="--set")
    elif Path(split).is_file():
        splits = read_split(Path(split), described.clips)
    else:
        raise click.BadParameter(
            f"{split!r} is neither a file nor a split rule; rules: {', '.join(SPLITS.names())}", param_hint="--split"
        )
    groups = None if audio is None else _groups(described.clips, audio, workers)
    result = check_splits(described.clips, splits, recordings_known=described.recordings_known, groups=groups)
    show_split_check(result, split, metadata.name)
    if json_file is not None:
        write_text(json_file, check_json(result, split, metadata.name))
    if latex_file is not None:
        from harness.report.typeset.latex_table import table_tex

        table = check_table(result, split, metadata.name)
        write_text(latex_file, table_tex(table, f"tab:{table.name}"))
    if result.leaks:
        sys.exit(LEAKING)


def _protocol(split: str, stated: Sequence[str]) -> ProtocolSection:
    """Return the rule with the options that are ``stated`` as in a study file.

    Raises
    ------
    StudyError
        When a rule has no such option, or not with such a value.
    """
    from harness.study.study_file import parse_protocol

    return parse_protocol(split, stated, Path())


def _groups(clips: ClipTable, folder: Path, workers: int) -> list[int]:
    """Return for each clip a number that it shares with the clips that have audio in common.

    Raises
    ------
    DataError
        When a file is missing or cannot be decoded.
    """
    from harness.cli.data import steps_of
    from harness.data.split_check import audio_of
    from harness.duplicates.find import find_duplicates
    from harness.errors import DataError
    from harness.terminal.progress import Terminal

    paths = audio_of(clips, folder)
    with Terminal() as progress:
        found = find_duplicates(paths, workers, steps_of(progress, str(folder)))
    if found.unreadable:
        position, fault = found.unreadable[0]
        raise DataError(
            f"{paths[position]}: {fault}; restore it ({len(found.unreadable)} of {len(paths)} files cannot be compared)"
        )
    return found.groups(len(paths))
