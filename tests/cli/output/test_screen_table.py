"""Tables on terminals of any width: nothing is cut off, and numbers stay whole."""

from __future__ import annotations

import io
import re

import pytest

from harness.cli.output.screen_table import table
from harness.cli.output.show_studies import summary_rows
from harness.record import StudyRecord
from harness.terminal.console import Screen

TITLE = "tiny: macro accuracy on the test folds, mean ± SD over folds (seeds averaged first)"


def printed(width: int, record: StudyRecord) -> tuple[list[str], list[dict[str, str]]]:
    """Return the lines of a study's summary, and its rows."""
    rows = summary_rows(record)
    stream = io.StringIO()
    Screen(file=stream, width=width).print(table(TITLE, list(rows[0]), [list(row.values()) for row in rows], left=3))
    return stream.getvalue().splitlines(), rows


@pytest.mark.parametrize("width", [30, 60, 79, 80, 100, 120])
def test_nothing_is_cut_off(record: StudyRecord, width: int) -> None:
    lines, rows = printed(width, record)
    assert max(map(len, lines)) <= width
    said = " ".join(" ".join(lines).split())
    for row in rows:
        for column, cell in row.items():
            # Text may be broken between words, and numbers nowhere.
            parts = cell.split() if column in ("model", "features") else [cell]
            assert all(part in said for part in parts), (column, cell)
    assert set(TITLE.split()) <= set(said.split())


def test_a_summary_is_a_table_on_80_columns(record: StudyRecord) -> None:
    lines, rows = printed(80, record)
    for row in rows:
        (line,) = [each for each in lines if each.split()[:1] == [row["arm"]]]
        assert re.split(r"\s{2,}", line.strip())[-4:] == list(row.values())[-4:]
    headers = next(number for number, line in enumerate(lines) if "───" in line)
    assert "folds ×" in lines[headers - 2]
    assert "seeds" in lines[headers - 1]


def test_what_is_too_narrow_for_a_table_is_a_list(record: StudyRecord) -> None:
    lines, rows = printed(40, record)
    assert [line for line in lines if line.startswith("arm: ")] == [f"arm: {row['arm']}" for row in rows]
    assert "macro %: " + rows[0]["macro %"] in lines
