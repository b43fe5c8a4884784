"""Pages as text: equal bytes, escaped text, unique identifiers, no address, and what the script reads."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest
from markupsafe import Markup
from matplotlib.figure import Figure

from harness.record import StudyRecord
from harness.report.evidence import Evidence, gather
from harness.report.glossary import GLOSSARY
from harness.report.page.page import heads, json_block, linked
from harness.report.page.plot import svg_of
from harness.report.report_section import Table, headed
from harness.report.style import figure_style
from harness.training.metrics import predicted_classes
from tests.records import build_record
from tests.report.page.pages import END, hostile_record, page_of


class Reader(HTMLParser):
    """The identifiers, links, addresses and open elements of a page."""

    EMPTY = frozenset(("meta", "link", "br", "img", "input", "use", "path", "rect", "stop"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.addresses: list[str] = []
        self.scripts: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if "id" in found:
            self.ids.append(str(found["id"]))
        if tag == "script":
            self.scripts.append(found)
        for name in ("href", "xlink:href", "src"):
            if name in found:
                target = str(found[name])
                (self.links if target.startswith("#") else self.addresses).append(target)


@pytest.fixture(scope="module")
def hostile() -> str:
    return page_of(gather(hostile_record()))


def data_of(page: str, name: str) -> Any:
    (text,) = re.findall(rf'^<script type="application/json" id="data-{name}">(.*)</script>$', page, flags=re.MULTILINE)
    return json.loads(text)


def test_identifiers_are_unique_and_every_link_has_a_target(hostile: str) -> None:
    read = Reader(hostile)
    assert len(read.ids) == len(set(read.ids)) > 50
    assert {link[1:] for link in read.links} <= set(read.ids)
    assert "#term-tost" in read.links


def test_nothing_is_fetched_and_only_the_own_script_runs(hostile: str) -> None:
    read = Reader(hostile)
    assert read.addresses == []
    assert [each.get("type") for each in read.scripts] == ["application/json", "application/json", None]
    assert "default-src 'none'" in hostile
    # The names of XML's own vocabularies are not fetched.
    found = set(re.findall(r"https?://[^\s\"'<>)]+", hostile))
    assert found <= {"http://www.w3.org/1999/xlink", "http://www.w3.org/2000/svg"}


def test_hostile_text_is_nowhere_markup(hostile: str) -> None:
    assert "<img" not in hostile
    assert END not in hostile
    assert hostile.count("</script>") == 3


def test_the_same_record_gives_the_same_bytes(record: StudyRecord) -> None:
    shuffled = dataclasses.replace(
        record,
        predictions=record.predictions.sample(frac=1, random_state=5),
        history=record.history.sample(frac=1, random_state=5),
    )
    assert page_of(gather(record), plots=False) == page_of(gather(shuffled), plots=False)


def test_the_script_reads_every_test_of_every_clip(evidence: Evidence) -> None:
    answers = data_of(page_of(evidence, plots=False), "answers")
    rows = evidence.record.predictions
    rows = rows.assign(called=predicted_classes(rows))
    assert sorted(answers["clips"]) == sorted(rows["clip_id"].unique())
    assert len(answers["sets"]) == rows["fold"].nunique(), "arms and seeds share the list of a fold's clips"
    found = set()
    for arm, fold, seed, place, called, percent in answers["tests"]:
        bytes_of = (base64.b64decode(text) for text in (answers["sets"][place], called, percent))
        for clip, name, p in zip(*bytes_of, strict=True):
            found.add((arm, fold, seed, answers["clips"][clip], name, p))
    columns = rows.filter(regex=r"^p_\d").to_numpy()
    p_called = columns[np.arange(len(rows)), rows["called"]]
    expected = {
        (row.arm, row.fold, row.seed, row.clip_id, row.called, round(100 * p))
        for row, p in zip(rows.itertuples(), p_called, strict=True)
    }
    assert {each[:5] for each in found} == {each[:5] for each in expected}
    # Probabilities are those of predictions.parquet, which are rounded.
    assert len(found - expected) < len(expected) / 50


def test_many_classes_and_clips_take_two_bytes() -> None:
    names = [f"class {number}" for number in range(300)]
    record = build_record(
        dataset="esc50", classes=names, trained=[("A", "su4", "LMC", 1.0)], fused=None, folds=(1, 2, 3), n_seeds=1,
        clips_per_class=1,
    )  # fmt: skip
    answers = data_of(page_of(gather(record), plots=False), "answers")
    _, _, _, place, called, _ = answers["tests"][0]
    clips = np.frombuffer(base64.b64decode(answers["sets"][place]), dtype="<u2")
    assert sorted(answers["clips"][clip] for clip in clips) == sorted(record.predictions.query("fold == 1")["clip_id"])
    assert len(np.frombuffer(base64.b64decode(called), dtype="<u2")) == 300


def test_curves_of_every_training_are_there(evidence: Evidence) -> None:
    curves = data_of(page_of(evidence, plots=False), "curves")
    assert [each["arm"] for each in curves] == ["LMCNet", "MCNet", "MLMC"]
    assert [(run["fold"], run["seed"]) for run in curves[0]["runs"]] == [(f, s) for f in range(1, 6) for s in (0, 1)]
    own = evidence.record.history.query("arm == 'MLMC' and fold == 3 and seed == 1")
    run = curves[2]["runs"][5]
    assert run["train_loss"] == [round(value, 3) for value in own["train_loss"]]
    assert run["validation_macro_accuracy"] == [round(100 * value, 1) for value in own["validation_macro_accuracy"]]


def test_undefined_values_of_curves_are_null(record: StudyRecord) -> None:
    history = record.history.assign(validation_loss=float("nan"))
    history.loc[history["epoch"] == 3, "train_loss"] = float("nan")
    page = page_of(gather(dataclasses.replace(record, history=history)), plots=False)
    run = data_of(page, "curves")[0]["runs"][0]
    assert "validation_loss" not in run
    assert run["train_loss"][2] is None


def test_a_term_is_linked_once_and_the_rest_is_escaped() -> None:
    text = linked("TOST <b> & TOST, Holm.")
    assert text == (
        '<a class="term" href="#term-tost">TOST</a> &lt;b&gt; &amp; TOST, <a class="term" href="#term-holm">Holm</a>.'
    )


def test_terms_have_different_anchors_and_find_themselves() -> None:
    assert len({term.anchor for term in GLOSSARY}) == len(GLOSSARY)
    assert all(term.find(term.name) or term.pattern for term in GLOSSARY)


def test_json_cannot_end_its_element() -> None:
    block = json_block("x", {"a": "</script><!--\u2028"})
    assert block.count("<") == 2
    assert json.loads(re.sub(r"<[^>]*>", "", block)) == {"a": "</script><!--\u2028"}


def test_headings_of_groups_span_their_columns() -> None:
    printed = headed([["a", "1", "2", "3"]], ["Arm", ("Macro", "Mean"), ("Macro", "SD"), "n"])
    above, below = heads(Table("t", "T", "C", printed, pd.DataFrame()))
    assert [(each.text, each.columns, each.rows) for each in above] == [("Arm", 1, 2), ("Macro", 2, 1), ("n", 1, 2)]
    assert [each.text for each in below] == ["Mean", "SD"]


def test_identifiers_of_two_figures_differ_and_text_stays_text() -> None:
    def drawn(name: str) -> Markup:
        figure = Figure(figsize=(2, 1))
        axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
        axes.plot([0, 1], [0, 1])
        axes.set_title("a < b & <c>")
        with figure_style():
            return svg_of(figure, name, 'What "is" <shown>')

    first, again, other = drawn("one"), drawn("one"), drawn("two")
    assert first == again
    assert "\n" not in first
    ids = [set(Reader(each).ids) for each in (first, other)]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert "a &lt; b &amp; &lt;c&gt;</text>" in first
    assert 'aria-label="What &#34;is&#34; &lt;shown&gt;"' in first
