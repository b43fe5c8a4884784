"""The summary at the end of a study run, as data and as the cells of a table on screen."""

from __future__ import annotations

from dataclasses import dataclass

from harness.comparisons.scores import arm_names, score_study
from harness.record import StudyRecord
from harness.report import wording
from harness.terminal.progress import duration


@dataclass(frozen=True)
class ArmSummary:
    """One arm of the summary.

    Attributes
    ----------
    model, features
        Network and feature set; for a fused arm its rule, and the arms it fuses joined by ``+``.
    macro_mean, macro_sd, clip_mean
        Fractions, over folds with seeds averaged first; SD with ddof 1; NaN if undefined.
    n_folds, seeds_min, seeds_max
        Tested folds, and fewest and most seeds of a fold.
    n_failed
        Fold runs that failed.
    seconds
        Total time of the arm's fold runs, search and final, in s; 0 for a fused arm.
    """

    arm: str
    model: str
    features: str
    macro_mean: float
    macro_sd: float
    clip_mean: float
    n_folds: int
    seeds_min: int
    seeds_max: int
    n_failed: int
    seconds: float


def summarise(record: StudyRecord) -> list[ArmSummary]:
    """Return one summary per arm in the study's order; an arm without a tested fold has 0 folds and NaN."""
    arms = {arm.name: arm for arm in record.spec.arms}
    rows = [] if record.predictions.empty else score_study(record).arms.to_dict("records")
    tested = {str(row["arm"]): row for row in rows}
    summaries = []
    for name in arm_names(record):
        arm, scores = arms.get(name), tested.get(name, {})
        runs = record.folds[record.folds["arm"] == name] if len(record.folds) else record.folds
        summaries.append(
            ArmSummary(
                arm=name,
                model=(arm and (arm.rule or arm.model)) or wording.NOTHING,
                features=(arm and (" + ".join(arm.fuse or ()) or arm.features)) or wording.NOTHING,
                macro_mean=float(scores.get("macro_accuracy_mean", "nan")),
                macro_sd=float(scores.get("macro_accuracy_sd", "nan")),
                clip_mean=float(scores.get("clip_accuracy_mean", "nan")),
                n_folds=int(scores.get("n_folds", 0)),
                seeds_min=int(scores.get("seeds_min", 0)),
                seeds_max=int(scores.get("seeds_max", 0)),
                n_failed=int((runs["status"] == "FAILED").sum()) if len(runs) else 0,
                seconds=float(runs["seconds"].fillna(0).sum()) if len(runs) else 0.0,
            )
        )
    return summaries


def summary_rows(record: StudyRecord) -> list[dict[str, str]]:
    """Return :func:`summarise` as cells by column, accuracies in percent; ``failed`` appears only if a run failed."""
    summaries = summarise(record)
    rows = []
    for each in summaries:
        spread = wording.percent(each.macro_sd)
        row = {
            "arm": each.arm,
            "model": each.model,
            "features": each.features,
            "macro %": wording.percent(each.macro_mean) + (f" ± {spread}" if spread != wording.NOTHING else ""),
            "clip %": wording.percent(each.clip_mean),
            "folds × seeds": f"{each.n_folds} × {wording.seeds_cell(each.seeds_min, each.seeds_max)}",
            "time": duration(each.seconds) if each.seconds else wording.NOTHING,
        }
        if any(other.n_failed for other in summaries):
            row["failed"] = str(each.n_failed)
        rows.append(row)
    return rows
