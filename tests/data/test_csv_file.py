"""Data of a user's own: classes and folds as the file has them, and every fault in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.data.load_clips import load_clips
from harness.data.splits import make_splits
from harness.errors import DataError, HarnessError, StudyError
from harness.study import StudySpec, load_study, read_recorded, recorded_document
from tests.own_project import CLASSES, write_clips, write_table

Rows = list[dict[str, object]]


def study(folder: Path, data: str = "", overrides: tuple[str, ...] = ()) -> StudySpec:
    text = (
        f'[study]\nname = "k"\n[data]\ndataset = "csv"\nname = "kitchen"\nmetadata = "my/clips.csv"\n{data}\n'
        '[[arms]]\nname = "a"\nmodel = "su4"\nfeatures = "LMC"\n'
    )
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return load_study(folder / "study.toml", overrides)


def refuse(folder: Path, data: str = "", overrides: tuple[str, ...] = ()) -> str:
    with pytest.raises(HarnessError) as refused:
        load_clips(study(folder, data, overrides).data, folder, folder=folder)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_classes_folds_and_recordings_are_those_of_the_file(tmp_path: Path) -> None:
    write_clips(tmp_path / "my", folds=(1, 2, 3, 5))
    spec = study(tmp_path)
    assert (spec.data.name, spec.data.used_folds, spec.test_folds) == ("kitchen", (1, 2, 3, 5), (1, 2, 3, 5))
    clips = load_clips(spec.data, tmp_path, folder=tmp_path)
    assert (clips.dataset, clips.classes, len(clips)) == ("kitchen", CLASSES, 48)
    assert clips.frame["recording"].nunique() == 24
    assert clips.frame["clip_id"].iloc[0] == "audio/0-0-0a"
    assert clips.frame["duration"].nunique() > 10


def test_classes_may_be_given_in_an_order(tmp_path: Path) -> None:
    write_clips(tmp_path / "my")
    spec = study(tmp_path, 'classes = ["tap", "kettle", "Café, alt"]')
    assert load_clips(spec.data, tmp_path, folder=tmp_path).classes == ("tap", "kettle", "Café, alt")
    assert "no clip has the label 'oven'" in refuse(tmp_path, 'classes = ["tap", "kettle", "Café, alt", "oven"]')
    assert "column 'label': received" in refuse(tmp_path, 'classes = ["tap", "kettle"]')
    assert "each class must be named once" in refuse(tmp_path, 'classes = ["tap", "tap"]')


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    rows = write_clips(tmp_path / "my")
    names = {"file": "path", "label": "class", "fold": "split", "recording": "source"}
    write_table(tmp_path / "my" / "clips.csv", [{names[key]: value for key, value in row.items()} for row in rows])
    columns = 'columns = { file = "path", label = "class", fold = "split", recording = "source" }'
    assert load_clips(study(tmp_path, columns).data, tmp_path, folder=tmp_path).frame["recording"].nunique() == 18
    assert "has no column 'file'; received path, class, split, source" in refuse(tmp_path)
    assert "has no column 'tape'" in refuse(tmp_path, columns.replace('"source"', '"tape"'))


def test_without_recordings_every_clip_is_its_own(tmp_path: Path) -> None:
    rows = write_clips(tmp_path / "my")
    write_table(tmp_path / "my" / "clips.csv", [{key: row[key] for key in ("file", "label", "fold")} for row in rows])
    spec = study(tmp_path)
    assert not spec.data.description.recordings
    clips = load_clips(spec.data, tmp_path, folder=tmp_path)
    assert clips.frame["recording"].nunique() == len(clips) == 36


def test_train_validation_and_test_are_a_hold_out(tmp_path: Path) -> None:
    write_clips(tmp_path / "my", folds=("train", "Train", "validation", "TEST"))
    spec = study(tmp_path)
    assert spec.data.description.holdout
    assert (spec.test_folds, spec.data.used_folds, spec.data.validates) == ((1,), (1, 2, 3), True)
    clips = load_clips(spec.data, tmp_path, folder=tmp_path)
    (split,) = make_splits(clips, "official", spec.test_folds, 0)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [24, 12, 12]
    assert "has a train and a test part" in refuse(tmp_path, "folds = [1, 2]")
    assert "has a test part and no folds" in refuse(tmp_path, overrides=("evaluate.folds=[1]",))
    assert "which another split would mix" in refuse(tmp_path, overrides=("protocol.split=random-clip",))


def test_a_hold_out_without_a_validation_part(tmp_path: Path) -> None:
    write_clips(tmp_path / "my", folds=("train", "test"))
    spec = study(tmp_path)
    assert (spec.test_folds, spec.data.used_folds, spec.data.validates) == ((1,), (1, 3), False)
    (split,) = make_splits(load_clips(spec.data, tmp_path, folder=tmp_path), "official", spec.test_folds, 0)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [12, 0, 12]
    assert "needs a validation part" in refuse(tmp_path, overrides=("protocol.epoch_rule=best-on-validation",))


def test_a_recorded_study_is_read_without_the_file(tmp_path: Path) -> None:
    write_clips(tmp_path / "my")
    spec = study(tmp_path)
    (tmp_path / "my" / "clips.csv").unlink()
    again = read_recorded(recorded_document(spec), "record", {})
    assert again.data == spec.data
    assert again.data.description.n_classes == 3


def test_recordings_that_cross_folds_are_counted_not_refused(tmp_path: Path) -> None:
    rows = write_clips(tmp_path / "my")
    write_table(tmp_path / "my" / "clips.csv", [{**row, "recording": "one"} for row in rows])
    spec = study(tmp_path)
    assert make_splits(load_clips(spec.data, tmp_path, folder=tmp_path), "official", spec.test_folds, 0)


def test_audio_may_be_below_the_data_root(tmp_path: Path) -> None:
    write_clips(tmp_path / "my")
    (tmp_path / "my" / "audio").rename(tmp_path / "audio")
    assert len(load_clips(study(tmp_path).data, tmp_path, folder=tmp_path)) == 36


def changed(column: str, value: object, row: int = 4) -> Callable[[Rows], Rows]:
    def change(rows: Rows) -> Rows:
        return [{**each, column: value} if number == row else each for number, each in enumerate(rows)]

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed("fold", 0), "column 'fold': received '0', expected a whole number from 1"),
        (changed("fold", "test"), "holds both words (test) and numbers"),
        (changed("fold", ""), "column 'fold'"),
        (changed("fold", "x"), "or train, validation or test"),
        (changed("file", "/etc/passwd.wav"), "expected a relative path"),
        (changed("file", "../secret.wav"), "without '..'"),
        (changed("file", "audio/none.wav"), "1 of 36 audio files are missing, the first is"),
        (changed("file", "audio/0-0-0a.wav"), "clip 'audio/0-0-0a' is already listed in"),
        (changed("label", ""), "column 'label'"),
        (changed("label", "=1+1"), "does not start like a formula"),
        (changed("recording", ""), "column 'recording'"),
        (lambda rows: [{**row, "fold": 1} for row in rows], "has one fold, 1; a study needs two or more"),
        (lambda rows: [{**row, "fold": "train"} for row in rows], "a hold-out data set needs train and test"),
    ],
)
def test_a_fault_is_one_sentence_with_its_place(tmp_path: Path, change: Callable[[Rows], Rows], said: str) -> None:
    rows = write_clips(tmp_path / "my")
    write_table(tmp_path / "my" / "clips.csv", change(rows))
    message = refuse(tmp_path)
    assert said in message
    assert str(tmp_path / "my") in message


def test_a_thousand_labels_are_read_and_more_are_refused(tmp_path: Path) -> None:
    write_clips(tmp_path / "my")
    rows: Rows = [{"file": f"{k}.wav", "label": f"Name {k}, é", "fold": 1 + k % 3} for k in range(1000)]
    write_table(tmp_path / "my" / "clips.csv", rows)
    assert study(tmp_path).data.description.n_classes == 1000
    write_table(tmp_path / "my" / "clips.csv", [*rows, {"file": "x.wav", "label": "more", "fold": 1}])
    assert "has 1001 different labels, 1000 at most" in refuse(tmp_path)


def test_one_class_is_enough(tmp_path: Path) -> None:
    rows = write_clips(tmp_path / "my")
    write_table(tmp_path / "my" / "clips.csv", [{**row, "label": "sound"} for row in rows])
    assert load_clips(study(tmp_path).data, tmp_path, folder=tmp_path).classes == ("sound",)


def test_a_study_without_its_file_says_where_it_should_be(tmp_path: Path) -> None:
    assert "clips.csv: there is no such file; the path is relative to the study file" in refuse(tmp_path)
    assert "name the CSV file of the data set" in refuse(tmp_path, overrides=("data.metadata=",))
    write_clips(tmp_path / "my")
    assert "'esc50' is a data set of the harness" in refuse(tmp_path, overrides=("data.name=esc50",))
    with pytest.raises(StudyError, match="colums"):
        study(tmp_path, 'colums = { file = "x" }')


def test_a_file_that_changed_since_the_study_was_read_is_refused(tmp_path: Path) -> None:
    rows = write_clips(tmp_path / "my")
    spec = study(tmp_path)
    write_table(tmp_path / "my" / "clips.csv", changed("fold", 9)(rows))
    with pytest.raises(DataError, match="has fold 9, which it had not when the study was read"):
        load_clips(spec.data, tmp_path, folder=tmp_path)
