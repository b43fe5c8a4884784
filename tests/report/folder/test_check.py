"""What of a report is compared with its predictions, and what is not."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError, ReportError
from harness.report.folder.check import RECORDED, check_report
from harness.report.folder.results_file import RESULTS
from harness.report.page.report_page import AUDIO_BEGINS
from harness.report.write import write_report
from tests.records import TRAINED, build_record, restudied, searched_record
from tests.security.fuzz import fuzz


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    record = searched_record()
    folder = tmp_path_factory.mktemp("reports") / record.name
    write_report(record, folder, pdf=False)
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / written.name))


def test_a_written_report_is_equal(folder: Path) -> None:
    found = check_report(folder)
    assert found.mismatches == ()
    assert found.equal
    assert found.numbers > 1000
    assert {"results.json", "README.md", "report.tex", "report.html"} <= set(found.files)
    tables = {path.relative_to(folder).as_posix() for path in (folder / "tables").iterdir()}
    assert tables == {name for name in found.files if name.startswith("tables/")}
    assert {name.partition("/")[0] for name in found.uncovered} == {"figures", "curves.parquet"}


def test_a_report_without_the_files_of_its_figures_is_equal(folder: Path) -> None:
    shutil.rmtree(folder / "figures")
    assert check_report(folder).mismatches == ()


def test_a_figure_that_is_missing_from_the_document_is_a_mismatch(folder: Path) -> None:
    document = folder / "report.tex"
    whole = document.read_text(encoding="utf-8")
    shorter = re.sub(r"\\begin\{figure\}.*?\\end\{figure\}\n", "", whole, count=1, flags=re.DOTALL)
    assert shorter != whole
    document.write_text(shorter, encoding="utf-8")
    assert {each.file for each in check_report(folder).mismatches} == {"report.tex"}


def test_every_number_of_the_page_is_checked_but_not_what_is_drawn_or_heard(folder: Path) -> None:
    page = folder / "report.html"
    whole = page.read_text(encoding="utf-8")
    drawing = re.sub(r"(<svg [^>]*>)", r"\1<text>99.9</text>", whole).replace(
        AUDIO_BEGINS, f'{AUDIO_BEGINS}<audio src="data:audio/wav;base64,QUJD"></audio>\n'
    )
    assert drawing.count("<text>99.9</text>") > 3
    drawing = drawing.replace("<style>", "<style>\n.x { color: red; }").replace("'sha256-", "'sha256-x")
    drawing = drawing.replace("<script>", "<script>// another version\n")
    page.write_text(drawing, encoding="utf-8")
    assert check_report(folder).equal
    for before, after in (('<td class="n">', '<td class="n">1'), ('"sets":["', '"sets":["A'), ("data-n=", "data-m=")):
        page.write_text(whole.replace(before, after, 1), encoding="utf-8")
        assert {each.file for each in check_report(folder).mismatches} == {"report.html"}


def test_a_pdf_that_was_compiled_by_hand_changes_nothing(folder: Path) -> None:
    assert "report.pdf" not in (folder / "README.md").read_text(encoding="utf-8")
    (folder / "report.pdf").write_bytes(b"%PDF")
    assert check_report(folder).equal


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where in JSON data there are numbers."""
    if isinstance(value, dict):
        return [found for name, entry in value.items() for found in places(entry, (*place, name))]
    if isinstance(value, list):
        return [found for number, entry in enumerate(value) for found in places(entry, (*place, number))]
    return [place] if isinstance(value, int | float) and not isinstance(value, bool) else []


def is_recorded(place: tuple[Any, ...]) -> bool:
    dotted = ".".join("[]" if isinstance(step, int) else step for step in place).replace(".[]", "[]")
    return any(dotted == name or dotted.startswith((f"{name}.", f"{name}[")) for name in RECORDED)


@pytest.mark.slow
@fuzz(25)
@given(data=st.data())
def test_every_number_that_is_not_from_the_record_is_checked(written: Path, data: st.DataObject) -> None:
    whole = (written / RESULTS).read_bytes()
    found = json.loads(whole)
    section = data.draw(st.sampled_from([name for name in found if name not in RECORDED and places(found[name])]))
    place = data.draw(
        st.sampled_from([each for each in places(found[section], (section,)) if not is_recorded(each)] or [()])
    )
    if not place:
        return
    node: Any = found
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = node[place[-1]] + 1 if isinstance(node[place[-1]], int) else node[place[-1]] * 0.9 + 0.001
    (written / RESULTS).write_text(json.dumps(found), encoding="utf-8")
    try:
        assert not check_report(written).equal, place
    except HarnessError:
        pass
    finally:
        (written / RESULTS).write_bytes(whole)


def test_what_is_from_the_record_is_not_checked(folder: Path) -> None:
    found = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    found["arms"][0]["learnt"] = 0.5
    found["devices"] = ["abacus"]
    (folder / RESULTS).write_text(json.dumps(found), encoding="utf-8")
    assert [each for each in check_report(folder).mismatches if each.file == RESULTS] == []


def test_a_page_that_somebody_wrote_and_a_table_of_theirs_are_named_as_not_covered(folder: Path) -> None:
    (folder / "README.md").write_text("# 97.2 %\n", encoding="utf-8")
    (folder / "tables" / "mine.csv").write_text("accuracy\n97.2\n", encoding="utf-8")
    found = check_report(folder)
    assert found.equal
    assert {"README.md", "tables/mine.csv"} <= set(found.uncovered)


def test_a_table_that_is_missing_too_long_or_not_text_is_not_equal(folder: Path) -> None:
    first, second, third, *_ = sorted((folder / "tables").iterdir())
    first.unlink()
    second.write_bytes(b"x" * 1_000_000)
    third.write_bytes(b"\xff\xfe")
    found = check_report(folder)
    assert {each.file for each in found.mismatches} == {f"tables/{path.name}" for path in (first, second, third)}


def test_last_digits_of_sums_are_no_mismatch_and_printed_digits_are(folder: Path) -> None:
    found = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    found["arms"][0]["mean"]["f1"] *= 1 + 1e-14
    (folder / RESULTS).write_text(json.dumps(found), encoding="utf-8")
    assert check_report(folder).equal
    found["arms"][0]["mean"]["f1"] *= 1 + 1e-6
    (folder / RESULTS).write_text(json.dumps(found), encoding="utf-8")
    (mismatch,) = check_report(folder).mismatches
    assert (mismatch.file, mismatch.place) == (RESULTS, "$.arms[0].mean.f1")


def test_a_report_of_an_earlier_layout_is_to_be_written_again(folder: Path) -> None:
    found = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    found["schema"] = 2
    (folder / RESULTS).write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(ReportError, match=r"\$\.schema is 2, expected 3.*harness report "):
        check_report(folder)


def test_claims_that_are_not_here_are_said_and_can_be_given(tmp_path: Path) -> None:
    record = build_record(
        trained=TRAINED[:1], fused=None, folds=(1, 2, 3), n_seeds=1, clips_per_class=1,
        compare=[("piczak2015cnn:ESC-10/CNN", TRAINED[0][0])],
    )  # fmt: skip
    claims = json.loads(json.dumps(record.claims).replace("piczak2015cnn", "own"))
    compare = [{"claim": "own:ESC-10/CNN", "arm": TRAINED[0][0]}]
    own = replace(restudied(record, compare=compare), claims=claims)
    folder = tmp_path / "own"
    write_report(own, folder, pdf=False)
    found = check_report(folder)
    assert not found.equal
    assert "--declarations STUDY.toml" in found.note
    assert check_report(folder, claims=claims).mismatches == ()
