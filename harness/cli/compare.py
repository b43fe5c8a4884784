"""The command that compares fold accuracies from any source with claims, and with each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from harness.choices import EpochRule
from harness.cli.shared_options import CLAIMS, JSON, NOT_STATED, Named
from harness.registry import DATASETS, SPLITS
from harness.terminal.printing import say, say_lines

if TYPE_CHECKING:
    from harness.comparisons.systems.system_comparison import SystemComparisons

if TYPE_CHECKING:
    from harness.choices import ReadAs


@click.command("compare", short_help="Compare accuracies with a claim, or systems with each other.")
@click.option("--scores", type=click.Path(path_type=Path), metavar="FILE", help="CSV file with accuracies.")
@click.option(
    "--predictions",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File of a system, or NAME=FILE; further ones may follow as FILES.",
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--reference", metavar="SYSTEM", help="System of --predictions that all others are tested against.")
@click.option("--task", metavar="TASK", help="Task to read, where a log of --predictions has several.")
@click.option(
    "--claim", "addresses", multiple=True, metavar="ADDRESS", help="Claim, as paper:table/column; may be repeated."
)
@click.option(
    "--contrast",
    "contrasts",
    nargs=2,
    multiple=True,
    metavar="ARM ARM",
    help="Two arms of FILE to test against each other, paired by fold; may be repeated.",
)
@CLAIMS
@click.option("--dataset", type=Named(DATASETS), help="Data set of the scores.  [default: the claim's, if any]")
@click.option(
    "--data-folds",
    type=click.IntRange(2, 1000),
    help="Number of folds of the data.  [default: those of the data set; without one, those in FILE]",
)
@click.option(
    "--validation-apart/--no-validation-apart",
    default=False,
    show_default=True,
    help="Whether one fold was held out for validation.",
)
@click.option(
    "--estimand",
    type=click.Choice(["macro", "clip", "segment", "class", NOT_STATED]),
    default=NOT_STATED,
    show_default=True,
    help="What the accuracies are: the mean of class accuracies, or accuracy on clips, on segments or on one class.",
)
@click.option(
    "--split",
    type=Named(SPLITS, NOT_STATED),
    default=NOT_STATED,
    show_default=True,
    help="How training and test data were separated.",
)
@click.option(
    "--epoch-rule",
    type=click.Choice([*map(str, EpochRule), NOT_STATED]),
    default=NOT_STATED,
    show_default=True,
    help="Which epoch was tested.",
)
@click.option(
    "--tuning",
    type=click.Choice(["none", "other data", "validation", "reported folds", NOT_STATED]),
    default=NOT_STATED,
    show_default=True,
    help="Data that the hyperparameters were tuned on.",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 100, min_open=True),
    default=2.0,
    show_default=True,
    help="Equivalence margin in percentage points; choose it before seeing the results.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Confidence level of the intervals.",
)
@click.option(
    "--claim-exact",
    is_flag=True,
    help="Treat a claim that is a mean over folds with unknown SD as exact.  [default: assume the measured SD]",
)
@click.option(
    "--as",
    "read_as",
    type=click.Choice(["replication", "reference"]),
    help=(
        "Whether the scores replicate the claim's system or the claim is a reference.  [default: as the claim states]"
    ),
)
@JSON
@click.option(
    "--latex",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the pairs of --predictions as a LaTeX table.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the comparison of --predictions: page, figure, LaTeX, CSV, JSON.",
)
def compare_command(
    scores: Path | None,
    predictions: tuple[Path, ...],
    files: tuple[Path, ...],
    reference: str | None,
    task: str | None,
    addresses: tuple[str, ...],
    contrasts: tuple[tuple[str, str], ...],
    claims: tuple[Path, ...],
    dataset: str | None,
    data_folds: int | None,
    validation_apart: bool,
    estimand: str,
    split: str,
    epoch_rule: str,
    tuning: str,
    margin: float,
    confidence: float,
    claim_exact: bool,
    read_as: ReadAs | None,
    as_json: bool,
    latex: Path | None,
    output: Path | None,
) -> None:
    """Compare accuracies from any code with published ones, or systems with each other, and give a verdict.

    The file of --scores has the columns fold and accuracy, and optionally seed and arm (or method, model, system).

    --predictions A.csv B.csv ... compares systems by their predictions of the same clips. Each file has the columns
    clip, y_true and either y_pred or one column p_CLASS for each class, and optionally fold, seed and recording.
    Results of MTEB and HEAR (JSON), logs of X-ARES, and confusion matrices (CSV, JSON, text) are read too, and compared
    as far as they permit. Every pair is tested, or those that --contrast names, or all systems against --reference.

    All comparisons in one call form one family.
    """
    if predictions or files:
        if scores is not None or addresses:
            raise click.UsageError("Predictions are compared with each other: leave out --scores and --claim.")
        if not predictions:
            raise click.UsageError(f"Got unexpected extra argument ({files[0]}); name predictions with --predictions.")
        context = click.get_current_context()
        for parameter in ("claims", "estimand", "split", "epoch_rule", "tuning", "claim_exact", "read_as"):
            if context.get_parameter_source(parameter) is ParameterSource.COMMANDLINE:
                option = "as" if parameter == "read_as" else parameter.replace("_", "-")
                raise click.UsageError(f"--{option}: is for --scores only.")
        from harness.comparisons.against_claim import Rules
        from harness.comparisons.systems.system_comparison import compare_systems, systems_from

        if dataset is not None and data_folds is None:
            data_folds = len(DATASETS.get(dataset).folds)
        comparison = compare_systems(
            systems_from((*predictions, *files), task or ""),
            contrasts,
            Rules(margin, confidence),
            reference=reference or "",
            data_folds=data_folds,
            validation_apart=validation_apart,
        )
        _show_systems(comparison, as_json, latex, output)
        return
    if scores is None:
        raise click.UsageError("Missing option '--scores' or '--predictions': give accuracies, or predictions.")
    for option, value in (("--latex", latex), ("--output", output), ("--reference", reference), ("--task", task)):
        if value is not None:
            raise click.UsageError(f"{option}: is for --predictions only.")
    from harness.claims import load_library
    from harness.cli.output.show_comparisons import comparisons_json, show_comparisons
    from harness.comparisons.against_claim import Rules
    from harness.comparisons.fold_scores import compare_scores, conditions_of_scores, contrast_scores, one_family
    from harness.comparisons.score_file import read_scores

    if not addresses and not contrasts:
        raise click.UsageError("Missing option '--claim' or '--contrast': give a claim, or two arms of the file.")
    library = load_library(claims)
    name = dataset or (library.claim(addresses[0]).table.dataset if addresses else None)
    read = read_scores(scores, name)
    found = len({fold for trainings in read.arms.values() for fold in trainings["fold"]})
    conditions = conditions_of_scores(
        read.arms,
        library,
        addresses,
        dataset,
        data_folds,
        validation_apart=validation_apart,
        split=split,
        epoch_rule=epoch_rule,
        tuning=tuning,
        estimand=estimand,
    )
    rules, notes = Rules(margin, confidence, claim_exact), list(read.notes)
    if not name and not data_folds:
        notes.append(
            f"no data set was given, so the {found} folds found are assumed to be all folds of the data; if not, set "
            "--dataset or --data-folds"
        )
    with_claims, between = one_family(
        compare_scores(read.arms, addresses, library, conditions, rules, read_as),
        contrast_scores(read.arms, contrasts, conditions, rules),
        rules,
    )
    if as_json:
        say_lines(comparisons_json(with_claims, between, notes))
    else:
        show_comparisons(with_claims, between, notes)


def _show_systems(found: SystemComparisons, as_json: bool, latex: Path | None, output: Path | None) -> None:
    from harness.cli.output.show_systems import show_systems, systems_json

    # Files first: a reader of the output, such as head, may close it.
    written: tuple[Path, ...] = ()
    if latex is not None:
        from harness.cli.output.show_duplicates import write_text
        from harness.report.systems.system_tables import pairs_table
        from harness.report.typeset.latex_table import table_tex

        table = pairs_table(found)
        write_text(latex, table_tex(table, f"tab:{table.name}"))
    if output is not None:
        from harness.report.systems.comparison_folder import write_systems

        written = write_systems(found, output, systems_json(found))
    if as_json:
        say_lines(systems_json(found))
        return
    show_systems(found)
    for path in written:
        say(path)
