"""Fold accuracies compared with published ones, and systems compared with each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from harness.choices import ReadAs

if TYPE_CHECKING:
    import pandas as pd

    from harness.comparisons.systems.system_comparison import SystemComparisons


@overload
def compare(
    scores: str | Path | Mapping[str, Mapping[int, float]],
    claims: str | Sequence[str] = (),
    contrasts: Sequence[tuple[str, str]] = (),
    *,
    dataset: str | None = None,
    data_folds: int | None = None,
    validation_apart: bool = False,
    margin: float = 2.0,
    confidence: float = 0.95,
    claim_exact: bool = False,
    read_as: str | None = None,
    claims_folders: Sequence[str | Path] = (),
) -> pd.DataFrame: ...


@overload
def compare(
    *,
    predictions: Mapping[str, str | Path | pd.DataFrame] | Iterable[str | Path],
    contrasts: Sequence[tuple[str, str]] = (),
    reference: str = "",
    task: str = "",
    dataset: str | None = None,
    data_folds: int | None = None,
    validation_apart: bool = False,
    margin: float = 2.0,
    confidence: float = 0.95,
) -> SystemComparisons: ...


def compare(
    scores: str | Path | Mapping[str, Mapping[int, float]] | None = None,
    claims: str | Sequence[str] = (),
    contrasts: Sequence[tuple[str, str]] = (),
    *,
    predictions: Mapping[str, str | Path | pd.DataFrame] | Iterable[str | Path] | None = None,
    reference: str = "",
    task: str = "",
    dataset: str | None = None,
    data_folds: int | None = None,
    validation_apart: bool = False,
    margin: float = 2.0,
    confidence: float = 0.95,
    claim_exact: bool = False,
    read_as: str | None = None,
    claims_folders: Sequence[str | Path] = (),
) -> pd.DataFrame | SystemComparisons:
    """Compare fold accuracies from any code with published ones, or systems with each other, as ``harness compare``
    does.

    All comparisons of a call are one family for Holm's correction.

    Parameters
    ----------
    scores
        By arm, the accuracy of each fold in percent; or a CSV file with columns ``fold``, ``accuracy`` and optionally
        ``seed`` and ``arm``.
    claims
        Addresses of claims, such as ``"su2019:T2/LMCNet"``.
    contrasts
        Pairs of arms, or of systems; by default every pair of systems.
    predictions
        Instead of ``scores``: files of systems, or by name files and tables. A table has the columns ``clip``,
        ``y_true`` and either ``y_pred`` or one ``p_CLASS`` for each class, and optionally ``fold``, ``seed`` and
        ``recording``; files are such tables (CSV, Parquet), results of MTEB and HEAR, logs of X-ARES, and confusion
        matrices.
    reference
        A system that all others are compared with.
    task
        The task, where a file has several.
    dataset
        Data set of the scores or predictions; by default, of scores, that of the first claim.
    data_folds
        Number of folds that took part; by default all of the data set, or of predictions without one those tested.
    validation_apart
        Whether one of them was held out for validation.
    margin
        Margin of equivalence, in percentage points.
    confidence
        Of intervals; tests reject at 1 - confidence.
    claim_exact
        Whether to take a claim that is a mean over folds of unknown SD as exact.
    read_as
        ``"replication"`` or ``"reference"``; by default as the claim states.
    claims_folders
        Folders of further claims files.

    Returns
    -------
    DataFrame or SystemComparisons
        Of scores, one row per comparison: ``arm``, ``with`` (a claim's address or another arm), ``difference``, ``low``
        and ``high`` (interval of the difference), ``p``, ``p_holm``, ``p_equivalence``, ``p_equivalence_holm``,
        ``verdict`` and ``reason``. Of predictions, a
        :class:`harness.comparisons.systems.system_comparison.SystemComparisons`: ``table`` (one row per system:
        accuracy, rank, both with intervals), ``pairs`` (one row per pair), ``groups`` and ``notes``.

    Raises
    ------
    HarnessError
        When a claim is unknown, or a file cannot be read or compared.
    TypeError
        When neither or both of ``scores`` and ``predictions`` are given.

    Examples
    --------
    >>> folds = {fold: 80.0 + fold % 3 for fold in range(1, 11)}
    >>> compare({"mine": folds}, "su2019:T2/LMCNet")[["arm", "verdict"]].values.tolist()
    [['mine', 'lower']]

    >>> import pandas as pd
    >>> clips = {"clip": [f"{n}.wav" for n in range(60)], "y_true": ["dog", "rain"] * 30}
    >>> mine = pd.DataFrame({**clips, "y_pred": ["dog", "rain"] * 27 + ["rain", "dog"] * 3})
    >>> theirs = pd.DataFrame({**clips, "y_pred": ["dog"] * 60})
    >>> found = compare(predictions={"mine": mine, "theirs": theirs})
    >>> found.table[["system", "accuracy", "group"]].values.tolist()
    [['mine', 90.0, 'a'], ['theirs', 50.0, 'b']]
    """
    if (scores is None) == (predictions is None):
        raise TypeError("compare() takes either scores or predictions")
    if predictions is not None:
        from harness.comparisons.claim_comparison import Rules
        from harness.comparisons.systems.system_comparison import compare_systems, systems_from
        from harness.registry import DATASETS

        if dataset is not None and data_folds is None:
            data_folds = len(DATASETS.get(dataset).folds)
        return compare_systems(
            systems_from(predictions, task),
            contrasts,
            Rules(margin, confidence),
            reference=reference,
            data_folds=data_folds,
            validation_apart=validation_apart,
        )
    import pandas as pd

    from harness.claims import load_library
    from harness.comparisons.against_claim import Rules
    from harness.comparisons.fold_scores import compare_scores, conditions_of_scores, contrast_scores, one_family
    from harness.comparisons.score_file import read_scores

    assert scores is not None
    addresses = (claims,) if isinstance(claims, str) else tuple(claims)
    library = load_library([Path(folder) for folder in claims_folders])
    name = dataset or (library.claim(addresses[0]).table.dataset if addresses else None)
    if isinstance(scores, Mapping):
        arms: Mapping[str, Any] = {
            arm: {"fold": list(folds), "accuracy": [float(value) for value in folds.values()]}
            for arm, folds in scores.items()
        }
    else:
        arms = read_scores(Path(scores), name).arms
    conditions = conditions_of_scores(arms, library, addresses, dataset, data_folds, validation_apart=validation_apart)
    rules = Rules(margin, confidence, claim_exact)
    with_claims, between = one_family(
        compare_scores(arms, addresses, library, conditions, rules, ReadAs(read_as) if read_as else None),
        contrast_scores(arms, list(contrasts), conditions, rules),
        rules,
    )
    rows = [_claim_row(each) for each in with_claims] + [_contrast_row(each) for each in between]
    return pd.DataFrame(rows)


def _claim_row(each: Any) -> dict[str, Any]:
    decisive = each.decisive
    return {
        "arm": each.arm,
        "with": each.claim.address,
        "difference": each.difference,
        "low": decisive.low if decisive else None,
        "high": decisive.high if decisive else None,
        **_p_values(each),
        "verdict": each.outcome,
        "reason": each.decision.reason,
    }


def _contrast_row(each: Any) -> dict[str, Any]:
    low, high = each.interval or (None, None)
    return {
        "arm": each.first,
        "with": each.second,
        "difference": each.mean,
        "low": low,
        "high": high,
        **_p_values(each),
        "verdict": each.decision.verdict.value,
        "reason": each.decision.reason,
    }


def _p_values(each: Any) -> dict[str, Any]:
    return {
        "p": each.p,
        "p_holm": each.p_adjusted,
        "p_equivalence": each.p_equivalence,
        "p_equivalence_holm": each.p_equivalence_adjusted,
    }
