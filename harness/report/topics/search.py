"""Search: what was searched, each arm's trials, how much each hyperparameter mattered, and what was chosen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from harness.comparisons.scores import arm_names
from harness.record import StudyRecord
from harness.report import style, wording
from harness.report.evidence import Evidence
from harness.report.report_section import Drawing, Section, Table, grid, headed, paged
from harness.report.style import BLACK, BLUE, ORANGE, SKY, TEXT_WIDTH, TITLE_SIZE, VERMILLION
from harness.report.topics.run_facts import in_order
from harness.report.wording import NOTHING, percent
from harness.study import Space

SEARCHES_ABREAST = 8
"""The most arms in a table of importances; more continue in a further table."""

# Inches: the least height of the panels, a bar, and the space around them for ticks, labels, title and legend.
_HEIGHT, _BAR, _LEFT, _EDGE, _ABOVE, _BELOW, _GAP = 1.5, 0.2, 0.76, 0.12, 0.3, 0.66, 0.2
_MOST_BARS = 12
_LONGEST_NAME = 24
# Fraction of the line for importances with their names, and the least width of the bars in inches.
_SHARE, _NARROWEST = 0.36, 0.95


def sections(evidence: Evidence) -> Iterator[Section]:
    """Yield the section on the search, if there was one."""
    searches = searches_of(evidence.record)
    tables = [*_space_tables(evidence.record, searches)]
    if searches:
        tables.append(_trials_table(searches))
    chosen = _chosen_table(evidence.record)
    figures = [
        Drawing(f"search-{stem}", _caption(arm, searches[arm]), partial(search_figure, searches[arm], arm))
        for arm, stem in evidence.stems.items()
        if arm in searches
    ]
    yield Section("search", "Search", tables=(*tables, *([chosen] if chosen else ())), figures=tuple(figures))


def searches_of(record: StudyRecord) -> dict[str, dict[str, Any]]:
    """Return the searches with at least one ended trial by arm, in the study's order."""
    return {arm: record.searches[arm] for arm in arm_names(record) if record.searches.get(arm, {}).get("trials")}


