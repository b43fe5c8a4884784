"""Output of predictions on the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.cli.output.screen_table import console, table
from harness.terminal.printing import say_lines

if TYPE_CHECKING:
    import pandas as pd

    from harness.running.prediction import Predictor

_MOST_ROWS = 40
"""Windows shown of one recording; --csv has all."""


def show_predictions(predictor: Predictor, predictions: pd.DataFrame, top: int, *, as_json: bool) -> None:
    """Print the ``top`` most probable classes of every window of ``predictions``, the table of ``predictor``,
    and of the whole of a recording with several windows; or everything, ``as_json``."""
    if as_json:
        say_lines(_json(predictor, predictions))
        return
    terminal = console()
    classes = predictor.classes
    columns = [f"p_{name}" for name in classes]
    rows = []
    for file, windows in predictions.groupby("file", sort=False):
        whole = windows[columns].mean()
        if len(windows) > 1:
            rows.append((file, f"all {len(windows)} windows", _best(whole, top)))
        shown = windows.head(_MOST_ROWS)
        for _, row in shown.iterrows():
            span = f"{row['start']:.1f} to {row['end']:.1f} s"
            rows.append(("" if len(windows) > 1 else file, span, _best(row[columns], top)))
        if len(windows) > len(shown):
            rows.append(("", f"{len(windows) - len(shown)} more", "see --csv"))
    terminal.print(
        table(predictor.title, ("recording", "time", "most probable classes"), rows, left=3, wrap_first=True)
    )


def _best(probabilities: pd.Series[float], top: int) -> str:
    best = probabilities.astype(float).sort_values(ascending=False, kind="stable").head(top)
    return ", ".join(f"{str(name).removeprefix('p_')} {value:.0%}" for name, value in best.items())


def _json(predictor: Predictor, predictions: pd.DataFrame) -> str:
    rows = [
        {
            **{name: row[name] for name in ("file", "start", "end", "class", "probability")},
            "probabilities": {name: row[f"p_{name}"] for name in predictor.classes},
        }
        for row in predictions.to_dict("records")
    ]
    return json.dumps({"network": predictor.title, "windows": rows}, indent=2, ensure_ascii=False)
