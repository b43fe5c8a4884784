"""The picture of a prediction: class probabilities of recordings over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from harness.errors import ReportError
from harness.report import style

if TYPE_CHECKING:
    import pandas as pd

_CLASSES = 8
_MOST_FILES = 50
_HEIGHT, _DPI = 2.2, 150


def predictions_png(predictions: pd.DataFrame, title: str) -> bytes:
    """Return a PNG with one panel per recording: its most probable classes over time.

    Parameters
    ----------
    predictions
        As :meth:`harness.running.prediction.Predictor.predict` returns it.
    title
        What predicted.

    Raises
    ------
    ReportError
        When there are more than 50 recordings.
    """
    groups = list(predictions.groupby("file", sort=False))
    if len(groups) > _MOST_FILES:
        raise ReportError(f"a picture shows at most {_MOST_FILES} recordings, received {len(groups)}; name fewer files")
    columns = [name for name in predictions.columns if name.startswith("p_")]
    with style.figure_style():
        figure = Figure(figsize=(style.TEXT_WIDTH, _HEIGHT * len(groups) + 0.3), layout="constrained")
        panels = figure.subplots(len(groups), 1, squeeze=False)[:, 0]
        for axes, (file, windows) in zip(panels, groups, strict=True):
            # By their largest probability anywhere: a short event may be rare on average.
            shown = windows[columns].max().sort_values(ascending=False, kind="stable").index[:_CLASSES]
            # One column of the picture is one window; the next begins where it would overlap.
            edges = [*windows["start"], float(windows["end"].iloc[-1])]
            image = axes.pcolormesh(
                edges, range(len(shown) + 1), windows[list(shown)].to_numpy().T, cmap="viridis", vmin=0, vmax=1
            )
            axes.set_yticks([row + 0.5 for row in range(len(shown))])
            axes.set_yticklabels([style.literal(str(name).removeprefix("p_"), 24) for name in shown])
            axes.invert_yaxis()
            axes.set_xlabel("Time in s")
            axes.set_title(style.literal(str(file), 80), loc="left")
        # As wide for many recordings as for one.
        figure.colorbar(image, ax=list(panels), label="Probability", aspect=20 * len(groups))
        figure.suptitle(style.literal(title, 80), fontsize=style.TITLE_SIZE)
        return style.png_bytes(figure, dpi=_DPI)
