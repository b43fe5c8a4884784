"""Reading a Parquet file that somebody else may have made: its form and size are checked before its values are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import ReportError


def read_table(
    path: Path,
    texts: Sequence[str],
    schema_of: Callable[[pa.Schema, pq.FileMetaData], pa.Schema],
    refuse: Callable[[str], NoReturn],
    *,
    most_bytes: int,
    check: Callable[[pa.Table], None] = lambda _: None,
) -> pd.DataFrame:
    """Return the table in ``path``.

    Parameters
    ----------
    path
        The file.
    texts
        Columns of text. Each distinct text is stored once: a short file may repeat a long one in millions of rows.
    schema_of
        Returns the columns to read and their types, or refuses the file, before any value is read.
    refuse
        Raises the error with the fault of the file.
    most_bytes
        Limit on the size of the file.
    check
        Checks the texts before they are repeated in memory.

    Raises
    ------
    ReportError
        From ``refuse``, or when the file may not be read.
    """
    try:
        if path.stat().st_size > most_bytes:
            refuse(f"larger than {most_bytes >> 20} MiB, which no report is")
        with pq.ParquetFile(path, read_dictionary=list(texts)) as file:
            schema = schema_of(file.schema_arrow, file.metadata)
            table = file.read(columns=schema.names, use_threads=False)
        table.validate(full=True)
        check(table)
        frame: pd.DataFrame = table.select(schema.names).cast(schema).replace_schema_metadata(None).to_pandas()
    except MemoryError:
        refuse("holds more than this machine has memory for")
    # For a damaged file, pyarrow raises its own exceptions and many of Python's.
    except (pa.ArrowException, OSError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError) as error:
        if isinstance(error, PermissionError):
            raise ReportError(f"{path}: cannot read the report: {error.strerror}") from None
        refuse(f"cannot be read: {' '.join(str(error).split())[:200]}")
    return frame
