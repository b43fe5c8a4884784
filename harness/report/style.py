"""The style of every figure: colours, fonts, and files whose bytes depend only on what is drawn.

Colours are Okabe and Ito's, which remain distinct for every common kind of colour blindness; lines also differ in their
dashes, so that they remain distinct in grey.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from PIL import Image

from harness.system.garbage import no_collection

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, BLACK, GREY = "#56B4E9", "#CC79A7", "#000000", "#8C8C8C"

TEXT_WIDTH = 6.3
"""Width of a line in the report, in inches: figures are drawn at the size they are printed."""

FONT = "DejaVu Sans"
"""Ships with matplotlib, so that a figure looks the same everywhere."""

TITLE_SIZE = 9.0

RUN_DPI = 130
"""Resolution of the pictures of one fold run, in dots per inch."""

_SETTINGS = {
    "font.family": FONT,
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.6,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    # Text is embedded as TrueType fonts, which a PDF reader can search and copy.
    "pdf.fonttype": 42,
    "svg.hashsalt": "harness",
    # Text stays text, which a reader can search and a screen reader reads.
    "svg.fonttype": "none",
}
# matplotlib's settings are global to the process.
_LOCK = threading.RLock()


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw and save within this context to get the same figure whatever the user's matplotlibrc."""
    with _LOCK, mpl.style.context(["default", _SETTINGS]):
        yield


def place(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Return new axes in ``figure``.

    Figures measure the space their text needs instead of using matplotlib's layout, which takes longer than drawing.

    Parameters
    ----------
    figure
        The figure.
    left, bottom
        Lower left corner of the axes, in inches from that of the figure.
    width, height
        Size of the axes, in inches.
    """
    across, up = figure.get_figwidth(), figure.get_figheight()
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def write(figure: Figure, x: float, y: float, text: str, **properties: Any) -> None:
    """Write ``text`` into ``figure``.

    Parameters
    ----------
    figure
        The figure.
    x, y
        Position in inches from the figure's lower left corner.
    text
        The text, already escaped by :func:`literal` where it is not our own.
    **properties
        Properties of the text, as for :meth:`matplotlib.figure.Figure.text`.
    """
    figure.text(x / figure.get_figwidth(), y / figure.get_figheight(), text, **properties)


def png_bytes(figure: Figure, *, dpi: int = 150) -> bytes:
    """Return ``figure`` as PNG of 256 colours, a third of the size of full colour, without program names in it."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(buffer, format="png", dpi=dpi, metadata={"Software": None})
    with Image.open(buffer) as picture:
        few = picture.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small = io.BytesIO()
    few.save(small, "PNG", optimize=True, dpi=(dpi, dpi))
    return small.getvalue()


def pdf_bytes(figure: Figure) -> bytes:
    """Return ``figure`` as PDF, without date and program names in it."""
    buffer = io.BytesIO()
    metadata = {"Creator": None, "Producer": None, "CreationDate": None}
    # fontTools loads the complete font again for each figure.
    with no_collection():
        FigureCanvasPdf(figure).print_figure(buffer, format="pdf", metadata=metadata)
    return buffer.getvalue()


def literal(text: object, longest: int | None = None) -> str:
    """Return ``text`` in a form that matplotlib prints literally, shortened to ``longest`` characters.

    A pair of dollar signs would otherwise start a formula; a character that the font lacks prints as its code point.
    """
    known = get_font(findfont(FONT))
    signs = (
        sign if known.get_char_index(ord(sign)) else f"[U+{ord(sign):04X}]" for sign in " ".join(str(text).split())
    )
    shown = "".join(signs)
    if longest is not None and len(shown) > longest:
        shown = f"{shown[: longest - 1]}…"
    return shown.replace("$", r"\$")


def text_inches(texts: Iterable[str], size: float) -> float:
    """Return the width in inches of the widest of ``texts`` in the figures' font at ``size`` points."""
    font = get_font(findfont(FONT))
    # Measured ten times as large: at small sizes hinting rounds each letter up to integer points.
    font.set_size(10 * size, 72)
    widest = 0.0
    for text in texts:
        font.set_text(text)
        widest = max(widest, font.get_width_height()[0] / 64 / 720)
    return widest


def wrapped(name: str, width: int) -> str:
    """Return ``name`` in lines of at most ``width`` characters, broken after spaces and characters that join words."""
    lines = [""]
    for piece in re.findall(r"[^ _+.:/-]*[ _+.:/-]?", name):
        for part in (piece[start : start + width] for start in range(0, len(piece), width)):
            if len(lines[-1]) + len(part.rstrip()) <= width:
                lines[-1] += part
            else:
                lines.append(part)
    return "\n".join(line.strip() for line in lines)


def label_rows(
    axes: Axes,
    centres: Sequence[float],
    names: Sequence[str],
    ends: tuple[float, float],
    label: str,
    *,
    margin: float = 0.04,
) -> None:
    """Label a plot with named rows and accuracies, or differences of them, along x.

    Parameters
    ----------
    axes
        The axes.
    centres, names
        Position and name of each row.
    ends
        Lower and upper end of the y axis.
    label
        Label of the x axis.
    margin
        Space beyond the outermost values, as a fraction of the width.
    """
    axes.set_yticks(centres, names)
    axes.set_ylim(*ends)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 5, 10]))
    axes.margins(x=margin)


def note_right(axes: Axes, y: float, text: str, size: float) -> None:
    """Write ``text`` in ``size`` points to the right of ``axes`` at the height ``y`` of the data."""
    axes.text(1.015, y, text, transform=axes.get_yaxis_transform(), va="center", fontsize=size)


def legend_marker(label: str, colour: str, marker: str = "o", **properties: Any) -> Line2D:
    """Return a legend entry with ``marker``, ``label``, ``colour`` and further ``properties`` of the line."""
    return Line2D([], [], linestyle="", marker=marker, color=colour, label=label, **properties)


def legend_line(label: str, colour: str, width: float) -> Line2D:
    """Return a legend entry with a line of ``width`` points."""
    return Line2D([], [], color=colour, linewidth=width, label=label, solid_capstyle="butt")
