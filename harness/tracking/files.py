"""Files of a run: tables as Parquet and CSV, weights as safetensors, facts as JSON; no pickles.

Files of a local run are written directly into its folder (temporary file, fsync, rename), others into a temporary
folder that is then uploaded.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import TrackingError
from harness.system.writing import Writer, write_atomically
from harness.text.printable import one_line
from harness.text.spreadsheet import csv_text
from harness.tracking.artifact_places import inside_file
from harness.tracking.names import HISTORY_FILE, PICTURES_FOLDER, PREDICTIONS_FILE, SEGMENTS_FILE, WEIGHTS_FILE

if TYPE_CHECKING:
    from mlflow.entities import Run

    from harness.tracking.store import Store

Content = TypeVar("Content")
_WHOLE = re.compile(r"-?\d+")
PUT_BACK = "restore it from a backup, or from the place the store was moved or copied from"
"""Advice about a missing artifact; following it cannot lose another copy."""

TRAIN_AGAIN = (
    "if there is no copy, delete this run in the MLflow UI (other runs are kept, and MLflow can restore it) and run "
    "the study again: only this training is repeated"
)
"""Advice about a missing file of one training if there is no copy."""

_WRITE_AGAIN = (
    "if there is none, rename this file (to keep it) and run the study again: it resumes in the same run and writes a "
    "new file"
)


def put_files(store: Store, run: Run, files: Mapping[str, Writer]) -> None:
    """Write each file of ``files`` (artifact path: writer) into the artifacts of ``run``, replacing existing ones.

    A local file is either complete or absent, even after a power failure.
    """
    local = store.artifact_folder(run)
    if local is not None:
        for name, writer in files.items():
            write_atomically(inside_file(local, name), writer)
        return
    with tempfile.TemporaryDirectory(prefix="harness-") as temporary:
        for name, writer in files.items():
            target = Path(temporary) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            writer(target)
        store.client.log_artifacts(run.info.run_id, temporary)


@contextmanager
def fetched(store: Store, run: Run) -> Iterator[Callable[[str], Path | None]]:
    """Yield a function from artifact path to local file (None if the run has no such artifact).

    Files on a server are downloaded to a folder that is removed at the end.
    """
    local = store.artifact_folder(run)
    if local is not None:
        yield lambda name: found if (found := inside_file(local, name)).is_file() else None
        return
    with tempfile.TemporaryDirectory(prefix="harness-") as temporary:
        listed: dict[str, set[str]] = {}

        def download(name: str) -> Path | None:
            folder = name.rpartition("/")[0]
            if folder not in listed:
                listed[folder] = {entry.path for entry in store.client.list_artifacts(run.info.run_id, folder or None)}
            if name not in listed[folder]:
                return None
            return Path(store.client.download_artifacts(run.info.run_id, name, temporary))

        yield download


def text_file(text: str) -> Writer:
    """Return a writer of ``text`` as UTF-8."""
    return lambda path: path.write_text(text, encoding="utf-8")


def bytes_file(content: bytes) -> Writer:
    """Return a writer of ``content``."""
    return lambda path: path.write_bytes(content)


def picture_files(pictures: Mapping[str, Path | bytes]) -> dict[str, Writer]:
    """Return writers of pictures, below ``pictures/``: their bytes, or a copy of the file."""
    return {
        f"{PICTURES_FOLDER}/{name}": bytes_file(picture.read_bytes() if isinstance(picture, Path) else picture)
        for name, picture in pictures.items()
    }


def json_file(data: Any) -> Writer:
    """Return a writer of ``data`` as indented JSON; NaN, which JSON does not have, is refused."""
    return text_file(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def segments_file(segments: pd.DataFrame) -> Writer:
    """Return a writer of segment predictions."""
    return lambda path: segments.to_parquet(path, engine="pyarrow", index=False)


def predictions_file(parts: Mapping[str, pd.DataFrame]) -> Writer:
    """Return a writer of clip predictions: the parts concatenated, with the name of the part in a first column
    ``part``."""
    frames = [frame.drop(columns="part", errors="ignore").assign(part=part) for part, frame in parts.items()]
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({"part": pd.Series(dtype="str")})
    ordered = table[["part", *(column for column in table.columns if column != "part")]]
    return lambda path: ordered.to_parquet(path, engine="pyarrow", index=False)


def history_file(history: pd.DataFrame) -> Writer:
    """Return a writer of per-epoch curves, with the fewest digits that read back to the same number."""
    return text_file(csv_text(history))


def read_segments(file: Path) -> pd.DataFrame:
    """Return segment predictions as they were written."""
    return _read(file, lambda: pd.read_parquet(file, engine="pyarrow"), SEGMENTS_FILE)


def read_predictions(file: Path) -> dict[str, pd.DataFrame]:
    """Return clip predictions by part, as they were written."""
    table = _read(file, lambda: pd.read_parquet(file, engine="pyarrow"), PREDICTIONS_FILE)
    _check_parts(file, table.columns)
    return {
        str(part): frame.drop(columns="part").reset_index(drop=True)
        for part, frame in table.groupby("part", sort=False)
    }


def read_part(file: Path, part: str) -> Any:
    """Return the clip predictions of one part as an Arrow table, in a tenth of the time that pandas takes."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    def read() -> Any:
        with pq.ParquetFile(file) as parquet:
            # One thread: the files are small.
            table = parquet.read(use_threads=False)
        return table.filter(pc.equal(table["part"], part)) if "part" in table.column_names else table

    table = _read(file, read, PREDICTIONS_FILE)
    _check_parts(file, table.column_names)
    return table


