"""The page of `harness features show`: clips and class means with their sound, waveforms and planes."""

from __future__ import annotations

from collections.abc import Sequence

from harness.features.side_by_side import Column, PlaneRow
from harness.report import style
from harness.report.feature_picture import DPI, feature_figure, limits_of
from harness.report.page.clip_player import data_address, read_sound
from harness.report.page.page import environment, style_sheet


def feature_page(columns: Sequence[Column], rows: Sequence[PlaneRow]) -> bytes:
    """Return an HTML page that requests nothing: a card per clip, with its sound, waveform and planes.

    The colours of a plane mean the same on every card.

    Parameters
    ----------
    columns
        Clips and class means.
    rows
        The planes.
    """
    limits = limits_of(columns, rows)
    cards = []
    with style.figure_style():
        for column in columns:
            picture = style.png_bytes(feature_figure([column], rows, limits), dpi=DPI)
            cards.append(
                {
                    "title": column.title,
                    "picture": data_address("image/png", picture),
                    "sound": read_sound(column.audio)[2] if column.audio is not None else "",
                }
            )
    planes = [
        {
            "title": row.title,
            "scale": f"{row.scale.label}, {row.scale.names[0]} to {row.scale.names[-1]}",
            "unit": row.unit or "none",
            "lowest": f"{limits[row.plane][0]:.3g}",
            "highest": f"{limits[row.plane][1]:.3g}",
        }
        for row in rows
    ]
    return environment().get_template("features.html").render(cards=cards, planes=planes, style=style_sheet()).encode()