def trials_of(search: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row per ended trial, in order of their number.

    Columns: ``trial``, ``state``, ``folds`` (validated) and ``mean`` (validation macro accuracy over those folds, a
    fraction; NaN if there is none).
    """
    rows = []
    for trial in search["trials"]:
        found = [float(value) for value in trial["validation_macro_accuracy"].values() if value is not None]
        mean = math.fsum(found) / len(found) if found else math.nan
        rows.append({"trial": int(trial["trial"]), "state": str(trial["state"]), "folds": len(found), "mean": mean})
    return pd.DataFrame(rows, columns=["trial", "state", "folds", "mean"]).sort_values("trial", ignore_index=True)


def chosen_hyperparameters(record: StudyRecord) -> pd.DataFrame:
    """Return the searched values of the final trainings.

    Columns: ``arm``, ``fold``, ``trial``, the values by dotted name, and ``validation_macro_accuracy`` of that trial on
    that fold during the search.
    """
    frame = record.folds
    if not wording.searched(record) or frame.empty:
        return pd.DataFrame()
    space = record.spec.search.space
    final = frame[(frame["phase"] == "final") & frame["trial"].notna()]
    search = frame[frame["phase"] == "search"]
    validated = {
        (arm, int(trial), int(fold)): float(value)
        for arm, trial, fold, value in search[["arm", "trial", "fold", "validation_macro_accuracy"]].to_numpy()
        if pd.notna(trial) and pd.notna(value)
    }
    rows = []
    for row in in_order(record, final.drop_duplicates(["arm", "fold"]), ["arm", "fold"]).to_dict("records"):
        params = row["params"] if isinstance(row["params"], dict) else {}
        rows.append(
            {
                "arm": row["arm"],
                "fold": int(row["fold"]),
                "trial": int(row["trial"]),
                **{name: params.get(name) for name in space},
                "validation_macro_accuracy": validated.get(
                    (row["arm"], int(row["trial"]), int(row["fold"])), float("nan")
                ),
            }
        )
    return pd.DataFrame(rows)


def _space_tables(record: StudyRecord, searches: Mapping[str, Any]) -> Iterator[Table]:
    space = record.spec.search.space
    caption = (
        "What was searched, and how much each hyperparameter mattered to an arm: its share in percent of the variance "
        "of the trials' mean validation macro accuracy over folds (fANOVA). A dash: too few trials."
    )
    for name, arms in paged("search-space", list(searches), SEARCHES_ABREAST):
        shares = {arm: searches[arm].get("importance") or {} for arm in arms}
        rows = [
            [value, describe_space(entry), *(percent(shares[arm].get(value, math.nan), digits=0) for arm in arms)]
            for value, entry in space.items()
        ]
        printed = headed(rows, [("", "Hyperparameter"), "Searched", *(("Importance", arm) for arm in arms)])
        data = pd.DataFrame(
            [
                {"hyperparameter": value, "searched": describe_space(entry)}
                | {f"{arm}: importance": shares[arm].get(value) for arm in arms}
                for value, entry in space.items()
            ]
        )
        yield Table(name, "Search space and importance", caption, printed, data, text_columns=2)


def _trials_table(searches: Mapping[str, Any]) -> Table:
    rows, data = [], []
    for arm, search in searches.items():
        trials = trials_of(search)
        states = {state: int((trials["state"] == state).sum()) for state in ("complete", "pruned", "failed")}
        whole = trials[(trials["state"] == "complete") & trials["mean"].notna()]
        best = None if whole.empty else whole.iloc[int(whole["mean"].argmax())]
        number, mean = (None, None) if best is None else (int(best["trial"]), float(best["mean"]))
        chosen = {str(fold): int(trial) for fold, trial in (search.get("chosen") or {}).items()}
        counts = [str(len(trials)), *map(str, states.values())]
        best_cells = [NOTHING, NOTHING] if mean is None else [str(number), percent(mean)]
        rows.append([arm, _chosen(chosen), *counts, *best_cells])
        data.append(
            {"arm": arm, "trials": len(trials), **states, "best_trial": number, "best_mean": mean}
            | {"chosen": " ".join(f"{fold}:{trial}" for fold, trial in chosen.items())}
        )
    pairs = [("Trials", name) for name in ("all", "complete", "pruned", "failed")]
    pairs += [("Best complete", "trial"), ("Best complete", "mean")]
    caption = (
        "Trials of each arm's search. Best complete: the trial with the highest mean validation macro accuracy over "
        "folds, in percent; test folds are not used. In a pruned trial the training of at least one "
        "fold was stopped early; such a fold has no accuracy and cannot choose the trial."
    )
    printed = headed(rows, ["Arm", "Chosen trial: its folds", *pairs])
    return Table("searches", "Trials of the search", caption, printed, pd.DataFrame(data), text_columns=2)


def _chosen_table(record: StudyRecord) -> Table | None:
    data = chosen_hyperparameters(record)
    if data.empty:
        return None
    printed = grid(
        data.to_dict("records"),
        {
            "Arm": itemgetter("arm"),
            "Fold": lambda row: str(row["fold"]),
            "Trial": lambda row: str(row["trial"]),
            **{name: partial(_value_of, name) for name in record.spec.search.space},
            "Validation macro": lambda row: percent(row["validation_macro_accuracy"]),
        },
    )
    # An arm is named only at its first fold, with a rule above.
    repeated = data["arm"].duplicated()
    printed.loc[repeated.to_numpy(), "Arm"] = ""
    starts = tuple(int(row) for row in (~repeated).to_numpy().nonzero()[0] if row)
    caption = (
        "Hyperparameters of the final trainings, chosen by search. Validation macro: macro accuracy in percent of that "
        "trial on the fold's validation part."
    )
    return Table("hyperparameters", "Chosen hyperparameters", caption, printed, data, rules=starts)


def _value_of(name: str, row: Mapping[str, Any]) -> str:
    value = row[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NOTHING if value is None else str(value)
    return NOTHING if pd.isna(value) else f"{value:.3g}" if isinstance(value, float) else str(value)


def describe_space(space: Space) -> str:
    """Return the range of a hyperparameter in words: ``0.0001 to 0.01, logarithmic``, or its choices."""
    if space.choices is not None:
        return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in space.choices)
    text = f"{space.low:g} to {space.high:g}"
    if space.log:
        return f"{text}, logarithmic"
    return f"{text} in steps of {space.step:g}" if space.step else text


def _chosen(chosen: Mapping[str, int]) -> str:
    """Return ``3: folds 1, 2; 5: fold 3``, or a dash."""
    by_trial: dict[int, list[str]] = {}
    for fold, trial in chosen.items():
        by_trial.setdefault(trial, []).append(fold)
    parts = (f"{trial}: fold{'s' if len(folds) > 1 else ''} {', '.join(folds)}" for trial, folds in by_trial.items())
    return "; ".join(parts) or NOTHING


def _caption(arm: str, search: Mapping[str, object]) -> str:
    caption = (
        f"Search of {arm}: each trial's validation macro accuracy, mean over the folds that it ran, and the best "
        "complete trial so far."
    )
    if search.get("importance"):
        caption += " Importance: share of the variance between trials (fANOVA)."
    return caption


def search_figure(search: Mapping[str, Any], title: str) -> Figure | None:
    """Return the history of a search, next to the importances if there are any; None without a trial.

    ``search`` is an entry of ``StudyRecord.searches``. A failed trial, which has no accuracy, is drawn at the lower
    edge.
    """
    trials = trials_of(search)
    if trials.empty:
        return None
    shares = sorted((search.get("importance") or {}).items(), key=lambda pair: -pair[1])[:_MOST_BARS]
    names = [style.literal(name, _LONGEST_NAME) for name, _ in shares]
    height = max(_HEIGHT, _BAR * len(shares) + 0.2)
    figure = Figure(figsize=(TEXT_WIDTH, _BELOW + height + _ABOVE))
    words = style.text_inches(names, 7.5) + 0.12
    bars = max(_NARROWEST, TEXT_WIDTH * _SHARE - words - _EDGE) if shares else 0.0
    width = TEXT_WIDTH - _LEFT - _EDGE - (_GAP + words + bars if shares else 0.0)
    history = style.place(figure, _LEFT, _BELOW, width, height)
    _draw_history(history, trials)
    if shares:
        panel = style.place(figure, TEXT_WIDTH - _EDGE - bars, _BELOW, bars, height)
        _draw_shares(panel, names, [100 * share for _, share in shares])
    style.write(figure, 0.04, _BELOW + height + _ABOVE - 0.04, style.literal(title, 80), va="top", fontsize=TITLE_SIZE)
    handles, labels = history.get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(handles), borderpad=0.1, columnspacing=1.2)
    return figure


def _draw_history(axes: Axes, trials: Any) -> None:
    percents = trials.assign(mean=100 * trials["mean"])
    complete = percents[(percents["state"] == "complete") & percents["mean"].notna()]
    pruned = percents[(percents["state"] == "pruned") & percents["mean"].notna()]
    lost = percents.drop(complete.index).drop(pruned.index)
    if len(complete):
        last = int(percents["trial"].max())
        best = complete["mean"].cummax()
        steps = [*complete["trial"], last], [*best, best.iloc[-1]]
        axes.step(*steps, where="post", color=BLACK, linewidth=1.0, label="best so far")
        axes.plot(complete["trial"], complete["mean"], "o", color=BLUE, mec="white", mew=0.4, ms=5, label="complete")
    if len(pruned):
        axes.plot(pruned["trial"], pruned["mean"], "^", color="white", mec=ORANGE, mew=1.2, ms=5, label="pruned")
    if len(lost):
        low, edge = np.full(len(lost), 0.05), axes.get_xaxis_transform()
        axes.plot(lost["trial"], low, "x", color=VERMILLION, mew=1.4, ms=5, transform=edge, label="failed")
    axes.set_xlabel("Trial")
    axes.set_ylabel("Validation macro\naccuracy in %")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.margins(y=0.12)
    axes.set_xlim(percents["trial"].min() - 0.5, percents["trial"].max() + 0.5)
    if not len(complete) and not len(pruned):
        axes.set_yticks([])
    axes.grid(axis="y")


def _draw_shares(axes: Axes, names: list[str], shares: list[float]) -> None:
    axes.barh(range(len(names)), shares, color=SKY, edgecolor=BLACK, linewidth=0.4, height=0.6)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 100)
    axes.set_xticks([0, 50, 100])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Importance in %")
    axes.grid(axis="x")
