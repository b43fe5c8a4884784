"""What stopping trainings early saves in a search, and what it costs, on ESC-10.

One search per seed trains every trial to its end, with values drawn at random, so that they do not depend on what was
stopped. Each pruner is then applied to the recorded curves: a stopped training has the curve of the same training up to
its last epoch. One search is also run with a pruner, and must agree with what was computed for it. One segment of each
clip, one plane and three of the five folds keep 400 trainings within half an hour.

Target of `halving`: a third of the epochs, and chosen trials that are within one SD over the folds of those that the
search without a pruner chooses.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna

from benchmarks.record import read, spread, versions, write
from harness.errors import HarnessError
from harness.search.pruning import floor_of
from harness.study import SearchSection, Space
from harness.training.task import stopped_after

HARNESS = str(Path(sys.executable).parent / "harness")
PRUNERS = ("none", "median", "percentile", "halving")

Curves = list[dict[int, tuple[float, ...]]]
"""For each trial its validation macro accuracy by epoch, by fold."""

_STUDY = """
[study]
name = "pruning"
seed = {seed}
[data]
dataset = "esc10"
[features]
clip_seconds = 1.0
[train]
epochs = {epochs}
batch_size = 32
momentum = 0.9
[[arms]]
name = "4-layer CNN"
model = "su4"
features = "LM"
[search]
trials = {trials}
startup_trials = {startup}
sampler = "random"
pruner = "{pruner}"
parallel_trials = {parallel}
[search.space]
"train.lr" = {{ low = 1e-4, high = 1e-2, log = true }}
"train.weight_decay" = {{ low = 1e-5, high = 1e-2, log = true }}
"train.optimizer" = {{ choices = ["sgd", "adam", "adamw"] }}
[evaluate]
folds = [1, 2, 3]
"""


def pruning(seeds: int = 5, trials: int = 27, epochs: int = 9, startup: int = 1) -> None:
    """Search without a pruner once per seed, and count what each pruner would have saved and chosen.

    It is written after each seed, and goes on after the seeds that were measured before with equal settings and
    versions, because a seed takes a quarter of an hour.
    """
    settings = {"trials": trials, "epochs": epochs, "startup_trials": startup}
    runs = _measured_before(settings)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in range(len(runs) + 1, seeds + 1):
            curves = _searched(folder, seed, trials, epochs, startup, "none")
            by_pruner = {pruner: _pruned(curves, pruner, startup, epochs) for pruner in PRUNERS}
            if seed == 1:
                real = _searched(folder, seed, trials, epochs, startup, "halving")
                if real != by_pruner["halving"]:
                    raise HarnessError("the search with the pruner halving differs from what its rule gives")
            runs.append({pruner: _measured(cut, curves) for pruner, cut in by_pruner.items()})
            print(f"seed {seed}: {runs[-1]}", flush=True)
            pruners = {pruner: _summary([run[pruner] for run in runs], runs) for pruner in PRUNERS}
            write("pruning", {**settings, "pruners": pruners, "runs": runs})


def _measured_before(settings: Mapping[str, int]) -> list[dict[str, Any]]:
    before = read("pruning")
    if before is None or before["versions"] != versions() or any(before[name] != settings[name] for name in settings):
        return []
    runs: list[dict[str, Any]] = before["runs"]
    return runs


def _searched(folder: Path, seed: int, trials: int, epochs: int, startup: int, pruner: str) -> Curves:
    """Run a search and return its curves."""
    place = folder / f"{pruner}-{seed}"
    place.mkdir()
    study = place / "study.toml"
    # Where nothing is stopped, no trial depends on another.
    parallel = trials if pruner == "none" else 1
    study.write_text(
        _STUDY.format(seed=seed, trials=trials, epochs=epochs, startup=startup, pruner=pruner, parallel=parallel)
    )
    store = f"sqlite:///{place / 'mlruns' / 'mlflow.db'}"
    command = [HARNESS, "run-study", str(study), "--tracking-uri", store, "--report", "none"]
    done = subprocess.run(
        [*command, "--cache", str(folder / "cache")], check=False, capture_output=True, text=True, cwd=place
    )
    if done.returncode:
        raise HarnessError(f"the search failed: {done.stderr.strip()[-2000:]}")
    storage = f"sqlite:///{place / 'mlruns' / 'optuna.db'}"
    [summary] = optuna.get_all_study_summaries(storage)
    ended = [
        trial
        for trial in optuna.load_study(study_name=summary.study_name, storage=storage).trials
        if "index" in trial.user_attrs and "folds" in trial.user_attrs
    ]
    ended.sort(key=lambda trial: int(trial.user_attrs["index"]))
    curves = [{int(fold): tuple(each["curve"]) for fold, each in trial.user_attrs["folds"].items()} for trial in ended]
    shutil.rmtree(place)
    return curves


def _pruned(curves: Curves, pruner: str, startup: int, epochs: int) -> Curves:
    """Return the curves as far as they would have been trained with ``pruner``."""
    space = {"train.lr": Space(low=1e-4, high=1e-2)}
    section = SearchSection.model_validate(
        {"trials": len(curves), "pruner": pruner, "startup_trials": startup, "space": space}
    )
    cut: Curves = [{} for _ in curves]
    for fold in curves[0]:
        complete: list[tuple[float, ...]] = []
        stopped: list[tuple[float, ...]] = []
        for place, trial in enumerate(curves):
            floor = floor_of(section, complete, stopped)
            curve = trial[fold]
            ends = (epoch for epoch in range(1, len(curve)) if stopped_after(curve[:epoch], floor, epochs))
            cut[place][fold] = curve[: next(ends, len(curve))]
            (complete if len(cut[place][fold]) == epochs else stopped).append(cut[place][fold])
    return cut


def _measured(cut: Curves, complete: Curves) -> dict[str, Any]:
    """Return the epochs trained, and the validation accuracy of the trial chosen for each fold."""
    chosen = {
        fold: max(
            trial[fold][-1] for trial, whole in zip(cut, complete, strict=True) if len(trial[fold]) == len(whole[fold])
        )
        for fold in complete[0]
    }
    return {
        "epochs": sum(len(curve) for trial in cut for curve in trial.values()),
        "chosen": statistics.fmean(chosen.values()),
        "sd_over_folds": statistics.stdev(chosen.values()),
    }


def _summary(mine: Sequence[Mapping[str, Any]], runs: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    whole = [run["none"] for run in runs]
    return {
        "share_of_epochs": spread([a["epochs"] / b["epochs"] for a, b in zip(mine, whole, strict=True)]),
        "points_lost": spread([100 * (b["chosen"] - a["chosen"]) for a, b in zip(mine, whole, strict=True)]),
        "sd_over_folds_points": spread([100 * b["sd_over_folds"] for b in whole]),
    }
