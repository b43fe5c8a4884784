"""The tables of a report by topic, and those of the arms' own accuracies: per arm, per fold, per class, and leakage.

Each function returns :class:`~harness.report.table.Table` objects: percent with one decimal as printed, together with
fractions at full precision.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from harness.choices import FusionRule
from harness.comparisons.scores import StudyScores
from harness.record import StudyRecord
from harness.report import wording
from harness.report.audit import audit_tables
from harness.report.cells import cut_note, interval
from harness.report.claim_tables import claim_tables, claimed_class_tables
from harness.report.clip_tables import clip_tables
from harness.report.contrast_tables import contrast_tables
from harness.report.evidence import Evidence
from harness.report.parameters import parameter_table_pages
from harness.report.printed_layers import printed_layer_tables
from harness.report.protocol_tables import EPOCHS, protocol_tables
from harness.report.run_tables import failure_table, hyperparameter_table
from harness.report.search_tables import search_tables
from harness.report.table import Table
from harness.report.wording import NOTHING, OVER_FOLDS, percent
from harness.text.decimals import possible

ARMS_ABREAST = 12
"""The most arms in a table with one column per arm; more continue in a further table."""


def build_tables(evidence: Evidence, parameter_tables: Mapping[str, pd.DataFrame]) -> dict[str, list[Table]]:
    """Return every table of the report by topic; an empty topic has no table."""
    record, scores, marks = evidence.record, evidence.scores, list(evidence.marks)
    return {
        "claims": claim_tables(evidence),
        "claimed classes": claimed_class_tables(evidence),
        "protocols": protocol_tables(evidence),
        "contrasts": contrast_tables(evidence),
        "accuracy": [accuracy_table(evidence)],
        "folds": fold_tables(scores, marks),
        "classes": class_tables(record, scores, marks),
        "clips": clip_tables(evidence),
        "search": [*search_tables(record, marks), *hyperparameter_table(record, marks)],
        "leakage": leakage_table(evidence.leakage, marks),
        "parameters": parameter_table_pages(parameter_tables, marks),
        "printed layers": printed_layer_tables(record, evidence.papers, parameter_tables, marks),
        "failures": failure_table(record, marks),
        **{f"audit {audit.source.key}": audit_tables(audit) for audit in evidence.audits},
    }


def accuracy_table(evidence: Evidence) -> Table:
    """Return one row per arm: macro accuracy with SD and corrected interval, clip accuracy with SD, segment accuracy,
    F1, n."""
    record, scores = evidence.record, evidence.scores
    described = {arm: describe_arm(record, arm) for arm in scores.arms["arm"]}
    tests = [evidence.intervals.get(arm) for arm in scores.arms["arm"]]
    printed = pd.DataFrame(
        [
            [
                row["arm"],
                described[row["arm"]],
                percent(row["macro_accuracy_mean"]),
                percent(row["macro_accuracy_sd"]),
                interval(test.low, test.high) if test else NOTHING,
                percent(row["clip_accuracy_mean"]),
                percent(row["clip_accuracy_sd"]),
                percent(row["segment_accuracy_mean"]),
                percent(row["f1_mean"]),
                str(row["n_folds"]),
                wording.seeds_cell(row["seeds_min"], row["seeds_max"]),
            ]
            for row, test in zip(scores.arms.to_dict("records"), tests, strict=True)
        ],
        columns=pd.MultiIndex.from_tuples(
            [
                ("", "Arm"),
                ("", "Network"),
                ("Macro", "Mean"),
                ("Macro", "SD"),
                ("Macro", "Interval"),
                ("Clip", "Mean"),
                ("Clip", "SD"),
                ("Segment", "Mean"),
                ("F1", "Mean"),
                ("n", "Folds"),
                ("n", "Seeds"),
            ]
        ),
    )
    data = scores.arms.copy()
    data.insert(1, "network", [described[arm] for arm in data["arm"]])
    data.insert(3, "folds", [" ".join(map(str, scores.folds_of(arm))) for arm in data["arm"]])
    if len(record.protocols) > 1:
        protocols = [record.protocol(arm) for arm in scores.arms["arm"]]
        protocol_columns: dict[str, list[str]] = {"Split": [each.split for each in protocols]}
        protocol_columns["Epoch"] = [EPOCHS.get(each.epoch_rule, each.epoch_rule) for each in protocols]
        for position, (header, cells) in enumerate(protocol_columns.items(), start=2):
            printed.insert(position, ("", header), cells)
            data.insert(position, header.lower(), cells)
    ends = [possible(test.low, test.high) if test else (math.nan, math.nan) for test in tests]
    data["macro_accuracy_low"] = [low / 100 for low, _ in ends]
    data["macro_accuracy_high"] = [high / 100 for _, high in ends]
    return Table(
        name="accuracy",
        title="Accuracy per arm",
        caption=wording.with_marks(
            f"Accuracy per arm in percent. SD: {OVER_FOLDS}; {wording.sample_size(scores)}. Interval: "
            f"{evidence.confidence}, of the mean over folds, corrected for training sets that overlap. Macro: "
            "unweighted mean of the class accuracies. F1: unweighted mean over classes."
            + cut_note([(test.low, test.high) for test in tests if test]),
            evidence.marks,
        ),
        printed=printed,
        data=data,
        text_columns=2 if len(record.protocols) == 1 else 4,
    )


def fold_tables(scores: StudyScores, marks: list[str]) -> list[Table]:
    """Return macro accuracy fold by fold, arms in rows, with mean and SD; the CSV has every score of every fold."""
    folds = sorted({int(fold) for fold in scores.folds["fold"]})
    cells = {(arm, int(fold)): value for arm, fold, value in scores.folds[["arm", "fold", "macro_accuracy"]].to_numpy()}
    printed = pd.DataFrame(
        [
            [
                row["arm"],
                *(percent(cells.get((row["arm"], fold), float("nan"))) for fold in folds),
                percent(row["macro_accuracy_mean"]),
                percent(row["macro_accuracy_sd"]),
            ]
            for row in scores.arms.to_dict("records")
        ],
        columns=pd.MultiIndex.from_tuples(
            [
                ("", "Arm"),
                *(("Fold", str(fold)) for fold in folds),
                ("", "Mean"),
                ("", "SD"),
            ]
        ),
    )
    caption = (
        f"Macro accuracy fold by fold in percent, mean of the seeds. SD: {OVER_FOLDS}; {wording.sample_size(scores)}."
    )
    return [Table("folds", "Accuracy fold by fold", wording.with_marks(caption, marks), printed, scores.folds)]


def class_tables(record: StudyRecord, scores: StudyScores, marks: list[str]) -> list[Table]:
    """Return class accuracies in the shape of Su et al. 2019, table 2: classes in rows, arms in columns, the average
    last."""
    means = scores.class_means()
    arms = [arm for arm in means.columns if scores.folds_of(arm)]
    data = means[arms].copy()
    data.loc[len(record.classes)] = data.mean()
    data.insert(0, "class", [*record.classes, "average"])
    untested = scores.classes[scores.classes["accuracy"].isna()]
    caption = (
        f"Accuracy per class in percent: mean over folds, seeds averaged first; {wording.sample_size(scores)}. "
        "Average: unweighted mean of the classes."
    )
    if not untested.empty:
        names = sorted({record.classes[position] for position in untested["class"]})
        caption += f" Some folds test no clip of {', '.join(names)}; such a class is averaged over the folds that do."
    tables = []
    for page, first in enumerate(range(0, len(arms), ARMS_ABREAST)):
        shown = arms[first : first + ARMS_ABREAST]
        printed = pd.DataFrame(
            [
                [str(name).replace("average", "Average") if position == len(record.classes) else name]
                + [percent(value) for value in values]
                for position, (name, values) in enumerate(zip(data["class"], data[shown].to_numpy(float), strict=True))
            ],
            columns=["Class", *shown],
        )
        tables.append(
            Table(
                name="classes" if page == 0 else f"classes-{page + 1}",
                title="Accuracy per class",
                caption=wording.with_marks(caption, marks),
                printed=printed,
                data=data[["class", *shown]],
                rules=(len(record.classes),),
            )
        )
    return tables


def leakage_table(frame: pd.DataFrame, marks: list[str]) -> list[Table]:
    """Return, per fold, how many test items share a recording or a clip with the final training data.

    The same is counted for validation items and the training part. ``frame`` is that of
    :class:`~harness.report.evidence.Evidence`.
    """
    if frame.empty:
        return []
    rows = frame.sort_values(["protocol", "final_train", "fold"], kind="stable")
    headers = {"Split": "protocol", "Learned from": "final_train"}
    several = {header: column for header, column in headers.items() if len(set(rows[column])) > 1}
    unit = ", ".join(sorted({str(unit) for unit in rows["unit"]}))
    printed = pd.DataFrame(
        [
            [*(str(row[column]) for column in several.values()), str(row["fold"])]
            + [
                cell
                for part in ("test", "validation")
                for cell in (
                    f"{int(row[f'n_{part}']):,}",
                    _share(row[f"n_{part}_sharing_recording"], row[f"n_{part}"]),
                    _share(row[f"n_{part}_sharing_clip"], row[f"n_{part}"]),
                )
            ]
            for row in rows.to_dict("records")
        ],
        columns=pd.MultiIndex.from_tuples(
            [*(("", header) for header in several), ("", "Fold")]
            + [
                (f"{part} part", header)
                for part in ("Test", "Validation")
                for header in ("Items", "Share a recording", "Share a clip")
            ]
        ),
    )
    caption = (
        f"Leakage: items ({unit}s) of the test part that share a source recording, or a clip, with what final "
        f"trainings learn from ({', '.join(dict.fromkeys(rows['final_train']))}), and items of the validation part "
        "that share one with the training part; count and percent of the part."
    )
    named = sorted({str(recording) for shared in rows.get("recordings", ()) for recording in _listed(shared)})
    if named:
        shown = ", ".join(named[:10])
        caption += f" Shared recordings of test and training: {shown}{' and others' if len(named) > 10 else ''}."
    data = rows.assign(recordings=[" ".join(map(str, _listed(shared))) for shared in rows["recordings"]])
    return [Table("leakage", "Leakage", wording.with_marks(caption, marks), printed, data.reset_index(drop=True))]


def describe_arm(record: StudyRecord, name: str) -> str:
    """Return the description of an arm: ``su4 on LMC``, or ``Dempster-Shafer of LMCNet and MCNet``."""
    arm = next((arm for arm in record.spec.arms if arm.name == name), None)
    if arm is None:
        return NOTHING
    if not arm.fuse:
        return f"{arm.model} on {arm.features}"
    rule = "Dempster-Shafer" if arm.rule is FusionRule.DEMPSTER_SHAFER else "Mean"
    *first, last = arm.fuse
    return f"{rule} of {', '.join(first)} and {last}{', per segment' if arm.level == 'segment' else ''}"


def _share(count: float, total: float) -> str:
    return f"{int(count):,} ({percent(count / total) if total else NOTHING})"


def _listed(shared: Any) -> tuple[Any, ...]:
    """Return recordings as a tuple, from either form in a record: a sequence, or one JSON list."""
    if isinstance(shared, str):
        return tuple(json.loads(shared)) if shared.startswith("[") else tuple(shared.split())
    return tuple(shared) if isinstance(shared, list | tuple) else ()
