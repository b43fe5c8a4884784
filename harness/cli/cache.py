"""The command about computed features."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("cache", short_help="List computed features, or remove old ones.")
@click.option(
    "--cache", type=click.Path(path_type=Path), help="Folder of computed features.  [default: the user's cache]"
)
@click.option(
    "--prune", type=click.FloatRange(1, 36_500), metavar="DAYS", help="Remove features unused for this many days."
)
def cache_command(cache: Path | None, prune: float | None) -> None:
    """List the planes in the feature cache; --prune removes those that no study has used for DAYS days.

    A study that needs removed features computes them again.
    """
    from harness.cli.output.show_cache import show_cache
    from harness.features.cache.contents import cache_entries
    from harness.features.cache.contents import prune as remove
    from harness.running.study_inputs import user_cache

    folder = (cache or user_cache()).expanduser().absolute()
    if prune is None:
        show_cache(folder, cache_entries(folder), "cached")
    else:
        show_cache(folder, remove(folder, prune), "removed")
