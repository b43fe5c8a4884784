"""Sections: one list of topics from which files, document and front page follow, and marks where they matter."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from harness.record import StudyRecord
from harness.report.evidence import Evidence, gather
from harness.report.report_section import (
    Drawing,
    Paragraph,
    Section,
    Table,
    file_stem,
    grid,
    headed,
    paged,
    unique_stems,
)
from harness.report.topics import TOPICS, accuracy, sections_of
from harness.report.typeset.latex import breakable, escape
from harness.report.write import draw, report_texts
from tests.records import us8k_record, with_arm
from tests.report.sections import tables

MakeRecord = Callable[..., StudyRecord]

MAIN = ("accuracy", "comparison", "protocols")
SPACE = {"train.lr": {"low": 1e-4, "high": 1e-2}}


def layers() -> pd.DataFrame:
    rows = [("conv1", "32 x 85 x 41", 288, 111520), ("output", "10", 10240, 10)]
    return pd.DataFrame(rows, columns=["layer", "output", "weights", "activations"])


def files_of(evidence: Evidence, topics: Any = TOPICS) -> tuple[tuple[Section, ...], dict[str, bytes]]:
    """Return the sections of ``topics``, and the files that follow from them."""
    sections = sections_of(evidence, topics)
    pictures, plots = draw(sections, {})
    stems = {name.partition("/")[2].partition(".")[0] for name in pictures}
    return sections, pictures | report_texts(evidence, sections, stems, plots)


def captions(record: StudyRecord, *, main: bool = True) -> list[str]:
    """Return the captions of the tables of main results in LaTeX, or those of all others."""
    evidence = gather(record, {"LMCNet": layers()})
    files = report_texts(evidence, sections_of(evidence), (), {})
    names = [name for name in files if re.fullmatch(r"tables/.*\.tex", name)]
    found = [files[name].decode() for name in names if (Path(name).stem in MAIN) == main]
    return [next(line for line in text.splitlines() if r"\caption[" in line) for text in found]


@pytest.fixture(scope="module")
def everything() -> Evidence:
    """Return the evidence of a study that has nearly every topic: search, claims, fusion, failures, networks."""
    record = us8k_record(trials=5)
    folds = record.folds.copy()
    folds.loc[0, ["status", "error"]] = ["FAILED", "OSError: no space"]
    return gather(dataclasses.replace(record, folds=folds), {"LMCNet": layers()})


@pytest.mark.slow
def test_every_table_and_figure_is_in_the_folder_and_in_the_document(everything: Evidence) -> None:
    sections, files = files_of(everything)
    document = files["report.tex"].decode()
    stems = {
        kind: [name.removesuffix(kind).partition("/")[2] for name in files if name.endswith(kind)]
        for kind in (".csv", ".pdf", ".png")
    }
    named = [table.name for section in sections for table in section.tables]
    drawn = [drawing.name for section in sections for drawing in section.figures]
    assert len({section.key for section in sections}) == len(sections)
    assert len(set(named)) == len(named) > 15
    assert len(set(drawn)) == len(drawn) > 12
    assert stems[".csv"] == named == re.findall(r"\\input\{tables/([^}]*)\}", document)
    assert [name for name in files if re.fullmatch(r"tables/.*\.tex", name)] == [f"tables/{name}.tex" for name in named]
    assert stems[".pdf"] == stems[".png"] == drawn == re.findall(r"\\includegraphics\{figures/([^}]*)\}", document)
    titles = [escape(section.title) for section in sections]
    assert re.findall(r"\\section\{(.*)\}", document) == titles


def toy(evidence: Evidence) -> Iterator[Section]:
    """Yield a section that no report has, as a file of its own would."""
    printed = grid([1, 2], {"Number": str, ("Square", "exact"): lambda number: str(number**2)})
    table = Table("toys", "Toys", "Toys of 100 %.", printed, pd.DataFrame({"number": [1, 2]}))
    prose = (Paragraph((f"{len(evidence.scores.arms)} arms.", "Not one & only.")),)
    drawings = (
        Drawing("toy", "Toy: a square.", lambda: Figure(figsize=(1, 1))),
        Drawing("no-toy", "No toy: nothing.", lambda: None),
    )
    yield Section("toys", "Toys & games", before=prose, tables=(table,), figures=drawings, front=(table,))
    yield Section("empty", "Empty section")


def test_a_new_topic_is_one_function_and_one_entry(evidence: Evidence) -> None:
    plain = files_of(evidence)[1]
    _, files = files_of(evidence, [TOPICS[0], toy, *TOPICS[1:]])
    assert files.keys() - plain.keys() == {"tables/toys.tex", "tables/toys.csv", "figures/toy.pdf", "figures/toy.png"}
    assert {name for name in plain if plain[name] != files[name]} == {"report.tex", "README.md", "report.html"}
    assert '<section id="toys" ' in files["report.html"].decode()
    document = files["report.tex"].decode()
    assert "\\section{Toys \\& games}\n4 arms.\nNot one \\& only.\n\\input{tables/toys}\n\\begin{figure}" in document
    assert r"\caption{Toy: a square.}" in document
    assert "no-toy" not in document
    assert "Empty section" not in document
    page = files["README.md"].decode()
    assert "![Toy](figures/toy.png)\n\nToys of 100 %.\n\n| Number | exact |\n| --- | ---: |\n| 1 | 1 |" in page
    assert "fold-accuracies" not in page, "the first section with tables for the front page leads"
    assert "fold-accuracies" in plain["README.md"].decode()


def test_a_figure_that_cannot_be_drawn_again_is_kept(evidence: Evidence) -> None:
    kept = {"figures/no-toy.pdf": b"pdf", "figures/no-toy.png": b"png", "figures/toy.png": b"old", "figures/x.pdf": b""}
    made, plots = draw(sections_of(evidence, [toy]), kept)
    assert list(plots) == ["toy"]
    assert (made["figures/no-toy.pdf"], made["figures/no-toy.png"]) == (b"pdf", b"png")
    assert made["figures/toy.png"].startswith(b"\x89PNG")
    assert "figures/x.pdf" not in made


def test_headings_have_two_levels_if_one_has_a_group() -> None:
    assert list(headed([["a", "b"]], ["x", "y"]).columns) == ["x", "y"]
    assert list(headed([["a", "b"]], ["x", ("g", "y")]).columns) == [("", "x"), ("g", "y")]
    assert grid([], {"x": str}).empty


def test_pages_are_numbered_from_the_second() -> None:
    assert list(paged("t", "abcde", 2)) == [("t", "ab"), ("t-2", "cd"), ("t-3", "e")]
    assert list(paged("t", [], 2)) == []


def test_stems_are_safe_and_different() -> None:
    assert file_stem("A_b & 100 % #1 é") == "a-b-100-1-e"
    assert file_stem("音") == "arm"
    stems = unique_stems(["A b", "a_b", "A-B", "c"])
    assert list(stems.values()) == ["a-b", "a-b-2", "a-b-3", "c"]


class TestMarks:
    def test_plain_cross_validation_has_none(self, record: StudyRecord) -> None:
        words = ("Random", "Best-on-test", "Tuned", "Partial", "lacks", "Incomplete")
        assert not any(word in caption for caption in captions(record) for word in words)

    @pytest.mark.parametrize(
        ("changes", "mark"),
        [
            ({"protocol": {"split": "random-clip"}}, "Random split (random-clip)"),
            ({"protocol": {"split": "random-segment"}}, "Random split (random-segment)"),
            ({"protocol": {"epoch_rule": "best-on-test"}}, "Best-on-test"),
            ({"search": {"trials": 3, "selection": "pooled", "space": SPACE}}, "Tuned on the reported folds"),
            ({"status": "FAILED"}, "Incomplete: the study run failed"),
        ],
    )
    def test_it_is_said_once_and_in_the_captions_of_main_results(
        self, make_record: MakeRecord, changes: dict[str, Any], mark: str
    ) -> None:
        record = make_record(**changes)
        told, others = captions(record), captions(record, main=False)
        assert told
        assert len(others) >= 4
        assert all(escape(mark) in caption for caption in told)
        assert not any(escape(mark) in caption for caption in others)
        evidence = gather(record)
        document = report_texts(evidence, sections_of(evidence), {"fold-accuracies"}, {})["report.tex"].decode()
        assert document.count(breakable(mark)) == 1
        assert "includegraphics" in document

    def test_per_fold_search_is_not_marked(self, make_record: MakeRecord) -> None:
        assert not any("Tuned" in caption for caption in captions(make_record(trials=2)))

    def test_partial_folds_are_named(self, make_record: MakeRecord) -> None:
        record = make_record(dataset="urbansound8k", folds=(1, 2, 10))
        assert all("Partial: 3 of 10 folds: 1, 2, 10." in caption for caption in captions(record))
        assert all("Few folds: with 3 tested folds" in caption for caption in captions(record))

    def test_an_arm_near_guessing_is_named_with_what_it_learnt(self, record: StudyRecord) -> None:
        table = record.predictions.copy()
        mine = table["arm"] == "MLMC"
        probabilities = [name for name in table.columns if name.startswith("p_")]
        # Always the first class: the mean of the class accuracies is 1 of 10.
        table.loc[mine, probabilities] = [1.0] + [0.0] * 9
        told = captions(dataclasses.replace(record, predictions=table))
        last = record.history.query("arm == 'MLMC'").groupby(["fold", "seed"])["train_segment_accuracy"].last().mean()
        assert all(
            escape(f"Near chance level (10.0 %): MLMC 10.0 % (training accuracy {100 * last:.1f} % of segments). If")
            in caption
            for caption in told
        )

    def test_arm_without_a_fold_is_named_and_its_cell_is_empty(self, record: StudyRecord) -> None:
        table = record.predictions
        lost = (table["arm"] == "MLMC") & (table["fold"] == 3)
        record = dataclasses.replace(record, predictions=table[~lost])
        assert all("MLMC lacks fold 3." in caption for caption in captions(record))
        main, folds = tables(accuracy.sections, gather(record))
        assert folds.printed.iloc[2, 3] == "–"
        assert main.printed.iloc[2, -2] == "4"
        assert "n = 4–5 folds × 2 seeds" in main.caption

    def test_arm_without_any_fold_and_fold_without_a_seed(self, record: StudyRecord) -> None:
        table = record.predictions
        kept = (table["arm"] != "MCNet") & ((table["arm"] != "LMCNet") | (table["fold"] != 1) | (table["seed"] != 1))
        told = captions(dataclasses.replace(record, predictions=table[kept]))
        assert all("MCNet has no tested fold." in caption for caption in told)
        assert all("LMCNet has fewer than 2 seeds in fold 1." in caption for caption in told)

    def test_many_arms_without_any_fold_are_counted(self, record: StudyRecord, monkeypatch: pytest.MonkeyPatch) -> None:
        kept = record.predictions[record.predictions["arm"] == "LMCNet"]
        fewer = dataclasses.replace(record, predictions=kept)
        others = ", ".join(arm.name for arm in record.spec.arms if arm.name != "LMCNet")
        assert all(f"{others} have no tested fold." in caption for caption in captions(fewer))
        monkeypatch.setattr("harness.report.wording.MOST_NAMED", 1)
        count = len(record.spec.arms)
        assert all(f"{count - 1} of {count} arms have no tested fold." in caption for caption in captions(fewer))

    def test_an_arm_with_its_own_number_of_seeds_lacks_none(self, record: StudyRecord) -> None:
        table = record.predictions
        kept = table[~(table["arm"].isin(["LMCNet", "TSCNN-DS"]) & (table["seed"] == 1))]
        fewer = dataclasses.replace(with_arm(record, "LMCNet", seeds=1), predictions=kept)
        assert not any("fewer than" in caption for caption in captions(fewer))