def _check_parts(file: Path, columns: Collection[str]) -> None:
    if "part" not in columns:
        raise TrackingError(f"{file}: {PREDICTIONS_FILE} has no column 'part'; it was not written by this harness")


@dataclass(frozen=True)
class CurveText:
    """Per-epoch curves as text: the names of the columns, and one row for each epoch."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.rows)


def curve_text(file: Path) -> CurveText:
    """Return per-epoch curves as text, before their numbers are parsed."""

    def read() -> CurveText:
        with file.open(encoding="utf-8", newline="") as handle:
            header, *rows = (tuple(row) for row in csv.reader(handle, strict=True) if row)
        if any(len(row) != len(header) for row in rows):
            raise ValueError(f"a row does not have {len(header)} fields like the header")
        # Invalid numbers are detected here, where the file is known.
        for cell in itertools.chain.from_iterable(rows):
            float(cell or "nan")
        return CurveText(header, tuple(rows))

    return _read(file, read, HISTORY_FILE)


def curve_table(curves: Sequence[CurveText]) -> pd.DataFrame:
    """Return the curves concatenated, bit-identical; a column that one lacks is NaN there."""
    columns = list(dict.fromkeys(column for curve in curves if len(curve) for column in curve.columns))
    cells: dict[str, list[str]] = {column: [] for column in columns}
    for curve in curves:
        own = dict(zip(curve.columns, zip(*curve.rows, strict=True), strict=True)) if len(curve) else {}
        for column, values in cells.items():
            values.extend(own.get(column, ("",) * len(curve)))
    return pd.DataFrame({column: _numbers(values) for column, values in cells.items()})


def _numbers(cells: Sequence[str]) -> NDArray[Any]:
    # Python's own parser is exact; that of read_csv may not be.
    if all(_WHOLE.fullmatch(cell) for cell in cells):
        return np.array([int(cell) for cell in cells], dtype=np.int64)
    return np.array([float(cell or "nan") for cell in cells], dtype=np.float64)


def read_history(file: Path) -> pd.DataFrame:
    """Return per-epoch curves, bit-identical to those written."""
    curve = curve_text(file)
    return curve_table([curve]) if len(curve) else pd.DataFrame(columns=list(curve.columns))


def read_weights(file: Path) -> dict[str, NDArray[Any]]:
    """Return a state dict as numpy arrays."""
    from harness.training.weights import read_arrays

    return _read(file, lambda: read_arrays(file), WEIGHTS_FILE)


def read_json(file: Path) -> Any:
    """Return JSON data."""
    return _read(file, lambda: json.loads(file.read_text(encoding="utf-8")), file.name, _WRITE_AGAIN)


def _read(file: Path, reader: Callable[[], Content], what: str, else_: str = TRAIN_AGAIN) -> Content:
    try:
        return reader()
    except Exception as error:
        raise TrackingError(
            f"{file}: {what} cannot be read ({type(error).__name__}: {one_line(error)}); it is damaged: {PUT_BACK}; "
            f"{else_}"
        ) from error
