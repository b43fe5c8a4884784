"""The site: its pages have every number with its conditions, and only that; from any claims files."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.claims import NOT_STATED, Library, claims_of, load_library
from harness.cli import cli
from harness.registry import SPLITS
from harness.report.claims_site.condition_groups import by_protocol, meaning, seen
from harness.report.claims_site.dataset_page import chance_of
from harness.report.claims_site.replications import differences
from harness.report.claims_site.site import site_files
from harness.report.claims_site.site_contents import AUDITS, CLAIMS_CSV, INDEX, Shown, title_of
from tests.claims.audit.papers import column, data, read, table
from tests.report.page.pages import END, HOSTILE

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "tests" / "claims" / "example.toml"
SHOWN = Shown(load_library())


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """Return the files of the site of the included claims files as text."""
    return {name: content.decode() for name, content in site_files(SHOWN).items()}


def rows(page: str, name: str) -> list[list[str]]:
    """Return the cells of the table called ``name`` of a page as text."""
    (body,) = re.findall(rf'id="table-{re.escape(name)}".*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in body.split("</tr>")]
    return [[unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in row] for row in cells if row]


def test_there_is_a_page_for_every_paper_and_data_set(files: dict[str, str]) -> None:
    papers = {f"papers/{key}.html" for key in SHOWN.library.papers}
    datasets = {f"datasets/{name}.html" for name in ("esc10", "esc50", "gtzan", "speech-commands", "urbansound8k")}
    assert set(files) == {INDEX, AUDITS, CLAIMS_CSV} | papers | datasets


def test_links_lead_to_pages_and_places_that_exist(files: dict[str, str]) -> None:
    ids = {name: set(re.findall(r'\bid="([^"]+)"', page)) for name, page in files.items()}
    for name, page in files.items():
        for address in re.findall(r'href="([^"]+)"', page):
            if address.startswith("https://doi.org/"):
                continue
            target, _, place = address.partition("#")
            found = name if not target else str((Path("/") / name).parent.joinpath(target).resolve().relative_to("/"))
            assert found in files, (name, address)
            assert not place or place in ids[found], (name, address)


@pytest.mark.parametrize("dataset", SHOWN.datasets)
def test_the_page_of_a_data_set_has_every_claim_once_below_its_split(files: dict[str, str], dataset: str) -> None:
    page = files[SHOWN.dataset_pages[dataset]]
    found = {}
    for section in page.split("<section ")[1:]:
        match = re.match(r'id="rule-([^"]+)"', section)
        if match:
            for row in rows(section, f"split-{match[1]}"):
                assert row[0] not in found
                found[row[0]] = (match[1], row[2], row[3])
    claims = {claim.address: claim for claim in SHOWN.datasets[dataset]}
    assert set(found) == set(claims)
    for address, (split, epoch, accuracy) in found.items():
        claim = claims[address]
        assert split == claim.table.split.replace(" ", "-")
        assert epoch == seen(claim.table.epoch_rule)
        assert float(accuracy) == pytest.approx(claim.percent, abs=0.0051)


def test_a_number_on_another_split_is_in_another_table(files: dict[str, str]) -> None:
    page = files["datasets/urbansound8k.html"]
    splits = {claim.table.split for claim in SHOWN.datasets["urbansound8k"]}
    by_split = {split: {row[0] for row in rows(page, f"split-{split.replace(' ', '-')}")} for split in splits}
    (own,) = [split for split, found in by_split.items() if "macls2025:US8K/ResNetSE" in found]
    assert "mohaimenuzzaman2021:US8K/ACDNet" not in by_split[own]
    for split in splits:
        text = meaning(split)
        assert f"{text[0].upper()}{text[1:]}." in unescape(page)


def test_groups_are_in_the_order_of_the_registry() -> None:
    groups = list(by_protocol(SHOWN.library.claims()))
    splits = list(dict.fromkeys(group.split for group in groups))
    official = [split in SPLITS and SPLITS.get(split).official for split in splits]
    assert official == sorted(official, reverse=True)
    assert splits[-1] == NOT_STATED
    for claims in by_protocol(SHOWN.library.claims()).values():
        percents = [claim.percent for claim in claims]
        assert percents == sorted(percents, reverse=True)


def test_chance(files: dict[str, str]) -> None:
    found = {name: chance_of(name, claims) for name, claims in SHOWN.datasets.items()}
    assert {name: round(one.macro, 2) for name, one in found.items() if one} == {
        "esc10": 10, "esc50": 2, "gtzan": 10, "speech-commands": 2.86, "urbansound8k": 10,
    }  # fmt: skip
    assert found["urbansound8k"] is not None
    assert found["urbansound8k"].largest == pytest.approx(100 * 1000 / 8732)
    assert "10.0 % (macro accuracy); 11.5 % of clips" in files["datasets/urbansound8k.html"]
    assert chance_of("somebody's own", ()) is None


@pytest.mark.parametrize("key", SHOWN.library.papers)
def test_the_page_of_a_paper_has_its_numbers_as_printed_and_where_they_were_seen(
    files: dict[str, str], key: str
) -> None:
    paper = SHOWN.library.paper(key)
    page = files[SHOWN.paper_pages[key]]
    text = " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())
    for claim in claims_of(paper):
        assert claim.column.value in text
        assert " ".join((claim.table.seen or "the source itself").split()) in text
        assert " ".join(claim.table.note.split()).replace(" %", "\u00a0%") in text.replace(" %", "\u00a0%")
    assert paper.source.title in text
    assert (paper.source.doi or paper.source.unpublished) in text
    assert "cheat" not in text.lower()


def test_what_is_not_stated_is_not_seen(files: dict[str, str]) -> None:
    page = files["papers/mushtaq2020.html"]
    assert "<dt>Split</dt><dd>not seen: how training and test were separated was not seen" in page
    assert "estimand: ESC-10, ESC-50, US8K" in page
    for name in (INDEX, CLAIMS_CSV, *SHOWN.dataset_pages.values()):
        assert NOT_STATED not in files[name]


def test_replications_are_on_the_page_of_their_paper(files: dict[str, str]) -> None:
    found = {row[0]: row for row in rows(files["papers/su2019.html"], "replications")}
    assert len(found) == 12
    assert found["bristol2019:replication/TSCNN"][2] == "84.9"
    assert "97.2 (T2/TSCNN-DS)" in found["bristol2019:replication/TSCNN"][3]
    split = SHOWN.library.claim("bristol2019:replication/TSCNN").table.split
    assert f"split {split} / not seen" in found["bristol2019:replication/TSCNN"][4]
    assert "None of the files here is a replication of it" in files["papers/gong2021.html"]
    assert 'href="../papers/su2019.html"' in files["papers/bristol2019.html"]


def test_conditions_that_differ_or_were_not_seen() -> None:
    first = read(data(table(column()))).tables[0]
    assert differences(first, first) == ["epoch rule not seen / not seen"]
    other = read(data(table(column(), split="random-clip", epoch_rule="fixed"))).tables[0]
    assert differences(first, other) == ["split official / random-clip", "epoch rule not seen / fixed"]


def test_every_claim_is_in_the_csv(files: dict[str, str]) -> None:
    found = {row["claim"]: row for row in csv.DictReader(io.StringIO(files[CLAIMS_CSV]))}
    assert list(found) == [claim.address for claim in SHOWN.library.claims()]
    ast = found["gong2021:ESC-50/AST"]
    assert (ast["printed"], ast["clips"], ast["epoch_rule"]) == ("95.75", "2000", "best-mean-on-test")


def test_equal_claims_give_equal_bytes() -> None:
    papers = dict(list(SHOWN.library.papers.items())[:2])
    assert site_files(Shown(Library(papers))) == site_files(Shown(Library(papers)))


def test_own_files_are_shown_with_the_included_ones_or_alone(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["claims", "site", str(EXAMPLE), "--output", str(tmp_path), "--only"])
    assert result.exit_code == 0, result.output
    names = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*") if path.suffix in (".html", ".csv")
    }
    assert names == {INDEX, AUDITS, CLAIMS_CSV, "papers/example2020.html", "datasets/esc50.html"}
    assert "claims of 1 source," in result.output
    empty = CliRunner().invoke(cli, ["claims", "site", "--output", str(tmp_path), "--only"])
    assert empty.exit_code == 2
    assert "name one of your own" in empty.output
    again = CliRunner().invoke(cli, ["claims", "site", str(EXAMPLE), str(EXAMPLE), "--output", str(tmp_path), "--only"])
    assert again.exit_code == 2
    assert "give this file another key" in again.output


def test_a_report_s_comparisons_are_on_the_page_of_the_paper(tmp_path: Path) -> None:
    report = ROOT / "reports" / "su2019-urbansound8k"
    result = CliRunner().invoke(cli, ["claims", "site", "--output", str(tmp_path), "--report", str(report)])
    assert result.exit_code == 0, result.output
    page = (tmp_path / "papers" / "su2019.html").read_text(encoding="utf-8")
    own = rows(page, "own-results")
    assert ["su2019-urbansound8k", "TSCNN-DS", "su2019:T2/TSCNN-DS", "replication", "97.2", "57.8"] in [
        row[:6] for row in own
    ]
    assert {row[6] for row in own} <= {"not comparable", "lower", "higher", "consistent", "inconclusive", "no test"}
    missing = CliRunner().invoke(cli, ["claims", "site", "--output", str(tmp_path), "--report", str(tmp_path / "none")])
    assert missing.exit_code == 2
    assert "no such file" in missing.output


def test_text_of_claims_files_is_escaped() -> None:
    content = data(table(column(f"{HOSTILE[:20]}", system=END), note=HOSTILE, title=END, version=HOSTILE, seen=END))
    content["source"] |= {"title": HOSTILE, "authors": END, "unpublished": HOSTILE}
    pages = site_files(Shown(Library({"toy": read(content)})))
    for name, page in pages.items():
        if name != CLAIMS_CSV:
            assert HOSTILE.encode() not in page
            assert page.count(b"<script") == page.count(b"</script>") == 1


def test_the_audit_of_one_paper_draws_nothing_and_loads_neither_matplotlib_nor_torch(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom harness.cli import cli\n"
        f"try: cli(['claims', 'audit', 'guzhov2020', '--output', {str(tmp_path)!r}])\nexcept SystemExit: pass\n"
        "print([name for name in ('matplotlib', 'torch', 'mlflow') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"


def test_a_data_set_of_somebody_s_own_has_a_page() -> None:
    content = data(table(column(value="71.5"), dataset="my birds", folds=3))
    pages = site_files(Shown(Library({"toy": read(content)})))
    assert b"not known: no file names the classes" in pages["datasets/my-birds.html"]
    assert title_of("my birds") == "my birds"
