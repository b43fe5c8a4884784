"""Tables in Parquet files that other programs wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.text.delimited import TableError

if TYPE_CHECKING:
    import pandas as pd


def parquet_table(file: Path) -> pd.DataFrame:
    """Return the table in ``file``.

    Raises
    ------
    OSError
        When the file cannot be read.
    TableError
        When it is not Parquet.
    """
    import pandas as pd
    from pyarrow import ArrowException

    try:
        return pd.read_parquet(file, engine="pyarrow")
    except (ArrowException, ValueError) as error:
        raise TableError(f"is not a parquet file: {error}") from None
