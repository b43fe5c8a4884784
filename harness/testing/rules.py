"""Conformance tests of split rules."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from harness.choices import Validation
from harness.data.clips import ClipTable
from harness.data.splits import Part, Split, make_splits
from harness.registry import TEST, SplitRule, Unit
from harness.study import ProtocolSection


class SplitRuleConformance:
    """Tests of one split rule; a subclass names it.

    Attributes
    ----------
    rule
        Its name in the registry.
    options
        Its options, where the defaults do not fit the table of :meth:`clips`.
    proportional
        Whether every fold has the classes in the same proportions as the table.
    whole
        Whether every item is in some part; a rule may leave items out.
    """

    rule: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    proportional: ClassVar[bool] = False
    whole: ClassVar[bool] = True

    @property
    def description(self) -> SplitRule:
        """The description in the registry, as the options make it."""
        return self.protocol.rule

    @property
    def protocol(self) -> ProtocolSection:
        """The protocol of a study with the rule and its options."""
        return ProtocolSection.model_validate({"split": self.rule, **self.options})

    def folds(self, clips: ClipTable) -> tuple[int, ...]:
        """Return the folds that are tested: those of the rule, or of the table; the number of a test part."""
        known = self.description
        return (TEST,) if known.single else known.folds or clips.folds

    def clips(self, folds: tuple[int, ...] = (1, 2, 4, 10), per_class: tuple[int, ...] = (24, 48, 12)) -> ClipTable:
        """Return a table of clips, without audio: ``per_class`` clips of each class dealt evenly over ``folds``, two
        clips in a row from one recording."""
        labels = np.repeat(np.arange(len(per_class)), per_class)
        rows = np.arange(len(labels))
        frame = pd.DataFrame(
            {
                "clip_id": [f"clip{row:04d}" for row in rows],
                "path": [f"clip{row:04d}.wav" for row in rows],
                "label": labels,
                "fold": np.array(folds)[rows // 2 % len(folds)],
                "recording": [f"recording{row // 2:04d}" for row in rows],
                "duration": 1.0,
            }
        )
        return ClipTable("conformance", frame, tuple(f"class{label}" for label in range(len(per_class))), "0" * 64)

    def segments(self, clips: ClipTable) -> NDArray[np.int64]:
        """Return the number of segments of each clip, int64, shape (n_clips,)."""
        return 3 + np.arange(len(clips), dtype=np.int64) % 4

    def split(self, seed: int = 0, folds: tuple[int, ...] | None = None) -> tuple[Split, ...]:
        """Return the splits of the table that test ``folds``, by default all."""
        clips = self.clips()
        return make_splits(clips, self.protocol, folds or self.folds(clips), seed, self.segments(clips))

    def test_its_description_says_what_it_does(self) -> None:
        """The meaning is one sentence, as tables and reports print it."""
        assert self.description.meaning
        assert self.description.unit in set(Unit)

    def test_parts_are_disjoint_and_cover_every_item(self) -> None:
        """Each fold is tested once, and of each split every item is in one part; training and test part have items, and
        the validation part where there is one."""
        clips = self.clips()
        counts = self.segments(clips) if self.description.unit is Unit.SEGMENT else np.ones(len(clips), np.int64)
        every = {(clip, segment) for clip in range(len(clips)) for segment in range(counts[clip])}
        splits = self.split()
        assert tuple(split.fold for split in splits) == self.folds(clips)
        tested: list[tuple[int, int]] = []
        for split in splits:
            train, validation, test = (_items(part) for part in (split.train, split.validation, split.test))
            assert train
            assert bool(validation) == (self.description.validation is Validation.NEXT_FOLD)
            assert test
            together = {*train, *validation, *test}
            assert len(train) + len(validation) + len(test) == len(together)
            assert together == every if self.whole else together < every
            assert split.test.unit is self.description.unit
            tested += test
        if not self.description.single:
            assert len(tested) == len(set(tested)) == len(together)

    def test_it_depends_on_the_seed_alone(self) -> None:
        """The same seed gives the same parts, whichever folds are requested; official folds do not depend on it."""
        first, again = self.split(seed=1), self.split(seed=1)
        other = [_items(split.test) for split in self.split(seed=2)]
        assert [_items(split.test) for split in first] == [_items(split.test) for split in again]
        alone = self.split(seed=1, folds=(first[-1].fold,))[0]
        assert _items(alone.train) == _items(first[-1].train)
        if self.description.official:
            assert other == [_items(split.test) for split in first]

    def test_classes_are_in_proportion(self) -> None:
        """Where the rule is proportional, every fold has each class in the table's proportion, to one item."""
        if not self.proportional:
            pytest.skip("the rule guarantees no proportions")
        clips = self.clips()
        labels = clips.frame["label"].to_numpy()
        splits = self.split()
        everything = np.concatenate([split.test.clips for split in splits])
        shares = np.bincount(labels[everything]) / len(splits)
        for split in splits:
            assert np.abs(np.bincount(labels[split.test.clips], minlength=len(shares)) - shares).max() <= 1

    def test_official_folds_are_those_of_the_table(self) -> None:
        """An official rule deals every clip to the fold of its metadata."""
        if not self.description.official or self.description.single:
            pytest.skip("the rule makes its own folds, or tests one part")
        folds = self.clips().frame["fold"].to_numpy()
        for split in self.split():
            assert set(folds[split.test.clips]) == {split.fold}


def _items(part: Part) -> list[tuple[int, int]]:
    segments = np.zeros(len(part), np.int64) if part.segments is None else part.segments
    found = sorted(zip(part.clips.tolist(), segments.tolist(), strict=True))
    assert len(set(found)) == len(found)
    return found
