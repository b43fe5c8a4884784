"""How much of the variance between trials each hyperparameter explains."""

from __future__ import annotations

import warnings

import optuna
from optuna.trial import TrialState

_FEWEST = 4


def importances(study: optuna.Study) -> dict[str, float]:
    """Return each hyperparameter's share of the variance between trials (fANOVA, Hutter et al. 2014), by dotted name,
    largest first; the shares sum to 1.

    A trial's value is its mean validation accuracy over folds, where a stopped training counts with its best score and
    a failed one with 0. Empty where it cannot be estimated: fewer than four trials with a value, or trials with equal
    scores. The forest behind it has a fixed seed, so that the same trials give the same shares.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < _FEWEST or len({trial.value for trial in complete}) < 2:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in found.items()}
