"""The parameter table: from the networks themselves, in the paper's shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from harness.record import StudyRecord
from harness.report.parameters import parameter_table_pages, parameter_tables, short_count

MakeRecord = Callable[..., StudyRecord]
DEPTHS = [("4-layer", "su4", "LMC", 1.0), ("6-layer", "su6", "LMC", 1.0), ("8-layer", "su8", "LMC", 1.0)]


def frame(*rows: tuple[str, str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["layer", "output", "weights", "activations"])


def test_depths_come_out_as_the_paper_prints_them(make_record: MakeRecord) -> None:
    # Su et al. 2019, table 1; its 4.6 K of the last two convolutions are sizes after the pool, these before it. The
    # fully connected layer of 4 layers: 64 x 22 x 11 x 1024.
    tables = parameter_tables(make_record(trained=DEPTHS, fused=None, n_seeds=1, folds=(1, 2, 3)))
    (page,) = parameter_table_pages(tables, ["A mark."])
    printed: dict[str, list[Any]] = {row[0]: row[1:] for row in page.printed.to_numpy().tolist()}
    assert list(page.printed.columns)[1::2] == [("4-layer", "Weights"), ("6-layer", "Weights"), ("8-layer", "Weights")]
    assert printed["conv1"] == ["288", "111.5 K"] * 3
    assert printed["conv4"] == ["36.9 K", "57.8 K"] * 3
    assert printed["conv6"] == ["–", "–", "147.5 K", "31.0 K", "147.5 K", "31.0 K"]
    assert printed["fc"][::2] == ["15.9 M", "8.7 M", "4.7 M"]
    assert printed["output"][::2] == ["10.2 K"] * 3
    assert printed["Total"][::2] == ["15.9 M", "8.9 M", "5.9 M"]
    assert list(page.printed.iloc[:, 0]) == [*(f"conv{n}" for n in range(1, 9)), "fc", "output", "Total"]
    assert page.data["4-layer: weights"].iloc[-1] == 288 + 9216 + 18432 + 36864 + 64 * 22 * 11 * 1024 + 10240
    assert page.caption.endswith("A mark.")


def test_stacked_and_image_networks_are_built_too(make_record: MakeRecord) -> None:
    trained = [("stacked", "su4-stacked", "MLMC", 1.0), ("image", "resnet18", "image:mel+mfcc+spectrogram", 1.0)]
    tables = parameter_tables(make_record(trained=trained, fused=None, n_seeds=1, folds=(1, 2, 3)))
    assert tables["image"]["weights"].iloc[0] == 64 * 3 * 7 * 7
    assert len(parameter_table_pages(tables, [])) == 2, "unrelated networks stand in tables of their own"


def test_arms_of_equal_networks_share_columns() -> None:
    net = frame(("conv1", "2 x 3", 18, 6))
    (page,) = parameter_table_pages({"A": net, "B": net.copy(), "C": frame(("conv1", "2 x 4", 18, 8))}, [])
    assert [header[0] for header in page.printed.columns] == ["", "A, B", "A, B", "C", "C"]


def test_many_arms_of_one_network_are_named_in_the_caption() -> None:
    net, other = frame(("conv1", "2 x 3", 18, 6)), frame(("conv1", "2 x 4", 18, 8))
    (page,) = parameter_table_pages({**{f"A{n}": net.copy() for n in range(12)}, "B": other}, ["A mark."])
    assert list(dict.fromkeys(header[0] for header in page.printed.columns)) == ["", "A0 and 11 more", "B"]
    arms = ", ".join(f"A{n}" for n in range(12))
    assert page.caption.endswith(f" A0 and 11 more: {arms}. A mark.")
    assert f"{arms}: weights" in page.data


def test_output_shapes_stand_in_a_table_of_one_network_and_always_in_the_csv() -> None:
    (page,) = parameter_table_pages({"A": frame(("conv1", "2 x 3", 18, 6))}, [])
    assert page.printed["A", "Output"].tolist() == ["2 × 3", ""]
    assert page.data["A: output"].tolist()[0] == "2 x 3"


def test_layers_keep_their_order_and_repeats_are_told_apart() -> None:
    short = frame(("conv", "1", 1, 1), ("conv", "1", 1, 1), ("out", "1", 1, 1))
    long = frame(("conv", "1", 1, 1), ("conv", "1", 1, 1), ("extra", "1", 5, 1), ("out", "1", 1, 1))
    (page,) = parameter_table_pages({"A": short, "B": long}, [])
    assert page.printed.iloc[:, 0].tolist() == ["conv", "conv (2)", "extra", "out", "Total"]


@pytest.mark.parametrize(("count", "printed"), [(288, "288"), (9216, "9.2 K"), (15_859_712, "15.9 M"), (None, "–")])
def test_short_count(count: int | None, printed: str) -> None:
    assert short_count(count) == printed
