"""The notebook studies/study.ipynb runs from its first cell to its last, and is committed without outputs."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
import pytest

NOTEBOOK = Path(__file__).parents[1] / "studies" / "study.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


def run(source: str, name: str, names: dict[str, Any]) -> Any:
    """Run a cell as a notebook does; return the value of its last line, which a notebook shows."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), names)
    return eval(compile(ast.Expression(last.value), name, "eval"), names) if isinstance(last, ast.Expr) else None


def test_it_has_no_outputs() -> None:
    assert [cell["id"] for cell in CELLS if cell.get("outputs") or cell.get("execution_count")] == []


@pytest.mark.slow
def test_every_cell_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    names: dict[str, Any] = {}
    shown = []
    with mpl.rc_context({"backend": "agg"}):
        for number, cell in enumerate(CELLS):
            if cell["cell_type"] == "code":
                shown.append(run("".join(cell["source"]), f"cell {number}", names))
    tables = [each for each in shown if isinstance(each, pd.DataFrame)]
    assert len(tables) == 5
    assert tables[1]["claim"].tolist() == ["made-up-example:T1/fusion"]
    assert set(tables[0]["arm"]) == {"log-mel", "MFCC", "fusion"}
    assert "claimed 95.0 %" in capsys.readouterr().out
