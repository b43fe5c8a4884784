"""Files that describe systems trained elsewhere: one module per format, found through :data:`FORMATS`.

A new format is one module with a :class:`harness.comparisons.systems.formats.content.Format`, and one entry here. The
first format that recognises a file's content reads it; names of files are not relied on. Nothing is unpickled.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.comparisons.systems.formats import confusion_matrix, hear, mteb, prediction_table, xares
from harness.comparisons.systems.formats.content import Format, open_content
from harness.comparisons.systems.system import AnySystem
from harness.errors import ComparisonError

FORMATS: tuple[Format, ...] = (
    mteb.FORMAT,
    hear.FORMAT,
    xares.FORMAT,
    confusion_matrix.FORMAT,
    prediction_table.FORMAT,
)
"""Every format; the last one takes all tables, and says what a table of predictions needs."""


def read_systems(path: Path, name: str = "", task: str = "") -> tuple[AnySystem, ...]:
    """Return the systems in a file: one, or in the log of a benchmark several.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        Name of the system; by default what the file calls it, else its stem. Several systems add their own words.
    task : str
        The task, where the file has several.

    Raises
    ------
    ComparisonError
        When the file cannot be read, no format recognises it, or it has a fault.
    """
    content = open_content(path)
    for each in FORMATS:
        if each.recognises(content):
            found = each.read(content, task)
            if not name:
                return found
            if len(found) == 1:
                return (replace(found[0], name=name),)
            # Several systems of a file keep what tells them apart.
            stem = f"{path.stem} "
            return tuple(replace(one, name=f"{name} {one.name.removeprefix(stem)}") for one in found)
    raise ComparisonError(
        f"{path}: is none of the formats that are read: {', '.join(each.title for each in FORMATS)}; write the "
        "predictions as a CSV with the columns clip, y_true and y_pred"
    )


__all__ = ["FORMATS", "Format", "read_systems"]
