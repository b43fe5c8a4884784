"""The tables of the benchmarks, and the figures they are made of."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.growth import late_over_early, study, units
from benchmarks.memory import growth
from benchmarks.outside import FULL_EPOCHS, esc10, summary
from benchmarks.step_profile import REST, by_kind
from benchmarks.tables import ratio_table, tables_of


def spread_of(median: float, n: int = 3) -> dict[str, float]:
    return {"n": n, "median": median, "min": median / 2, "max": 2 * median}


def test_the_table_of_ratios_prints_median_range_and_repeats() -> None:
    made = ratio_table("name", "Title", "Caption.", {"a / b": {"n": 3, "median": 1.994, "min": 1.5, "max": 2.25}})
    assert list(made.printed.iloc[0]) == ["a / b", "1.99", "1.50 to 2.25"]
    assert made.caption == "Caption. Repeats: 3."
    assert made.data["median"].tolist() == [1.994]


def test_different_numbers_of_repeats_are_told() -> None:
    made = ratio_table("name", "Title", "Caption.", {"a": spread_of(1, 3), "b": spread_of(2, 9)})
    assert made.caption.endswith("Repeats: 3 to 9.")


def test_the_caption_of_the_naive_table_tells_the_steps_of_an_epoch() -> None:
    document = {
        "input": [1, 85, 41],
        "batch": 32,
        "steps": 70,
        "naive_loader_workers": 2,
        "processes": {"harness float32": 2},
        "ratios": {"harness float32 / naive": spread_of(2)},
    }
    (made,) = tables_of("naive", document)
    assert "70 steps per epoch" in made.caption
    assert "85 x 41, batch 32" in made.caption


def test_what_has_no_table_gives_none() -> None:
    assert tables_of("quickstart", {}) == []


def test_a_profile_table_has_a_floor_only_where_one_is_counted() -> None:
    kinds = {
        "dropout": {"share": spread_of(0.25), "milliseconds_a_step": spread_of(5.0), "floor_milliseconds": None},
        "convolution": {"share": spread_of(0.75), "milliseconds_a_step": spread_of(15.0), "floor_milliseconds": 10.0},
    }
    of = {"step_milliseconds": spread_of(20.0), "kinds": kinds}
    (made,) = tables_of("profile", {"batch": 32, "threads": 1, "steps": 8, "float32": of})
    assert [list(row) for row in made.printed.to_numpy()] == [
        ["convolution", "75.0", "15.0", "10.0"],
        ["dropout", "25.0", "5.0", ""],
    ]


def event(name: str, own: float, around: Any = None) -> Any:
    return SimpleNamespace(name=name, self_cpu_time_total=own, cpu_parent=around)


def test_an_operation_counts_for_the_nearest_kind_around_it() -> None:
    dropout = event("aten::dropout", 1.0)
    convolution = event("aten::convolution", 2.0)
    events = [
        dropout,
        event("aten::bernoulli_", 4.0, dropout),
        convolution,
        event("aten::empty", 8.0, event("aten::mkldnn_convolution", 0.0, convolution)),
        event("aten::copy_", 16.0, convolution),
        event("aten::threshold_backward", 32.0),
        event("aten::mul", 64.0, event("autograd::engine::evaluate_function: MulBackward0", 0.0)),
        event("aten::t", 128.0),
        event("aten::unheard_of", 256.0),
    ]
    found = {name: microseconds for name, microseconds in by_kind(events).items() if microseconds}
    assert found == {
        "dropout": 1.0 + 4.0 + 64.0,
        "convolution": 2.0 + 8.0,
        "casts and copies": 16.0,
        "ReLU and sigmoid": 32.0,
        "linear": 128.0,
        REST: 256.0,
    }


@pytest.mark.parametrize(
    ("sizes", "costs", "ratio"),
    [
        ((1, 2, 4), (5.0, 7.0, 11.0), 1.0),
        ((1, 2, 4), (1.0, 4.0, 16.0), 2.0),
        ((3, 4, 5), (9.0, 16.0, 25.0), 9 / 7),
        ((1, 2, 4), (7.0, 7.0, 7.0), 1.0),
        ((1, 2, 4), (7.0, 7.0, 9.0), float("inf")),
    ],
)
def test_growth_is_one_where_it_is_linear_whatever_the_fixed_cost(sizes: Any, costs: Any, ratio: float) -> None:
    assert late_over_early(sizes, costs) == pytest.approx(ratio)


def test_the_studies_of_the_growth_differ_in_one_thing_each() -> None:
    assert study("clips", 4).data.synthetic.clips_per_class_and_fold == 4
    assert study("clips", 4).search.trials == study("clips", 1).search.trials
    assert study("trials", 4).search.trials == 4
    assert study("folds", 3).test_folds == (1, 2, 3)
    assert study("trials", 4).test_folds == study("clips", 4).test_folds == (1, 2, 3, 4, 5)


def test_with_more_folds_each_training_learns_from_more_clips() -> None:
    assert units("trials", (1, 2, 4)) == [1, 2, 4]
    # Of three folds each training sees one and predicts two; of five, three and two: 3 x (1 + 2/3) and 5 x (3 + 2/3).
    three, five = units("folds", (3, 5))
    assert five / three == pytest.approx((55 / 3) / 5)


def test_memory_grows_from_the_fewest_clips_to_the_most() -> None:
    rows = [
        {"clips": clips, "beyond_features_megabytes": {"median": megabytes}}
        for clips, megabytes in ((400, 500.0), (100, 1000.0), (1600, 1250.0))
    ]
    assert growth(rows) == 1.25


def test_the_share_outside_training_shrinks_as_epochs_grow() -> None:
    run = {
        "trainings": 10,
        "seconds": 110.0,
        "training_seconds": 100.0,
        "step_seconds": 90.0,
        "outside_seconds": 10.0,
        "report_seconds": 1.0,
    }
    found = summary([run], epochs=5)
    assert found["share"]["median"] == pytest.approx(10 / 110)
    computed = found[f"share_at_{FULL_EPOCHS}_epochs_computed"]
    # Ten times the epochs: ten times the steps, all else once.
    assert computed["median"] == pytest.approx(10 / (110 + 9 * 90))
    (made,) = tables_of("outside", {"epochs": 5, **found})
    assert list(made.printed["share in %"]) == ["measured at 5 epochs", "computed for 50 epochs"]
    assert list(made.printed["median"]) == ["9.09", "1.09"]


def test_the_real_study_outside_is_timed_on_is_the_shipped_one_but_shorter() -> None:
    from pathlib import Path

    from harness.study import load_study

    shipped = load_study(Path(__file__).parents[2] / "studies" / "su2019-esc10.toml")
    ours = esc10(4, (1, 2, 3, 4, 5))
    assert ours.train == shipped.train.model_copy(
        update={"epochs": 4, "tuned_on": ours.train.tuned_on, "tuned_by": ours.train.tuned_by}
    )
    planes = {"planes"}
    assert ours.features.model_dump(exclude=planes) == shipped.features.model_dump(exclude=planes)
    assert all(shipped.features.planes[name] == options for name, options in ours.features.planes.items())
    assert (ours.arms[0].model, ours.arms[0].features) == (shipped.arms[0].model, shipped.arms[0].features)


def test_the_naive_loop_drops_out_as_torch_does() -> None:
    from torch import nn

    from benchmarks.naive import torch_dropout
    from harness.models.build import build_model
    from harness.study import ModelSection

    model = torch_dropout(build_model("su4", ModelSection(dropout=0.5), (1, 85, 41), 10))
    assert [type(layer) for layer in model.modules() if isinstance(layer, nn.Dropout)] == [nn.Dropout] * 3


def test_what_epochs_do_not_cost_is_outside() -> None:
    from benchmarks.cold import summary as of_cold

    # 15 s of everything else, and 4 s for each of 2 and of 4 epochs.
    found = of_cold(15.0 + 2 * 4.0, 15.0 + 4 * 4.0)
    assert found["processor_seconds_of_epochs"] == 8.0
    assert found["processor_seconds_outside_training"] == 15.0
