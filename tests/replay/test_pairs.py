"""What differs between two recorded runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.output.show_replay import diff_json, show_diff
from harness.errors import TrackingError
from harness.replay.pairs import diff_runs
from harness.replay.rebuild import REST
from harness.tracking.recorded_run import read_run
from tests.replay.conftest import STUDY, Recorded, run, spec_of

pytestmark = pytest.mark.slow


def trial_run(recorded: Recorded, number: int) -> str:
    """Return the run id of a trial of the search."""
    from mlflow import MlflowClient

    fold = recorded.fold("A", 1, "search", number)
    return str(MlflowClient(recorded.uri).get_run(fold.run_id).data.tags["mlflow.parentRunId"])


@pytest.mark.parametrize("level", ["study", "fold"])
def test_a_run_does_not_differ_from_itself(recorded: Recorded, level: str) -> None:
    run_id = recorded.run_id if level == "study" else recorded.fold("A", 1).run_id
    found = diff_runs(recorded.uri, run_id, run_id[:12])
    assert found.equal
    assert len(found.pairs) == (10 if level == "study" else 1)
    assert json.loads(diff_json(found))["equal"] is True


def test_two_folds_of_different_arms(recorded: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = recorded.fold("A", 1, "search", 0), recorded.fold("B", 1)
    found = diff_runs(recorded.uri, first.run_id, second.run_id)
    assert not found.equal
    told = {each.name: (each.before, each.after) for each in found.conditions}
    assert told["setting train.batch_size"] == ("16", "8")
    assert {"setting train.lr", "features digest"} <= set(told)
    assert REST not in told
    assert found.spec == ()
    (pair,) = found.pairs
    assert pair.title == "A trial 0 fold 1 seed 0 | B fold 1 seed 0"
    # A search is not tested: only the validation part is in both.
    assert pair.clips.probabilities.rows == 10
    assert pair.clips.probabilities.alone == 10
    show_diff(found)
    said = " ".join(capsys.readouterr().out.split())
    assert "setting train.batch_size 16 8" in said
    assert "the runs differ" in said


def test_two_trials_meet_by_fold(recorded: Recorded) -> None:
    found = diff_runs(recorded.uri, trial_run(recorded, 0), trial_run(recorded, 1))
    assert [(pair.first.fold, pair.second.fold) for pair in found.pairs] == [(1, 1), (3, 3)]
    assert [(each.name, count) for each, count in found.conditions.items()] == [("setting train.lr", 2)]
    assert found.alone == ((), ())


def test_two_studies(recorded: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    arms = [STUDY["arms"][1], {"name": "C", "model": "su4", "features": "MFCC"}]
    spec = spec_of(study={"name": "tiny", "seed": 4}, arms=arms, search={"trials": 0}, evaluate={"folds": [3]})
    folder = Path(recorded.uri.removeprefix("sqlite:///")).parents[1]
    other = run(spec, folder, recorded.shared)
    assert other.uri == recorded.uri
    found = diff_runs(recorded.uri, recorded.run_id, other.run_id)
    fields = {each.name: (each.before, each.after) for each in found.spec}
    assert fields["study.seed"] == ("3", "4")
    assert fields["search.trials"] == ("2", "0")
    assert fields["evaluate.folds"] == ("[1, 3]", "[3]")
    assert fields["arms.C.model"] == ("not set", "su4")
    assert fields["arms.A.set.train.batch_size"] == ("16", "not set")
    assert [pair.title for pair in found.pairs] == ["B fold 3 seed 0"]
    assert [each.name for each in found.conditions] == [REST]
    assert found.pairs[0].clips.probabilities.changed > 0
    assert found.alone[1] == ("C fold 3 seed 0",)
    assert len(found.alone[0]) == len(read_run(recorded.uri, recorded.run_id).folds) - 1
    show_diff(found)
    said = " ".join(capsys.readouterr().out.split())
    assert "only in B: C fold 3 seed 0" in said
    assert "B fold 3 seed 0 20" in said
    data = json.loads(diff_json(found))
    assert data["study"][0] == {"name": "study.seed", "a": "3", "b": "4"}
    assert data["results"][0]["clips"]["macro_accuracy"].keys() == {"test", "validation"}


def test_runs_of_two_levels_are_refused(recorded: Recorded) -> None:
    with pytest.raises(
        TrackingError, match=r"\(tiny\) is a study run and .* a fold run; choose two runs of the same level"
    ):
        diff_runs(recorded.uri, recorded.run_id, recorded.fold("B", 1).run_id)
