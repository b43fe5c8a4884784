"""Digests that identify recorded work: of a study with its inputs, of a part of a split, of predictions.

All are SHA-256 in hexadecimal. The digest of a training is :attr:`harness.training.task.FoldTask.digest`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.data.splits import Part
from harness.study import DECLARATIONS, Arm, Comparison, Dotted, StudySpec
from harness.study.dotted import selection
from harness.system.redaction import mask_tree

EXTENT = ("arms", "evaluate.seeds")
"""Fields that determine which trainings a study has but change none of them: arms and seeds may be added and removed.
A study run can be resumed with others, but records that if something had been tested, since the choice may then depend
on results."""


def spec_document(spec: StudySpec) -> dict[str, Any]:
    """Return a study as it is recorded: JSON data with every field, secrets masked."""
    document: dict[str, Any] = mask_tree(spec.model_dump(mode="json"))
    return document


def spec_digest(spec: StudySpec, digests: Mapping[str, str]) -> str:
    """Return the digest of a resolved study and of its inputs' ``digests`` (``data``, ``features.LMC`` ...).

    Where runs are recorded is left out because it changes no result. The question and the comparisons
    (:data:`DECLARATIONS`) are left out because they change no training.
    """
    return document_digest(spec.model_dump(mode="json"), digests)


def document_digest(document: Mapping[str, Any], digests: Mapping[str, str], *, comparisons: bool = False) -> str:
    """Return :func:`spec_digest` of a study as JSON data, such as an earlier version recorded it.

    With ``comparisons`` the digest includes question and comparisons, as in earlier versions.
    """
    left_out = ["search.storage", *(() if comparisons else ("study.question", *DECLARATIONS))]
    if document.get("search", {}).get("parallel_trials") == 1:
        # As in records of earlier versions, which had no such field.
        left_out.append("search.parallel_trials")
    kept = {name: section for name, section in document.items() if name != "tracking"}
    return _digest({"spec": _without(kept, *left_out), "inputs": dict(digests)})


def core_digest(document: Mapping[str, Any], data_digest: str) -> str:
    """Return the digest of a study as JSON data without its :data:`EXTENT`, and of its audio.

    The study's own feature sets are left out too, so that some can be added with the arms that use them; those that
    arms use are compared by the digests of their contents.
    """
    kept = _without(document, *EXTENT)
    features = kept.get("features")
    if isinstance(features, Mapping) and "sets" in features:
        kept["features"] = {**features, "sets": {}}
    return document_digest(kept, {"data": data_digest})


def _without(document: Mapping[str, Any], *dotted: str) -> dict[str, Any]:
    """Return a study as JSON data without the given fields and lists."""
    kept = dict(document)
    for name in map(Dotted.parse, dotted):
        if not name.field:
            kept.pop(name.section, None)
        elif isinstance(section := kept.get(name.section), Mapping):
            kept[name.section] = {key: value for key, value in section.items() if key != name.field}
    return kept


def changed_declarations(before: StudySpec, after: StudySpec) -> list[str]:
    """Return which of :data:`DECLARATIONS` and :data:`EXTENT` differ between two studies.

    ``before`` is the recorded one, with its secrets masked.
    """
    return [
        str(name)
        for name in map(Dotted.parse, (*DECLARATIONS, *EXTENT))
        if _shown(name, before) != _shown(name, after)
        and not (str(name) == "compare" and _compare_alike(before.compare, after.compare))
    ]


def _shown(name: Dotted, spec: StudySpec) -> Any:
    return mask_tree(spec.model_dump(mode="json", include=selection([str(name)])))


def _compare_alike(before: Sequence[Comparison], after: Sequence[Comparison]) -> bool:
    """Return whether two studies make the same comparisons; one that does not state how a claim is read matches any."""

    def alike(first: Comparison, second: Comparison) -> bool:
        same = (first.claim, first.arm) == (second.claim, second.arm)
        return same and (first.read_as == second.read_as or None in (first.read_as, second.read_as))

    return len(before) == len(after) and all(map(alike, before, after))


def search_digest(spec: StudySpec, arm: Arm, digests: Mapping[str, str]) -> str:
    """Return the digest of everything that determines the search of ``arm``.

    That is the study without its :data:`EXTENT`, the arm without its number of seeds, and those of the inputs'
    ``digests`` that the arm learns from.
    """
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


def arms_agree(before: StudySpec, after: StudySpec) -> bool:
    """Return whether the arms that two studies share by name differ at most in their number of seeds.

    ``before`` is the recorded one, with its secrets masked.
    """

    def by_name(spec: StudySpec) -> dict[str, Any]:
        return {arm.name: mask_tree(arm.model_dump(mode="json", exclude={"seeds"})) for arm in spec.arms}

    first, second = by_name(before), by_name(after)
    return all(first[name] == second[name] for name in first.keys() & second.keys())


def part_digest(part: Part, data_digest: str = "") -> str:
    """Return the digest of the items of a ``part`` within the data set that has the digest ``data_digest``."""
    arrays = [part.clips] if part.segments is None else [part.clips, part.segments]
    return _digest({"data": data_digest, "items": [_bytes_digest(array) for array in arrays]})


def predictions_digest(whose: str, clips: Mapping[str, pd.DataFrame]) -> str:
    """Return the digest of the clip predictions, by part, of the training named ``whose``: of the columns and every
    value."""
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
