"""Commands for who writes a study: what it can name, first versions of files, and their JSON schemas."""

from __future__ import annotations

from pathlib import Path

import click

from harness.terminal.printing import say, say_lines

KINDS = ("studies", "networks", "features", "datasets", "splits", "claims")


@click.command("list", short_help="List studies, networks, features, data sets, splits or claims.")
@click.argument("kind", type=click.Choice(KINDS))
def list_command(kind: str) -> None:
    """List what a study can name, and the studies that ship with the package (run-study takes their names)."""
    from harness.cli.output.show_names import show_names

    show_names(kind)


@click.command("schema", short_help="Print the JSON schema of study or claims files.")
@click.argument("kind", type=click.Choice(("study", "claims")))
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write it to, replaced if there."
)
def schema_command(kind: str, output: Path | None) -> None:
    """Print the JSON schema of study files or of claims files, by which editors complete and check them.

    Editors with taplo (VS Code: Even Better TOML) use the schema that the first line of a file names, relative to it:
    #:schema ./study.schema.json

    harness new writes that line and the schema. After an upgrade, write the schema again with --output.
    """
    from harness.scaffolds.schemas import schema_json
    from harness.system.writing import write_atomically

    text = schema_json(kind)
    if output is None:
        say_lines(text.rstrip("\n"))
        return
    write_atomically(output, lambda path: path.write_text(text, encoding="utf-8", newline="\n"))
    say(f"written  {output}")


@click.command("new", short_help="Write a first study, claims file, data set, network or feature.")
@click.argument("kind", type=click.Choice(("study", "claims", "dataset", "network", "feature")))
@click.argument("name")
def new_command(kind: str, name: str) -> None:
    """Write a commented file called NAME that works as it is, into this folder, and print how to go on.

    \b
    study    NAME.toml: a small study on synthetic sounds
    claims   claims/NAME.toml: published numbers to compare with
    dataset  NAME.py: a script that lists your recordings in NAME.csv, with folds
    network  NAME.py: a torch module
    feature  NAME.py: a function from waveforms to rows over frames

    A file that exists is not changed.
    """
    from harness.scaffolds import write_scaffold

    written = write_scaffold(kind, name, Path())
    say(f"written  {', '.join(map(str, written.files))}")
    say_lines(f"\n{written.opening}")
