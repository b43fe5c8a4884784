"""The rules by which public code splits ESC-50 and UrbanSound8K, each in one line, on the complete metadata: dealt as
the code that uses them deals, and what they leak."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from harness.choices import FinalTrain
from harness.data.datasets.csv_file import Columns
from harness.data.leakage import leakage_report
from harness.data.split_file import Metadata, read_metadata, splits_of_rule
from harness.data.splits import Split
from harness.errors import DataError
from harness.study import ProtocolSection


@pytest.fixture(scope="module")
def urbansound() -> Metadata:
    if not (place := os.environ.get("HARNESS_URBANSOUND8K_CSV")):
        pytest.skip("HARNESS_URBANSOUND8K_CSV names no metadata file")
    columns = Columns(file="slice_file_name", label="class", fold="fold", recording="fsID")
    return read_metadata(Path(place), columns)


@pytest.fixture(scope="module")
def esc50() -> Metadata:
    if not (place := os.environ.get("HARNESS_ESC50")):
        pytest.skip("HARNESS_ESC50 names no data root")
    columns = Columns(file="filename", label="category", fold="fold", recording="src_file")
    return read_metadata(Path(place) / "ESC-50" / "meta" / "esc50.csv", columns)


def _splits(metadata: Metadata, protocol: dict[str, Any], seed: int = 0) -> tuple[Split, ...]:
    return splits_of_rule(metadata, ProtocolSection.model_validate(protocol), seed)


def _leak(metadata: Metadata, protocol: dict[str, Any]) -> tuple[int, int]:
    """Return how many items of all test parts share a recording with training, and how many there are."""
    reports = [leakage_report(metadata.clips, split, FinalTrain.TRAIN) for split in _splits(metadata, protocol)]
    return sum(each.n_test_sharing_recording for each in reports), sum(each.n_test for each in reports)


_ESC50 = [
    # test k, validate k+1, train the rest: four sources cross folds, two pairs of neighbouring folds.
    ({"split": "official"}, (5, 2000)),
    # test k, train on all others, fixed epochs
    ({"split": "official-no-validation"}, (9, 2000)),
    # validation fold = test fold, best checkpoint on it: X-ARES, ACDNet, HTS-AT, Palanisamy 2020, PaSST
    ({"split": "official", "validation": "same-as-test", "epoch_rule": "best-on-validation"}, (9, 2000)),
    # shuffled k-fold over clips: MTEB
    ({"split": "shuffled-kfold", "k": 5, "seed": 42}, (691, 2000)),
    ({"split": "shuffled-kfold", "k": 5, "seed": 42, "stratified": True}, (711, 2000)),
    ({"split": "train-test-split", "fraction": 0.2, "seed": 42, "stratified": True}, (140, 400)),
    # 30, 8 and 2 of each of the 50 classes, in the practical's proportions
    ({"split": "file-order", "counts": [30, 8, 2]}, (2, 100)),
]
_URBANSOUND = [
    ({"split": "official"}, (152, 8732)),
    ({"split": "official-no-validation"}, (152, 8732)),
    # every tenth row of the metadata is tested: macls
    ({"split": "every-nth-row", "n": 10, "validation": "same-as-test", "epoch_rule": "best-on-validation"}, (844, 874)),
    # one fold validates and is tested: SpeechBrain
    ({"split": "single-fold", "fold": 1, "validation": "same-as-test", "epoch_rule": "best-on-validation"}, (91, 873)),
    ({"split": "shuffled-kfold", "k": 10, "seed": 42}, (8424, 8732)),
    ({"split": "train-test-split", "fraction": 0.2, "seed": 42}, (1675, 1747)),
]


def _by_hand(metadata: Metadata, protocol: dict[str, Any]) -> tuple[int, int]:
    recordings = metadata.clips.frame["recording"].to_numpy()
    shared = total = 0
    for split in _splits(metadata, protocol):
        learned = {recordings[clip] for clip in split.train.clips}
        shared += sum(recordings[clip] in learned for clip in split.test.clips)
        total += len(split.test)
    return shared, total


@pytest.mark.parametrize(("protocol", "expected"), _ESC50)
def test_what_each_rule_leaks_on_esc50(esc50: Metadata, protocol: dict[str, Any], expected: tuple[int, int]) -> None:
    assert _leak(esc50, protocol) == _by_hand(esc50, protocol) == expected


@pytest.mark.parametrize(("protocol", "expected"), _URBANSOUND)
def test_what_each_rule_leaks_on_urbansound8k(
    urbansound: Metadata, protocol: dict[str, Any], expected: tuple[int, int]
) -> None:
    assert _leak(urbansound, protocol) == _by_hand(urbansound, protocol) == expected


def test_every_tenth_row_is_dealt_row_for_row(urbansound: Metadata) -> None:
    with Path(os.environ["HARNESS_URBANSOUND8K_CSV"]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    tested = {row["slice_file_name"] for number, row in enumerate(rows) if number % 10 == 0}
    trained = {row["slice_file_name"] for number, row in enumerate(rows) if number % 10}
    (split,) = _splits(urbansound, {"split": "every-nth-row"})
    paths = urbansound.clips.frame["path"].to_numpy()
    assert set(paths[split.test.clips]) == tested
    assert set(paths[split.train.clips]) == trained
    assert (len(split.test), len(split.train), len(split.validation)) == (874, 7858, 0)


@pytest.mark.parametrize("seed", [0, 42])
@pytest.mark.parametrize(("kind", "stratified"), [(KFold, False), (StratifiedKFold, True)])
def test_shuffled_folds_are_those_of_scikit_learn(esc50: Metadata, kind: Any, stratified: bool, seed: int) -> None:
    splits = _splits(esc50, {"split": "shuffled-kfold", "seed": seed, "stratified": stratified}, seed=7)
    dealer = kind(n_splits=5, shuffle=True, random_state=seed)
    labels = esc50.clips.frame["label"].to_numpy()
    for split, (train, test) in zip(splits, dealer.split(np.zeros(2000), labels), strict=True):
        np.testing.assert_array_equal(split.test.clips, test)
        np.testing.assert_array_equal(split.train.clips, train)


@pytest.mark.parametrize("stratified", [False, True])
def test_a_random_test_part_is_that_of_scikit_learn(urbansound: Metadata, stratified: bool) -> None:
    protocol = {"split": "train-test-split", "fraction": 0.25, "seed": 3, "stratified": stratified}
    (split,) = _splits(urbansound, protocol)
    labels = urbansound.clips.frame["label"].to_numpy()
    train, test = train_test_split(
        np.arange(8732), test_size=0.25, random_state=3, stratify=labels if stratified else None
    )
    assert set(split.test.clips) == set(test)
    assert set(split.train.clips) == set(train)


def test_file_order_is_that_of_the_practical(esc50: Metadata) -> None:
    """300, 80 and 20 of the sorted files of each of the five categories, whose ten classes each have 40 clips."""
    frame = esc50.clips.frame
    targets = frame["path"].str.extract(r"-(\d+)\.\w+$")[0].astype(int)
    clips = esc50.clips.__class__("categories", frame.assign(label=targets // 10), tuple("abcde"), "", own=True)
    (split,) = _splits(Metadata(clips, True, (1,)), {"split": "file-order"})
    expected: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for category in range(5):
        files = sorted(path for path, target in zip(frame["path"], targets, strict=True) if target // 10 == category)
        for part, chosen in zip(expected, (files[:300], files[300:380], files[380:]), strict=True):
            expected[part] += chosen
    for part, names in expected.items():
        assert sorted(frame["path"].to_numpy()[getattr(split, part).clips]) == sorted(names)
    # Folds 4 and 5 are in several parts.
    folds = frame["fold"].to_numpy()
    assert set(folds[split.train.clips]) & set(folds[split.validation.clips]) == {4}
    assert set(folds[split.validation.clips]) & set(folds[split.test.clips]) == {5}


def test_a_share_of_training_validates_by_whole_recordings(esc50: Metadata) -> None:
    recordings = esc50.clips.frame["recording"].to_numpy()
    labels = esc50.clips.frame["label"].to_numpy()
    first, again = (_splits(esc50, {"validation": 0.2}, seed=5) for _ in range(2))
    other = _splits(esc50, {"validation": 0.2}, seed=6)
    for split, same, different in zip(first, again, other, strict=True):
        assert not set(recordings[split.train.clips]) & set(recordings[split.validation.clips])
        assert len(split.train) + len(split.validation) + len(split.test) == 2000
        shares = np.bincount(labels[split.validation.clips], minlength=50) / 32
        assert 0.2 <= shares.mean() <= 0.3
        assert (shares > 0).all()
        np.testing.assert_array_equal(split.validation.clips, same.validation.clips)
        assert split.validation.clips.tolist() != different.validation.clips.tolist()


def test_what_cannot_be_dealt_is_refused(esc50: Metadata) -> None:
    for protocol, message in (
        ({"split": "file-order"}, r"takes 300 \+ 80 \+ 20 clips of each class, and class 'airplane' has 40"),
        ({"split": "shuffled-kfold", "k": 41, "stratified": True}, "its rarest class has 40 clips; lower protocol.k"),
        ({"split": "single-fold", "fold": 6}, r"fold 6 is to be tested and others train; folds in use: \[1, 2, 3"),
        ({"split": "train-test-split", "fraction": 0.001, "stratified": True}, "scikit-learn: The test_size = 2"),
        ({"split": "file-order", "counts": [30, 0, 10]}, "deals no validation part; set protocol.validation = 'none'"),
    ):
        with pytest.raises(DataError, match=message):
            _splits(esc50, protocol)
