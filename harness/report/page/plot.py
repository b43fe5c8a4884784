"""Figures as SVG inside a page: equal bytes for equal figures, text as text, and no identifier used twice."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from markupsafe import Markup, escape
from matplotlib.backends.backend_svg import FigureCanvasSVG

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TAG = re.compile(r"<[^>]*>")
_ID = re.compile(r'\s+id="([^"]*)"')
_USED = re.compile(r'(?:url\(#|href="#)([^)"]*)')
_LONG_NUMBER = re.compile(r"(?<![#\w])-?\d+\.\d{3,}(?:e-?\d+)?")
_LARGER = 1.2
"""How much larger a figure is on a screen than on paper, where its letters have 8 points."""
_BREAK = re.compile(r"\s*\n\s*")


def svg_of(figure: Figure, name: str, label: str) -> Markup:
    """Return ``figure`` as an ``<svg>`` element in one line.

    Parameters
    ----------
    figure
        The figure; draw and convert it within :func:`harness.report.style.figure_style`.
    name
        Letters, digits and hyphens, unique on the page: the beginning of every identifier in the element.
    label
        What the figure shows, for readers who do not see it.
    """
    buffer = io.StringIO()
    metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
    FigureCanvasSVG(figure).print_figure(buffer, format="svg", metadata=metadata)
    text = buffer.getvalue()
    body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    # The style sheet of matplotlib would apply to the whole page; that of the page says the same for figures.
    body = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", body, flags=re.DOTALL)
    used = set(_USED.findall("".join(_TAG.findall(body))))
    body = _TAG.sub(lambda tag: _tidy(tag[0], name, used), body)
    width, height = (72 * size for size in figure.get_size_inches())
    shown = 4 / 3 * _LARGER
    box = f'viewBox="0 0 {width:g} {height:g}" width="{width * shown:.0f}" height="{height * shown:.0f}"'
    head = (
        f'<svg class="plot" role="img" aria-label="{escape(label)}" xmlns:xlink="http://www.w3.org/1999/xlink" {box}>'
    )
    return Markup(head + _BREAK.sub(" ", body).strip() + "</svg>")


def _tidy(tag: str, name: str, used: set[str]) -> str:
    """Return a tag whose identifiers are those of the figure, without those that nothing uses, and short numbers."""
    tag = _ID.sub(lambda found: f' id="plot-{name}-{found[1]}"' if found[1] in used else "", tag)
    tag = _USED.sub(lambda found: found[0].replace(f"#{found[1]}", f"#plot-{name}-{found[1]}"), tag)
    return _LONG_NUMBER.sub(lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), tag)
