"""What a recorded study's splits share, counted from its predictions where the record's own count is incomplete.

Records made before leakage was counted against everything that final trainings learn from compare the test part with
the training part alone. Every clip is tested in some fold, so the predictions of all folds name every part of a split.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from harness.choices import FinalTrain
from harness.data.leakage import LISTED, LeakageReport
from harness.record import StudyRecord
from harness.registry import SPLITS, Unit
from harness.study import ProtocolSection


def leakage_of(record: StudyRecord) -> pd.DataFrame:
    """Return one row per split, fold and choice of what final trainings learn from: the fields of
    :class:`harness.data.leakage.LeakageReport`.

    Rows that need an untested fold are left out: they cannot be counted.
    """
    if "final_train" in record.leakage or record.leakage.empty:
        return record.leakage
    rows: list[dict[Any, Any]] = []
    for protocol in record.protocols:
        split, final_train = protocol.label, protocol.final_train
        if any((row["protocol"], row["final_train"]) == (split, final_train) for row in rows):
            continue
        if final_train == FinalTrain.TRAIN:
            recorded = record.leakage[record.leakage["protocol"] == split]
            rows += recorded.assign(final_train=final_train).to_dict("records")
        else:
            rows += [asdict(each) for each in _counted(record, protocol)]
    return pd.DataFrame(rows)


def _counted(record: StudyRecord, protocol: ProtocolSection) -> list[LeakageReport]:
    items = _tested_items(record, protocol)
    folds = record.spec.data.used_folds
    if set(folds) != set(items["fold"]):
        return []
    return [_report(items, protocol, fold, folds) for fold in folds]


def _tested_items(record: StudyRecord, protocol: ProtocolSection) -> pd.DataFrame:
    """Return each tested clip of one trained arm with that protocol, by fold: ``recording``, ``items`` (1, or the
    number of its segments that the fold tests)."""
    arms = [
        arm.name
        for arm in record.spec.trained_arms
        if (own := record.protocol(arm.name)).split == protocol.split and own.final_train == protocol.final_train
    ]
    rows = record.predictions[record.predictions["arm"].isin(arms[:1])]
    rows = rows[rows["seed"] == rows["seed"].min()]
    items = rows["n_segments"].to_numpy(np.int64) if SPLITS.get(protocol.split).unit is Unit.SEGMENT else 1
    tested: pd.DataFrame = rows[["fold", "clip_id", "recording"]].assign(items=items)
    return tested


def _report(items: pd.DataFrame, protocol: ProtocolSection, fold: int, folds: tuple[int, ...]) -> LeakageReport:
    following = folds[(folds.index(fold) + 1) % len(folds)]
    test, validation = items[items["fold"] == fold], items[items["fold"] == following]
    train = items[~items["fold"].isin([fold, following])]
    learned = pd.concat([train, validation]) if protocol.final_train == FinalTrain.TRAIN_AND_VALIDATION else train

    def shared(part: pd.DataFrame, known: pd.DataFrame, column: str) -> int:
        return int(part.loc[part[column].isin(known[column]), "items"].sum())

    both = test.loc[test["recording"].isin(learned["recording"]), "recording"].astype(str)
    return LeakageReport(
        protocol=protocol.label,
        fold=fold,
        final_train=protocol.final_train,
        unit=SPLITS.get(protocol.split).unit,
        n_test=int(test["items"].sum()),
        n_test_sharing_recording=shared(test, learned, "recording"),
        n_test_sharing_clip=shared(test, learned, "clip_id"),
        n_validation=int(validation["items"].sum()),
        n_validation_sharing_recording=shared(validation, train, "recording"),
        n_validation_sharing_clip=shared(validation, train, "clip_id"),
        recordings=tuple(sorted(set(both))[:LISTED]),
    )
