"""Digests by which recorded work is found again: of a study with its inputs, of a split part, of predictions.

SHA-256, hex. That of a training is :attr:`harness.training.task.FoldTask.digest`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.data.splits import Part
from harness.study import DECLARATIONS, Arm, StudySpec

EXTENT = ("arms", "evaluate.seeds")
"""Fields that say which trainings a study has, but change none of them: arms may come and go, and so may seeds. A study
run goes on with others, but says so where something had been tested already: these can be chosen by results too."""


def spec_digest(spec: StudySpec, digests: Mapping[str, str]) -> str:
    """Return the digest of a resolved study and of its inputs' ``digests`` (``data``, ``features.LMC`` ...).

    Where runs are recorded is left out, for it changes no result; so are the question and what results are compared
    with (:data:`DECLARATIONS`), for they change no training.
    """
    return resolved_digest(spec.model_dump(mode="json"), digests)


def resolved_digest(resolved: Mapping[str, Any], digests: Mapping[str, str], *, comparisons: bool = False) -> str:
    """Return :func:`spec_digest` of a study as JSON data, such as an earlier version recorded it.

    ``comparisons`` takes question and comparisons in, as earlier versions did.
    """
    kept = {name: section for name, section in resolved.items() if name != "tracking"}
    left_out = ["search.storage"] if comparisons else ["search.storage", "study.question", *DECLARATIONS]
    for dotted in left_out:
        section, _, field = dotted.partition(".")
        if field and section in kept:
            kept[section] = {name: value for name, value in kept[section].items() if name != field}
        elif not field:
            kept.pop(section, None)
    return _digest({"spec": kept, "inputs": dict(digests)})


def changed_declarations(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return which of :data:`DECLARATIONS` and :data:`EXTENT` differ between two resolved studies.

    A field that an earlier version did not have yet has its default.
    """

    def value(resolved: Mapping[str, Any], dotted: str) -> Any:
        section, _, field = dotted.partition(".")
        if not field:
            return resolved.get(section)
        defaults = StudySpec.model_fields[section].default.model_dump(mode="json")
        return {**defaults, **(resolved.get(section) or {})}[field]

    changed = [dotted for dotted in (*DECLARATIONS, *EXTENT) if value(before, dotted) != value(after, dotted)]
    if "compare" in changed and _same_comparisons(before.get("compare") or (), after.get("compare") or ()):
        changed.remove("compare")
    return changed


def _same_comparisons(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether two studies compare alike; one that does not say what a claim is compared as leaves it open."""

    def filled(entry: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
        return {**entry, "as": entry.get("as") or other.get("as")}

    pairs = list(zip(before, after, strict=False))
    return len(before) == len(after) and all(filled(first, second) == filled(second, first) for first, second in pairs)


def core_digest(resolved: Mapping[str, Any], data_digest: str) -> str:
    """Return the digest of a study as JSON data without its :data:`EXTENT`, and of its audio."""
    evaluate = {name: value for name, value in resolved["evaluate"].items() if name != "seeds"}
    core = {name: section for name, section in resolved.items() if name != "arms"} | {"evaluate": evaluate}
    return resolved_digest(core, {"data": data_digest})


def search_digest(spec: StudySpec, arm: Arm, digests: Mapping[str, str]) -> str:
    """Return the digest of what decides the search of ``arm``: the study without its :data:`EXTENT`, the arm without
    its number of seeds, and of the inputs' ``digests`` those that it learns from."""
    own = arm.model_dump(mode="json", exclude={"seeds"})
    return _digest(
        {
            # Trials that earlier versions recorded lack the curves that pruning within a fold needs.
            "version": 2,
            "study": core_digest(spec.model_dump(mode="json"), digests["data"]),
            "arm": own,
            "features": digests[f"features.{arm.features}"],
        }
    )


def arms_agree(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether the arms that two resolved studies share by name are the same but for their number of seeds."""

    def by_name(resolved: Mapping[str, Any]) -> dict[str, Any]:
        return {arm["name"]: {**arm, "seeds": None} for arm in resolved["arms"]}

    first, second = by_name(before), by_name(after)
    return all(first[name] == second[name] for name in first.keys() & second.keys())


def part_digest(part: Part, data_digest: str = "") -> str:
    """Return the digest of the items of a ``part`` within the data set that ``data_digest`` stands for."""
    arrays = [part.clips] if part.segments is None else [part.clips, part.segments]
    return _digest({"data": data_digest, "items": [_bytes_digest(array) for array in arrays]})


def predictions_digest(whose: str, clips: Mapping[str, pd.DataFrame]) -> str:
    """Return the digest of the clip predictions, by part, of ``whose`` training: of their columns and every value."""
    digest = hashlib.sha256(f"{whose};".encode())
    for part, frame in sorted(clips.items()):
        digest.update(f"{part}:{','.join(map(str, frame.columns))};".encode())
        digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def text_digest(parts: Mapping[str, str]) -> str:
    """Return one digest for several named ones."""
    return _digest(dict(parts))


def _bytes_digest(array: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(array, dtype="<i8").tobytes()).hexdigest()


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
