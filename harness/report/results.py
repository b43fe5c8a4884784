"""results.json: the complete contents of a report in machine-readable form, with fractions at full precision.

The layout has a version, ``schema``: it is incremented when a key changes its meaning or is removed, not when one is
added.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.comparisons.as_json import comparison_entry, contrast_entry, json_data
from harness.comparisons.scores import SCORES, arm_names
from harness.record import published_environment, shown_command, without_folders
from harness.report import wording
from harness.report.evidence import Evidence
from harness.report.topics.run_facts import failures, stopped_early
from harness.report.topics.search import chosen_hyperparameters, searches_of
from harness.study import StudySpec, recorded_document

SCHEMA = 3
SCHEMA_FILE = Path(__file__).with_name("results.schema.json")
"""JSON Schema (draft 2020-12) of results.json, with the meaning and unit of every key."""


def results(evidence: Evidence) -> dict[str, Any]:
    """Return the results as JSON data; undefined values (the SD of one fold) are null."""
    record, scores = evidence.record, evidence.scores
    spec = record.spec
    tested = wording.tested_folds(record, scores)
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "study": {
            "name": record.name,
            "question": spec.study.question,
            "seed": spec.study.seed,
            "run_id": record.run_id,
            "status": record.status,
            "seconds": record.seconds,
        },
        "command": shown_command(record.environment),
        "conventions": {
            "unit": "fraction",
            "sd": wording.OVER_FOLDS,
            "macro_accuracy": "unweighted mean of the class accuracies",
            "precision, recall, f1": "unweighted means over classes",
            "comparisons, contrasts": "accuracies in percent, differences and margins in percentage points",
            "interval": "over folds, corrected for training sets that overlap; bootstrap: over recordings",
            "interval over few folds": "as computed, beyond 0 or 100 % too; tables and figures cut it there",
        },
        "marks": evidence.marks,
        "protocol": {
            **spec.protocol.model_dump(mode="json"),
            "epoch_chosen_on_test": any(protocol.chooses_on_test for protocol in record.protocols),
            "official_folds": wording.official_folds(record),
            "expected_folds": record.spec.test_folds,
            "tested_folds": tested,
            "partial": set(tested) != set(record.spec.data.description.tested_folds),
        },
        "data": {
            **spec.data.model_dump(mode="json"),
            "n_clips": int(record.predictions["clip_id"].nunique()),
            "n_recordings": int(record.predictions["recording"].nunique()),
        },
        "classes": record.classes,
        "selection": {
            "trials": spec.search.trials,
            "rule": spec.search.selection if wording.searched(record) else None,
            "tuned_on_reported_folds": wording.tuned_on_reported_folds(record),
            "tuned": {arm: dict(zip(("on", "by"), record.tuned(arm), strict=True)) for arm in arm_names(record)},
            "chosen": chosen_hyperparameters(record).to_dict("records"),
        },
        "arms": [_arm(evidence, row) for row in scores.arms.to_dict("records")],
        "comparisons": [comparison_entry(each) for each in evidence.claims],
        "comparisons_refused": evidence.claims_refused or None,
        "contrasts": _contrasts(evidence),
        "protocol_effects": [asdict(each) for each in evidence.protocols],
        "searches": [{"arm": arm} | search for arm, search in searches_of(record).items()],
        "hard_clips": _hard_clips(evidence),
        "leakage": evidence.leakage.to_dict("records"),
        "stopped_early": stopped_early(record),
        "failures": failures(record).to_dict("records"),
        "devices": sorted(set(record.folds.loc[record.folds["phase"] == "final", "device"].dropna()) - {"-", ""}),
        "environment": published_environment(record.environment),
        "spec": recorded_document(_published(spec)),
    }
    plain: dict[str, Any] = json_data(found)
    return plain


def results_json(evidence: Evidence) -> bytes:
    """Return :func:`results` as UTF-8 JSON text."""
    text = json.dumps(results(evidence), indent=1, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def _published(spec: StudySpec) -> StudySpec:
    """Return the study with the default instead of a store at an absolute path of the machine."""
    if without_folders(spec.tracking.uri) == spec.tracking.uri:
        return spec
    tracking = spec.tracking.model_copy(update={"uri": type(spec.tracking)().uri})
    return spec.model_copy(update={"tracking": tracking})


def _arm(evidence: Evidence, summary: Mapping[Any, Any]) -> dict[str, Any]:
    record, scores, name = evidence.record, evidence.scores, str(summary["arm"])
    test = evidence.intervals.get(name)
    described = next((arm for arm in record.spec.arms if arm.name == name), None)
    folds = scores.folds[scores.folds["arm"] == name]
    runs = scores.runs[scores.runs["arm"] == name]
    classes = scores.classes[scores.classes["arm"] == name]
    by_class = classes.groupby("class")["accuracy"]
    means, deviations = by_class.mean(), by_class.std(ddof=1)
    return {
        "name": name,
        **{key: getattr(described, key, None) for key in ("model", "features", "fuse", "rule", "level", "set")},
        "protocol": record.protocol(name).model_dump(mode="json"),
        "n_folds": summary["n_folds"],
        "n_seeds": [summary["seeds_min"], summary["seeds_max"]],
        "missing_folds": [fold for fold in record.tested(name) if fold not in set(folds["fold"])],
        "mean": {score: summary[f"{score}_mean"] for score in SCORES},
        "sd": {score: summary[f"{score}_sd"] for score in SCORES},
        "learnt": wording.last_training_accuracy(record).get(name),
        "interval": [test.low / 100, test.high / 100] if test else None,
        "folds": folds.drop(columns="arm").to_dict("records"),
        "runs": runs.drop(columns="arm").to_dict("records"),
        "classes": [
            {
                "class": label,
                "mean": means.get(position),
                "sd": deviations.get(position),
                "folds": {
                    str(int(fold)): value
                    for fold, value in classes.loc[classes["class"] == position, ["fold", "accuracy"]].to_numpy()
                },
            }
            for position, label in enumerate(record.classes)
        ],
        "confusion": scores.confusions.get(name),
    }


def _contrasts(evidence: Evidence) -> dict[str, Any]:
    """Return the pairs of arms, the family that Holm's correction covers, and Cochran's Q."""
    arms = evidence.arms
    return {
        "family": arms.family,
        "pairs": [contrast_entry(each) for each in arms.contrasts],
        "cochran": {"arms": list(arms.cochran_arms), **asdict(arms.cochran)} if arms.cochran else None,
    }


def _hard_clips(evidence: Evidence) -> dict[str, Any]:
    """Return counts of the clips that all arms miss, and of those that only a fusion gets right: total and by class."""
    missed, only = evidence.clips.missed_by_all, evidence.clips.only_fusion
    return {
        "n_clips": evidence.clips.n_clips,
        "missed_by_all": {"count": len(missed), "classes": missed["class"].value_counts().sort_index().to_dict()},
        "only_fusion": [
            {"arm": arm, "count": len(own), "classes": own["class"].value_counts().sort_index().to_dict()}
            for arm in evidence.fused
            for own in [only[only["arm"] == arm]]
        ],
    }
