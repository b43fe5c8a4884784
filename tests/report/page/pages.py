"""Pages of reports for tests: only the drawings that a page needs, and text that would do harm unescaped."""

from __future__ import annotations

import dataclasses
from typing import Any

from markupsafe import Markup

from harness.record import StudyRecord
from harness.report.evidence import Evidence, gather
from harness.report.page.plot import svg_of
from harness.report.page.report_page import report_page
from harness.report.report_section import Confusion
from harness.report.style import figure_style
from harness.report.topics import sections_of
from tests.records import build_record

HOSTILE = "<img src=x onerror=\"document.title='harmed'\">"
END = "</script><script>document.title='harmed'</script>"


def page_of(evidence: Evidence, extra: Markup | None = None, *, plots: bool = True) -> str:
    """Return report.html as text."""
    sections = sections_of(evidence)
    drawn = {}
    with figure_style():
        for figure in (figure for section in sections for figure in section.figures):
            made = None if isinstance(figure, Confusion) or not plots else figure.draw()
            if made is not None:
                drawn[figure.name] = svg_of(made, figure.name, figure.caption)
    return report_page(evidence, sections, drawn, drawn, extra).decode()


def hostile_record(**changes: Any) -> StudyRecord:
    """Return a record whose classes, clips, arms, question and claims are markup."""
    settings = {
        "trained": [(f"{HOSTILE} one", "su4", "LMC", 0.6), (f"{END} two", "su4", "MC", 0.5)],
        "fused": None,
        "folds": (1, 2, 3),
        "n_seeds": 2,
        "classes": [HOSTILE, END, "a&b", "d"],
        "clips_per_class": 5,
        "trials": 4,
        "compare": [("piczak2015cnn:ESC-10/CNN", f"{HOSTILE} one")],
        "study": {"name": "synthetic-study", "question": f"Is {HOSTILE} {END} harmless?", "seed": 1},
    }
    record = build_record(**{**settings, **changes})
    predictions = record.predictions.assign(clip_id=record.predictions["clip_id"] + END)
    claims = {key: {**paper, "source": {**paper["source"], "title": HOSTILE}} for key, paper in record.claims.items()}
    return dataclasses.replace(record, predictions=predictions, claims=claims)


def hostile_evidence() -> Evidence:
    """Return the evidence of :func:`hostile_record`."""
    return gather(hostile_record())
