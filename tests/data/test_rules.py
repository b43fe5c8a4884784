"""Built-in split rules conform; so does one that a single file adds, and a study names it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import ClassVar

import numpy as np
import pytest

from harness.data.clips import ClipTable
from harness.data.splits import Part, every_clip
from harness.registry import SPLITS, SplitRule
from harness.study import ProtocolSection
from harness.testing.rules import SplitRuleConformance


class TestOfficial(SplitRuleConformance):
    rule = "official"
    proportional = True  # the table's folds are


class TestRandomClip(SplitRuleConformance):
    rule = "random-clip"
    proportional = True


class TestRandomSegment(SplitRuleConformance):
    rule = "random-segment"
    proportional = True


class TestOfficialNoValidation(SplitRuleConformance):
    rule = "official-no-validation"
    proportional = True


class TestShuffledKFold(SplitRuleConformance):
    rule = "shuffled-kfold"


class TestStratifiedKFold(SplitRuleConformance):
    rule = "shuffled-kfold"
    options: ClassVar = {"stratified": True, "k": 4, "seed": 3}
    proportional = True


class TestEveryNthRow(SplitRuleConformance):
    rule = "every-nth-row"


class TestTrainTestSplit(SplitRuleConformance):
    rule = "train-test-split"


class TestSingleFold(SplitRuleConformance):
    rule = "single-fold"
    options: ClassVar = {"fold": 4}


class TestFileOrder(SplitRuleConformance):
    rule = "file-order"
    options: ClassVar = {"counts": (6, 4, 2)}
    whole = False


_TOY = '''
"""Whole recordings shuffled over folds."""

from harness.registry import SplitRule, register


def deal(clips, seed, segments_per_clip):
    import numpy as np
    from harness.data.splits import every_clip

    names, of = np.unique(clips.frame["recording"].to_numpy(dtype=str), return_inverse=True)
    folds = np.array(clips.folds)[np.random.default_rng(seed).permutation(len(names)) % len(clips.folds)]
    return every_clip(clips), folds[of]


register(SplitRule("random-recording", f"{__name__}:deal", "whole recordings shuffled over folds"))
'''


@pytest.fixture
def _toy(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register a split rule whose one file is outside the package."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "toy_rule.py").write_text(_TOY)
    monkeypatch.syspath_prepend(str(folder))
    SPLITS.names()  # the built-in ones are there before the copy
    SPLITS.names()  # discovers the built-in ones, which would be lost with the copy
    monkeypatch.setattr(SPLITS, "_items", dict(SPLITS._items))
    __import__("toy_rule")
    yield
    del sys.modules["toy_rule"]


@pytest.mark.usefixtures("_toy")
class TestRandomRecording(SplitRuleConformance):
    rule = "random-recording"

    def test_a_study_names_it(self) -> None:
        assert ProtocolSection.model_validate({"split": self.rule}).split == self.rule

    def test_recordings_stay_together(self) -> None:
        recordings = self.clips().frame["recording"].to_numpy()
        for split in self.split():
            assert not set(recordings[split.test.clips]) & set(recordings[split.train.clips])


class _Faulty(SplitRuleConformance):
    rule = "faulty"
    proportional = True


def _drop_a_clip(clips: ClipTable, _seed: int, _segments: object) -> tuple[Part, np.ndarray]:
    return Part(np.arange(1, len(clips))), clips.frame["fold"].to_numpy()[1:]


def _twice(clips: ClipTable, _seed: int, _segments: object) -> tuple[Part, np.ndarray]:
    folds = clips.frame["fold"].to_numpy()
    return Part(np.append(np.arange(len(clips)), 0)), np.append(folds, folds[0])


def _first_folds_larger(clips: ClipTable, _seed: int, _segments: object) -> tuple[Part, np.ndarray]:
    return every_clip(clips), np.sort(clips.frame["fold"].to_numpy())


def _from_the_clock(clips: ClipTable, _seed: int, _segments: object) -> tuple[Part, np.ndarray]:
    return every_clip(clips), np.random.default_rng().permutation(clips.frame["fold"].to_numpy())


@pytest.mark.parametrize(
    ("deal", "test"),
    [
        (_drop_a_clip, "test_parts_are_disjoint_and_cover_every_item"),
        (_twice, "test_parts_are_disjoint_and_cover_every_item"),
        (_first_folds_larger, "test_classes_are_in_proportion"),
        (_first_folds_larger, "test_official_folds_are_those_of_the_table"),
        (_from_the_clock, "test_it_depends_on_the_seed_alone"),
    ],
)
def test_a_faulty_rule_does_not_conform(
    monkeypatch: pytest.MonkeyPatch, deal: Callable[..., object], test: str
) -> None:
    rule = SplitRule("faulty", f"{__name__}:{deal.__name__}", "faulty", official=test.startswith("test_official"))
    monkeypatch.setitem(SPLITS._items, rule.name, rule)
    monkeypatch.setattr("harness.data.splits.code", lambda _: deal)
    with pytest.raises(AssertionError):
        getattr(_Faulty(), test)()
