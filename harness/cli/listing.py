"""Commands about what studies can name: lists of it, and JSON schemas of study and claims files."""

from __future__ import annotations

import click

from harness.terminal.printing import say_lines

KINDS = ("studies", "networks", "features", "datasets", "splits", "claims")


@click.command("list", short_help="List studies, networks, features, data sets, splits or claims.")
@click.argument("kind", type=click.Choice(KINDS))
def list_command(kind: str) -> None:
    """List what a study can name, and the studies that ship with the package (run-study takes their names)."""
    from harness.cli.output.show_names import show_names

    show_names(kind)


@click.command("schema", short_help="Print the JSON schema of study or claims files.")
@click.argument("kind", type=click.Choice(("study", "claims")))
def schema_command(kind: str) -> None:
    """Print the JSON schema of study files or of claims files, by which editors complete and check them.

    Editors with taplo (VS Code: Even Better TOML) use the schema that the first line of a file names:
    #:schema ./study.schema.json
    """
    from harness.cli.output.show_names import schema_json

    say_lines(schema_json(kind))
