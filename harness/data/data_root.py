"""The data root: the folder that holds the data sets."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import DataError

VARIABLE = "HARNESS_DATA"


def resolve_data_root(option: Path | None) -> Path:
    """Return the data root, absolute: ``option``, else the variable HARNESS_DATA, else the user's cache folder.

    The folder need not exist yet: fetching and the synthetic data set create it.

    Raises
    ------
    DataError
        When it exists but is not a folder.
    """
    named = os.environ.get(VARIABLE, "").strip()
    if option is not None:
        root, source = option, "--data-root"
    elif named:
        root, source = Path(named), VARIABLE
    else:
        from platformdirs import user_cache_path

        root, source = user_cache_path("harness", appauthor=False) / "data", "the default data root"
    root = root.expanduser().resolve()
    if root.exists() and not root.is_dir():
        raise DataError(
            f"{source} is {root}, which is not a folder; set it to the folder that contains ESC-50/ or UrbanSound8K/"
        )
    return root
