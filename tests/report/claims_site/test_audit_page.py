"""The audit of every paper in one table: what is counted, in which words."""

from __future__ import annotations

import pytest

from harness.claims import Library, load_library
from harness.report.claims_site.audit_page import OUTCOMES, field_sentences, findings_table, sections, table
from harness.report.claims_site.site_contents import Shown
from harness.report.claims_site.survey_files import survey_texts, surveys_of
from tests.claims.audit.papers import column, data, read
from tests.claims.audit.papers import table as table_of

LIBRARY = load_library()
FOLDS = ["80.0", "81.0", "82.0", "83.0", "84.0"]


def survey(*keys: str) -> Shown:
    return Shown(Library({key: LIBRARY.papers[key] for key in keys}))


def test_counts_of_papers_that_were_checked_by_hand() -> None:
    rows = table(surveys_of(survey("su2019", "piczak2015cnn", "mushtaq2020"))).data.set_index("paper")
    su, piczak, mushtaq = (rows.loc[key] for key in ("su2019", "piczak2015cnn", "mushtaq2020"))
    # 14 of the 120 class accuracies of T2, T4 and T5 are no fractions; T3 repeats averages alone.
    assert (su["class_fractions_consistent"], su["class_fractions_other"]) == (106, 14)
    assert (su["claims"], su["split_seen"], su["dispersion_other"]) == (25, 0, 4)
    assert (piczak["fold_mean_consistent"], piczak["split_seen"], piczak["epoch_rule_seen"]) == (3, 5, 0)
    assert (mushtaq["headline_fraction_other"], mushtaq["headline_fraction_consistent"]) == (2, 0)


def test_what_all_papers_show_together() -> None:
    found = [column("a", "82.0", folds=FOLDS), column("b", "83.0", folds=FOLDS)]
    content = data(table_of(*found, epoch_rule="best-on-test"), table_of(column("c", "82.13"), name="U"))
    told = list(field_sentences(surveys_of(Shown(Library({"toy": read(content)})))))
    assert told[0] == (
        "3 numbers of 1 sources: the split was seen for 3, what chose the tested epoch for 2; for 2 of these the test "
        "part chose it."
    )
    assert told[1].startswith("2 of 3 are printed with")
    assert told[2].startswith("1 of 2 headlines printed with folds are the mean")
    assert told[3].startswith("2 of 3 headlines that can be checked are fractions")


def test_every_finding_that_is_not_consistent_is_listed_once() -> None:
    surveys = surveys_of(survey("naidu2019", "speechbrain2021", "gong2021"))
    rows = findings_table(surveys).printed
    assert rows["Paper"].tolist() == ["naidu2019", "speechbrain2021"]
    assert rows["Outcome"].tolist() == ["not consistent as printed", "shows"]


@pytest.mark.parametrize("word", ["fraud", "cheat", "manipulat", "fabricat", "dishonest", "wrong numbers", "mislead"])
def test_no_word_accuses(word: str) -> None:
    surveys = surveys_of(Shown(LIBRARY))
    assert word not in " ".join(OUTCOMES.values()).lower()
    for name, content in survey_texts(surveys).items():
        assert word.encode() not in content.lower(), name


def test_a_page_without_findings_can_be_made() -> None:
    surveys = surveys_of(survey("guzhov2021fbsp"))
    first, second = sections(surveys)
    assert len(first.tables[0].printed) == 1
    assert len(second.tables[0].printed) == 0
