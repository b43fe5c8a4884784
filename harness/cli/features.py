"""The command about features: pictures of clips as networks see them."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.shared_options import DATA_ROOT, Named, StudyFile
from harness.registry import DATASETS

SUFFIXES = (".png", ".html")


@click.group("features", short_help="Look at features.")
def features_group() -> None:
    """Look at clips as networks see them."""


@features_group.command("show", short_help="Draw the features of clips and classes, side by side.")
@click.argument("what", metavar="FILE|CLIP|CLASS...", nargs=-1, required=True)
@click.option(
    "--sets", default="LMC,mel", show_default=True, help="Feature sets or planes, separated by commas (list features)."
)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Picture (.png) or page (.html)."
)
@click.option("--study", type=StudyFile(), help="Take data set, feature sets and their settings from this study.")
@click.option("--dataset", type=Named(DATASETS), help="Data set of CLIP and CLASS.  [default: that of --study]")
@click.option(
    "--clips",
    type=click.IntRange(1, 10_000),
    default=40,
    show_default=True,
    help="How many clips of a CLASS are averaged at most.",
)
@DATA_ROOT
def show_features_command(
    what: tuple[str, ...],
    sets: str,
    output: Path,
    study: Path | None,
    dataset: str | None,
    clips: int,
    data_root: Path | None,
) -> None:
    """Draw the waveform and every plane of clips side by side, as a network sees them before normalisation.

    Each FILE is an audio file; CLIP is the id of a clip and CLASS the name of a class of a data set, of which the mean
    over its clips is drawn. The page also plays the clips.
    """
    from harness.data.data_root import resolve_data_root
    from harness.features.side_by_side import columns_of, feature_sets_of, read_study_clips, rows_of
    from harness.report.feature_picture import feature_png
    from harness.report.page.feature_page import feature_page
    from harness.running.study_inputs import activate_code
    from harness.study import DataSection, FeaturesSection, load_study
    from harness.system.writing import write_atomically
    from harness.terminal.printing import say
    from harness.terminal.progress import Silent

    if output.suffix.lower() not in SUFFIXES:
        raise click.UsageError(f"--output {output}: expected a name that ends in {' or '.join(SUFFIXES)}")
    spec = load_study(study) if study is not None else None
    params = spec.features if spec is not None else FeaturesSection()
    data = spec.data if spec is not None and dataset is None else DataSection(dataset=dataset) if dataset else None
    if spec is not None and study is not None:
        activate_code(spec, study.parent, Silent())
    folder = study.parent if study is not None else Path()
    entries, classes = read_study_clips(data, resolve_data_root(data_root), folder) if data is not None else ([], ())
    rows = rows_of(feature_sets_of([name.strip() for name in sets.split(",") if name.strip()], params), params)
    columns = columns_of(what, [row.plane for row in rows], params, entries, classes, clips)
    make = feature_page if output.suffix.lower() == ".html" else feature_png
    content = make(columns, rows)
    write_atomically(output, lambda path: path.write_bytes(content))
    say(f"{output}")
