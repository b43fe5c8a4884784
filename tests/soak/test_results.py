"""The committed figures of the soak: its table follows from them, and they are what the project promises."""

from __future__ import annotations

import json
from pathlib import Path

from tests.soak.faults import faults
from tests.soak.kills import WHERE
from tests.soak.outcome import Outcome, markdown, table

HERE = Path(__file__).parent


def test_the_committed_table_follows_from_the_figures() -> None:
    figures = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    assert (HERE / "results.md").read_text(encoding="utf-8") == markdown(figures)
    for row in figures["scenarios"]:
        assert row["survived"] == row["tried"] - len(row["lost"])


def test_the_committed_figures_are_of_a_whole_soak_that_lost_nothing() -> None:
    rows = json.loads((HERE / "results.json").read_text(encoding="utf-8"))["scenarios"]
    kills = sum(row["tried"] for row in rows if row["scenario"].startswith("kill -9"))
    assert kills >= 50
    readme = (HERE.parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"nothing in {kills} kills and {len(faults())} kinds of faults" in readme
    assert {row["scenario"] for row in rows} == {*(f"kill -9: {name}" for name in WHERE), *faults()}
    assert not [row for row in rows if row["lost"]]


def test_what_is_lost_is_counted_and_shown() -> None:
    text = table([Outcome("kill -9: search", 2, 5, ["killed at event 3: it was there twice"], "2 studies")])
    assert text.splitlines()[2].split("|")[1:-1] == [
        " kill -9: search ",
        " 2       ",
        " 5     ",
        " 4        ",
        " 1    ",
        " 2 studies ",
    ]
