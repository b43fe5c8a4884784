"""Synthetic study records: what the tracking store would read back, without a store, audio or training."""

from __future__ import annotations

import copy
import dataclasses
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.record import StudyRecord
from harness.registry import DATASETS
from harness.study import StudySpec, read_recorded, recorded_document
from harness.study.arms import NAME

ESC10 = ("dog", "rooster", "rain", "sea_waves", "crackling_fire", "crying_baby", "sneezing", "clock_tick", "helicopter",
         "chainsaw")  # fmt: skip
US8K = ("air_conditioner", "car_horn", "children_playing", "dog_bark", "drilling", "engine_idling", "gun_shot",
        "jackhammer", "siren", "street_music")  # fmt: skip
TRAINED = (("LMCNet", "su4", "LMC", 1.1), ("MCNet", "su4", "MC", 1.0), ("MLMC", "su4", "MLMC", 0.8))
FUSED = ("TSCNN-DS", ("LMCNet", "MCNet"), "dempster-shafer")

PAPERS = Path(__file__).parents[1] / "harness" / "claims" / "papers"

ROOMS: dict[str, Any] = {
    "source": {
        "key": "rooms",
        "title": "Hearing rooms",
        "authors": "the test suite",
        "year": 2026,
        "unpublished": "this file",
    },
    "table": [
        {
            "id": name,
            "title": "made for these tests",
            "where": "here",
            "role": "claim",
            "dataset": "rooms",
            "estimand": "macro",
            "split": split,
            "folds": folds,
            "classes": ["door", "kettle", "tap"],
            "column": [{"name": "Net", "value": "70.0", "classes": ["60", "70", "80"]}],
        }
        for name, split, folds in (("T1", "official", 1), ("T2", "official", 5), ("T3", "one split", 1))
    ],
}

MakeRecord = Callable[..., StudyRecord]


