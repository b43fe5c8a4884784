"""Notes on the pages of runs: every arm has its findings and its accuracies by fold, in what a store keeps of a tag."""

from __future__ import annotations

import pytest

from harness.report import notes as module
from harness.report.cells import accuracy
from harness.report.evidence import Evidence, gather
from harness.report.notes import notes
from tests.records import searched_record


@pytest.fixture(scope="module")
def found() -> Evidence:
    """Return the evidence of a study with claims and pairs of arms."""
    return gather(searched_record(n_seeds=2))


def test_every_arm_has_its_accuracies_by_fold(found: Evidence) -> None:
    scores = found.scores
    written = notes(found).arms
    assert list(written) == scores.arms["arm"].tolist()
    for arm, note in written.items():
        own = scores.folds[scores.folds["arm"] == arm]
        assert len(own) > 1
        for fold, value in own[["fold", "macro_accuracy"]].to_numpy():
            assert f"| fold {int(fold)} | {accuracy(100 * value)} |" in note
        (total,) = scores.arms[scores.arms["arm"] == arm].to_dict("records")
        assert f"| mean | {accuracy(100 * total['macro_accuracy_mean'])} |" in note
        assert f"| SD | {accuracy(100 * total['macro_accuracy_sd'])} |" in note


def test_an_undecided_pair_is_on_the_pages_of_both_but_no_verdict(found: Evidence) -> None:
    pairs = [each for each in found.arms.contrasts if each.in_family and each.decision.verdict.value == "inconclusive"]
    assert pairs
    written = notes(found)
    for pair in pairs:
        for arm, other in ((pair.first, pair.second), (pair.second, pair.first)):
            assert "- Inconclusive: " in written.arms[arm]
            assert other not in written.verdicts[arm]


def test_what_does_not_fit_is_counted_and_the_table_is_whole(found: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = notes(found)
    arm = max(whole.arms, key=lambda name: whole.arms[name].count("\n- "))
    monkeypatch.setattr(module, "LONGEST", len(whole.arms[arm]) - 1)
    short = notes(found)
    assert max(map(len, [short.study, *short.arms.values()])) <= module.LONGEST
    assert "- The report has 1 more.\n" in short.arms[arm]
    assert short.arms[arm].partition("| tested on")[2] == whole.arms[arm].partition("| tested on")[2] != ""
