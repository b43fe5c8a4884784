"""The targets' table follows from the committed results, and says so where nothing was measured."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from benchmarks.record import RESULTS
from benchmarks.tables import tables_of
from benchmarks.targets import (
    BEGIN,
    END,
    OLDER_FORM,
    README,
    TARGETS,
    documents,
    in_readme,
    markdown,
    rows_of,
    table,
    targets,
)
from harness.report.report_section import Table
from harness.report.typeset.latex_table import table_tex

TRAINING = "training, float32: times the naive float32 loop"
GPU_TRAINING = "GPU training: times the naive float32 loop"
MEMORY = "memory of building features: most clips over fewest"


def row(name: str, documents: dict[str, Any]) -> dict[str, str]:
    return next(row for row in rows_of(documents) if row["target"] == name)


def naive(**values: float) -> dict[str, Any]:
    return {"ratios": {"harness float32 / naive": {"n": 5, **values}}}


def gpu(device: str, ratios: dict[str, float]) -> dict[str, Any]:
    spreads = {name: {"n": 3, "median": value, "min": value, "max": value} for name, value in ratios.items()}
    return {"device": {"type": device}, "epochs": {"ratios": spreads}}


def test_the_readme_and_the_tables_follow_from_the_committed_results() -> None:
    text, found = README.read_text(encoding="utf-8"), documents()
    assert in_readme(text, markdown(found)) == text, "run `python -m benchmarks targets`"
    committed = RESULTS / "targets.tex"
    assert committed.read_text(encoding="utf-8") == table_tex(table(rows_of(found)), "tab:targets")


def test_every_committed_table_follows_from_a_committed_json() -> None:
    made = {table.name: table for name, found in documents().items() if found for table in _tables(name, found)}
    committed = {path.stem for path in RESULTS.glob("*.tex")} - {
        "targets",
        "calibration",
        "calibration_claims",
        "calibration_holdout",
    }
    assert committed == set(made), "run `python -m benchmarks targets`"
    for name in committed:
        assert (RESULTS / f"{name}.tex").read_text(encoding="utf-8") == table_tex(made[name], f"tab:{name}"), name


def _tables(name: str, document: Any) -> list[Table]:
    try:
        return tables_of(name, document)
    except OLDER_FORM:
        return []


@pytest.mark.parametrize(("median", "met"), [(1.8, "yes"), (1.79, "no")])
def test_a_target_is_met_by_its_median(median: float, met: str) -> None:
    found = row(TRAINING, {"naive": naive(median=median, min=1.0, max=2.5)})
    assert (found["measured"], found["range"], found["met"]) == (f"{median:.2f}", "1.00 to 2.50", met)
    assert found["wanted"] == "at least 1.8"


def test_an_upper_bound_in_percent_is_met_from_below() -> None:
    found = {"outside": {"share": {"n": 1, "median": 0.021, "min": 0.02, "max": 0.04}}}
    name = next(target.what for target in TARGETS if target.source == "outside")
    assert row(name, found)["measured"] == "2.10 %"
    assert row(name, found)["wanted"] == "at most 3 %"
    assert row(name, found)["met"] == "yes"
    found["outside"]["share"]["median"] = 0.031
    assert row(name, found)["met"] == "no"


@pytest.mark.parametrize("document", [None, {"ratios": {}}, {"ratios": [1.9]}])
def test_what_is_missing_or_of_an_older_form_is_not_measured(document: dict[str, Any] | None) -> None:
    found = row(TRAINING, {"naive": document})
    assert (found["measured"], found["met"]) == ("not measured", "")


@pytest.mark.parametrize("document", [None, gpu("cpu", {"plain float32 / naive float32": 50.0})])
def test_without_a_gpu_its_targets_say_so(document: dict[str, Any] | None) -> None:
    found = row(GPU_TRAINING, {"gpu": document})
    assert (found["measured"], found["met"]) == ("not measured: no GPU", "")


def test_on_a_gpu_the_best_contestant_counts_and_only_against_the_naive_loop() -> None:
    ratios = {"a / naive float32": 4.0, "b / naive float32": 12.0, "b / a": 99.0}
    found = row(GPU_TRAINING, {"gpu": gpu("cuda", ratios)})
    assert (found["measured"], found["met"]) == ("12.00", "yes")


@pytest.mark.parametrize(
    ("peaks", "measured"),
    [
        ({"100": 1000.0, "400": 1050.0}, "1.05"),
        ({"400": {"median": 1200.0}, "100": {"median": 1000.0}, "1000": {"median": 1300.0}}, "1.30"),
        ({"esc10": {"100": {"median": 10.0}, "200": {"median": 10.0}}, "other": {"9": 10.0, "10": 12.0}}, "1.20"),
    ],
)
def test_memory_is_the_most_clips_over_the_fewest_of_the_worst_data_set(peaks: Any, measured: str) -> None:
    assert row(MEMORY, {"features": {"peak_megabytes_by_clips": peaks}})["measured"] == measured


def test_the_readme_keeps_what_stands_around_the_block() -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert in_readme(text, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    assert in_readme(in_readme(text, "new"), "new") == in_readme(text, "new")
    with pytest.raises(ValueError, match="has no markers"):
        in_readme("nothing here", "new")


def test_a_step_is_explained_by_floor_and_profile() -> None:
    kinds = {
        "convolution": {"share": {"median": 0.6}, "milliseconds_a_step": {"median": 90.0}, "floor_milliseconds": 60.0},
        "dropout": {"share": {"median": 0.4}, "milliseconds_a_step": {"median": 60.0}, "floor_milliseconds": None},
    }
    head = {"machine": {"processor": "P", "cores": 2}, "versions": {"torch": "1"}}
    found: dict[str, Any] = {
        "floor": {**head, **{name: {"floor_over_step": {"median": 0.5}} for name in ("float32", "bfloat16")}},
        "profile": {**head, **{name: {"kinds": kinds} for name in ("float32", "bfloat16")}},
    }
    said = markdown(found)
    assert "A float32 step takes 2.0 times its counted floor" in said
    assert "convolution 60 % (1.5 times its floor), dropout 40 %." in said
    assert "A float32 step" not in markdown({**found, "profile": None})


def test_a_clip_is_explained_by_the_profile_of_the_features() -> None:
    stages = {"loading": {"n": 3, "median": 5.0}, "computing": {"n": 3, "median": 7.5}}
    document = {
        "machine": {"processor": "P", "cores": 2},
        "versions": {"torch": "1"},
        "workers": 2,
        "race": {"esc10": {"times_as_fast_from_files": {"n": 1, "median": 5.0, "min": 5.0, "max": 5.0}}},
        "profile": {"esc10": {"milliseconds_a_clip": stages}},
    }
    assert "Time per clip of esc10 on one core: computing 7.5 ms, loading 5.0 ms;" in markdown({"features": document})
    _, made = tables_of("features", document)
    assert [list(row) for row in made.printed.to_numpy()] == [["loading", "5.00"], ["computing", "7.50"]]
    without = {name: value for name, value in document.items() if name != "profile"}
    assert len(tables_of("features", without)) == 1


def test_printing_the_targets_leaves_the_readme_alone_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.record import written_to

    before = copy.copy(README.read_text(encoding="utf-8"))
    with written_to(tmp_path):
        targets(None)
    printed = capsys.readouterr().out
    assert all(target.what in printed for target in TARGETS)
    assert (tmp_path / "targets.tex").is_file()
    assert README.read_text(encoding="utf-8") == before