def build_record(
    *,
    name: str = "synthetic-study",
    dataset: str = "esc10",
    folds: Sequence[int] = (1, 2, 3, 4, 5),
    n_seeds: int = 2,
    classes: Sequence[str] = ESC10,
    trained: Sequence[tuple[str, str, str, float]] = TRAINED,
    fused: tuple[str, Sequence[str], str] | None = FUSED,
    clips_per_class: int = 4,
    trials: int = 0,
    status: str = "FINISHED",
    seed: int = 7,
    compare: Sequence[tuple[str, str]] = (),
    **sections: dict[str, Any],
) -> StudyRecord:
    """Return a record whose arms get better from class to class, fold to fold and arm to arm, all from ``seed``.

    ``compare`` holds pairs of a claim's address and an arm; the built-in papers they name are recorded along. With
    ``trials`` the trained arms were searched: trials 0 and 1 complete, 2 pruned, 3 failed, the rest complete.
    """
    rng = np.random.default_rng(seed)
    n = len(classes)
    tables, history, runs = [], [], []
    for fold in folds:
        labels = np.repeat(np.arange(n), clips_per_class)
        ids = [f"{fold}-{clip:05d}-{label}" for clip, label in enumerate(labels)]
        recordings = [f"r{fold}-{clip // 2}" for clip in range(len(labels))]
        hard = rng.normal(0, 0.5, size=(n, n)) + (0.3 * fold if dataset != "esc50" else 0.05 * fold)
        for index in range(n_seeds):
            for arm, _, _, skill in trained:
                segments = rng.integers(3, 9, len(labels))
                logits = rng.normal(0, 1, (len(labels), n)) + 0.3 * hard[labels]
                logits[np.arange(len(labels)), labels] += 2.2 * skill + np.linspace(-0.6, 0.9, n)[labels]
                p = np.exp(logits)
                tables.append(_table(arm, fold, index, ids, recordings, labels, p / p.sum(1, keepdims=True), segments))
                right = np.where(p.argmax(1) == labels, segments - 1, segments // 3)
                tables[-1]["n_segments_correct"] = right
                history.append(_history(rng, arm, fold, index))
                runs.append(_run(arm, "final", 1 if trials else None, fold, index, rng))
    predictions = pd.concat(tables, ignore_index=True)
    columns = [f"p_{label}" for label in range(n)]
    if fused is not None:
        arm, streams, _ = fused
        parts = [predictions[predictions["arm"] == stream].reset_index(drop=True) for stream in streams]
        product = np.prod([part[columns].to_numpy() for part in parts], axis=0)
        joined = parts[0].assign(arm=arm, n_segments=0, n_segments_correct=0)
        joined[columns] = product / product.sum(1, keepdims=True)
        predictions = pd.concat([predictions, joined], ignore_index=True)
    for trial in range(trials):
        runs += [_run(arm, "search", trial, fold, 0, rng) for arm, *_ in trained for fold in folds]
    compared = {"compare": [{"claim": claim, "arm": arm} for claim, arm in compare]} if compare else {}
    spec = study_of(_spec(name, dataset, folds, n_seeds, trained, fused, trials) | compared | sections)
    return StudyRecord(
        name=name,
        run_id="0123456789abcdef0123456789abcdef",
        status=status,
        spec=spec,
        classes=tuple(classes),
        # The order of a store is not the order of a report.
        predictions=predictions.sample(frac=1, random_state=3).reset_index(drop=True),
        history=pd.concat(history, ignore_index=True),
        folds=pd.DataFrame(runs),
        leakage=pd.DataFrame([_leak(fold, len(classes) * clips_per_class, n) for fold in folds]),
        environment=_environment(name),
        seconds=1234.5,
        searches={arm: _search(rng, arm, folds, trials) for arm, *_ in trained} if trials else {},
        claims={key: tomllib.loads((PAPERS / f"{key}.toml").read_text("utf-8")) for key in _papers(compare)},
    )


def study_of(document: dict[str, Any]) -> StudySpec:
    """Return the study that ``document`` records. Names of arms that no study file may have are taken all the same."""
    names = [arm["name"] for arm in document["arms"]]
    if all(re.match(NAME, name) for name in names):
        return read_recorded(document, "synthetic study", {})
    safe = {name: f"arm {number}" for number, name in enumerate(names)}
    arms = [{**arm, "name": safe[arm["name"]]} for arm in document["arms"]]
    arms = [{**arm, "fuse": [safe[each] for each in arm["fuse"]]} if arm.get("fuse") else arm for arm in arms]
    compare = [{**each, "arm": safe[each["arm"]]} for each in document.get("compare", ())]
    return renamed(read_recorded({**document, "arms": arms, "compare": compare}, "synthetic study", {}), names)


def renamed(spec: StudySpec, names: Sequence[str]) -> StudySpec:
    """Return ``spec`` whose arms have these ``names``, unchecked."""
    new = {arm.name: name for arm, name in zip(spec.arms, names, strict=True)}
    arms = [
        arm.model_copy(update={"name": new[arm.name], "fuse": arm.fuse and tuple(new[each] for each in arm.fuse)})
        for arm in spec.arms
    ]
    compare = [each.model_copy(update={"arm": new[each.arm]}) for each in spec.compare]
    return spec.model_copy(update={"arms": tuple(arms), "compare": tuple(compare)})


def restudied(record: StudyRecord, **sections: Any) -> StudyRecord:
    """Return ``record`` whose study has these fields of sections, and these lists, instead."""
    document = recorded_document(record.spec)
    for name, value in sections.items():
        document[name] = {**document.get(name, {}), **value} if isinstance(value, dict) else value
    return dataclasses.replace(record, spec=study_of(document))


def with_arm(record: StudyRecord, name: str, **fields: Any) -> StudyRecord:
    """Return ``record`` whose arm ``name`` has these ``fields``."""
    arms = recorded_document(record.spec)["arms"]
    return restudied(record, arms=[{**arm, **fields} if arm["name"] == name else arm for arm in arms])


def us8k_record(**changes: Any) -> StudyRecord:
    """Return a record of UrbanSound8K on all ten folds whose arms are compared with table 2 of Su et al. 2019."""
    names = [arm for arm, *_ in TRAINED] + [FUSED[0]]
    compare = [(f"su2019:T2/{arm}", arm) for arm in names]
    settings = {"dataset": "urbansound8k", "folds": range(1, 11), "n_seeds": 1, "classes": US8K, "clips_per_class": 6}
    return build_record(**{**settings, "compare": compare, **changes})


def holdout_record(
    *, clips_per_class: int = 40, n_seeds: int = 2, data: dict[str, Any] | None = None, **sections: Any
) -> StudyRecord:
    """Return a record of two arms and their fusion on the test part of a user's own data, three classes of recordings
    with two clips. ``data`` replaces what was found in its CSV file; the claims are ``rooms:T1/Net``, 70.0 % of one
    training, and ``rooms:T2/Net`` over 5 folds."""
    classes = ("door", "kettle", "tap")
    record = build_record(
        folds=(1,),
        n_seeds=n_seeds,
        classes=classes,
        trained=TRAINED[:2],
        clips_per_class=clips_per_class,
    )
    found = {"folds": [1, 2, 3], "holdout": True, "clips": 500, "recordings": True, **(data or {})}
    csv = {"name": "rooms", "metadata": "clips.csv", "classes": list(classes), "found": found}
    record = restudied(
        record,
        data={"dataset": "csv", "folds": None, "csv": csv},
        evaluate={"folds": None, **sections.pop("evaluate", {})},
        **sections,
    )
    return dataclasses.replace(record, claims={"rooms": copy.deepcopy(ROOMS)})


def searched_record(**changes: Any) -> StudyRecord:
    """Return a small record with a search whose trials ended in every way, and a comparison; it says the accuracies of
    its search twice, as a store does, and says the same."""
    settings = {"folds": (1, 2, 3), "n_seeds": 1, "clips_per_class": 1, "trials": 4}
    compare = [("piczak2015cnn:ESC-10/CNN", TRAINED[0][0])]
    record = build_record(**{**settings, "trained": TRAINED[:2], "compare": compare, **changes})
    folds = record.folds.copy()
    for arm, search in record.searches.items():
        for trial in search["trials"]:
            for fold, score in trial["validation_macro_accuracy"].items():
                same = (folds["arm"] == arm) & (folds["phase"] == "search") & (folds["trial"] == trial["trial"])
                folds.loc[same & (folds["fold"] == int(fold)), "validation_macro_accuracy"] = score
    return dataclasses.replace(record, folds=folds)


def restated(record: StudyRecord, key: str, **fields: Any) -> StudyRecord:
    """Return ``record`` with a recorded paper whose tables of accuracies state ``fields``; None leaves a field out."""
    claims = copy.deepcopy(record.claims)
    for table in claims[key]["table"]:
        table.update(fields)
        for name in [name for name, value in fields.items() if value is None]:
            del table[name]
    return dataclasses.replace(record, claims=claims)


def with_fold_sd(record: StudyRecord) -> StudyRecord:
    """Return ``record`` where Piczak's network comes with an SD over folds, 5.5 points, and without fold values."""
    record = restated(record, "piczak2015cnn", tuning="none")
    for table in record.claims["piczak2015cnn"]["table"]:
        for column in table["column"]:
            column.pop("folds", None)
            column["dispersion"] = {"value": "5.5", "kind": "folds"}
    return record


def _papers(compare: Sequence[tuple[str, str]]) -> list[str]:
    return sorted({claim.partition(":")[0] for claim, _ in compare})


def _search(rng: np.random.Generator, arm: str, folds: Sequence[int], trials: int) -> dict[str, Any]:
    """Return a search with trials of every state."""
    states = (["complete", "complete", "pruned", "failed"] + ["complete"] * trials)[:trials]
    scored = {"complete": list(folds), "pruned": list(folds)[:1], "failed": []}
    entries = [
        {
            "trial": trial,
            "state": state,
            "values": {"train.lr": 0.001 * (1 + trial), "model.dropout": 0.3},
            "validation_macro_accuracy": {str(fold): float(rng.uniform(0.6, 0.8)) for fold in scored[state]},
            "stopped": {str(fold): 3 for fold in list(folds)[1:]} if state == "pruned" else {},
            "error": "boom" if state == "failed" else "",
        }
        for trial, state in enumerate(states)
    ]
    chosen = {str(fold): min(1, trials - 1) for fold in folds}
    importance = {"train.lr": 0.8, "model.dropout": 0.2} if trials > 3 else {}
    return {"arm": arm, "trials": entries, "chosen": chosen, "importance": importance}


def _table(
    arm: str, fold: int, seed: int, ids: list[str], recordings: list[str], labels: Any, p: Any, segments: Any
) -> pd.DataFrame:
    keys = {"arm": arm, "fold": fold, "seed": seed, "clip_id": ids, "recording": recordings, "y_true": labels}
    return pd.DataFrame(keys | {f"p_{k}": p[:, k] for k in range(p.shape[1])} | {"n_segments": segments})


def _history(rng: np.random.Generator, arm: str, fold: int, seed: int) -> pd.DataFrame:
    epochs = np.arange(1, 31)
    fall = np.exp(-epochs / (6 + fold))
    return pd.DataFrame(
        {
            "arm": arm,
            "fold": fold,
            "seed": seed,
            "epoch": epochs,
            "lr": 0.001,
            "train_loss": 2.2 * fall + 0.05 + rng.normal(0, 0.02, 30),
            "train_segment_accuracy": 1 - 0.85 * fall,
            "validation_loss": 1.9 * fall + 0.5 + rng.normal(0, 0.05, 30),
            "validation_macro_accuracy": np.clip(0.8 - 0.6 * fall + rng.normal(0, 0.02, 30), 0, 1),
            "validation_clip_accuracy": np.clip(0.8 - 0.6 * fall, 0, 1),
        }
    )


def _run(arm: str, phase: str, trial: int | None, fold: int, seed: int, rng: np.random.Generator) -> dict[str, Any]:
    lr = 0.001 * (1 + (trial or 0))
    return {
        "arm": arm,
        "phase": phase,
        "trial": trial,
        "fold": fold,
        "seed": seed,
        "run_id": f"{arm}-{phase}-{trial}-{fold}-{seed}",
        "status": "FINISHED",
        "error": "",
        "best_epoch": 30,
        "seconds": 12.5,
        "segments_per_second": 800.0,
        "device": "cpu",
        "params": {} if trial is None else {"train.lr": lr, "model.dropout": 0.3},
        "validation_macro_accuracy": float(rng.uniform(0.6, 0.8)),
    }


def _leak(fold: int, n_test: int, n: int) -> dict[str, Any]:
    return {
        "protocol": "official",
        "fold": fold,
        "final_train": "train",
        "unit": "clip",
        "n_test": n_test,
        "n_test_sharing_recording": 0,
        "n_test_sharing_clip": 0,
        "n_validation": n_test,
        "n_validation_sharing_recording": n if fold == 2 else 0,
        "n_validation_sharing_clip": 0,
        "recordings": [],
    }


def _spec(
    name: str,
    dataset: str,
    folds: Sequence[int],
    n_seeds: int,
    trained: Sequence[tuple[str, str, str, float]],
    fused: tuple[str, Sequence[str], str] | None,
    trials: int,
) -> dict[str, Any]:
    arms: list[dict[str, Any]] = [
        {"name": arm, "model": model, "features": features} for arm, model, features, _ in trained
    ]
    if fused is not None:
        arms.append({"name": fused[0], "fuse": list(fused[1]), "rule": fused[2], "level": "clip"})
    search: dict[str, Any] = {"trials": trials, "sampler": "tpe", "selection": "per-fold"}
    if trials:
        search["space"] = {"train.lr": {"low": 1e-4, "high": 1e-2}, "model.dropout": {"low": 0.1, "high": 0.5}}
    # A study has three folds at least, of which it may test fewer.
    used = list(folds) if 3 <= len(folds) < len(DATASETS.get(dataset).folds) else None
    return {
        "study": {"name": name, "question": "Does TSCNN-DS beat its streams on ESC-10?", "seed": 2019},
        "data": {"dataset": dataset, "folds": used},
        "protocol": {"split": "official", "epoch_rule": "fixed", "final_train": "train"},
        "arms": arms,
        "search": search,
        "evaluate": {"seeds": n_seeds, "folds": list(folds) if len(folds) < 3 else None, "margin": 2.0},
    }


def _environment(name: str) -> dict[str, Any]:
    return {
        "harness": "0.1.0",
        "python": {"version": "3.11.7", "implementation": "CPython"},
        "packages": {f"package{number}": "1.0" for number in range(150)} | {"torch": "2.11.0", "numpy": "2.4.0"},
        "hardware": {"cpu": "Some CPU @ 2.5 GHz", "cores_usable": 2, "memory_bytes": 8 * 2**30, "gpus": []},
        "platform": "Linux-6.1-x86_64-with-glibc2.36",
        "git": {"commit": "0f" * 20, "branch": "main", "dirty": True, "untracked": ["studies/a_b.toml"]},
        "command": f"harness run-study studies/{name}.toml --set train.epochs=30 --set 'study.question=a \"b\"'",
        "overrides": ["train.epochs=30"],
        "digests": {"data": "ab" * 32, "lock": "cd" * 32, "features": {"LMC": "12" * 32, "MC": "34" * 32}},
    }
