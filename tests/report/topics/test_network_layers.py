"""Networks: layers counted in the networks themselves, in the paper's shape and against its own table."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from harness.claims import Paper, parse_paper
from harness.record import StudyRecord
from harness.report.topics.network_layers import layer_tables, parameter_tables, printed_layer_tables, short_count
from tests.records import PAPERS, us8k_record

MakeRecord = Callable[..., StudyRecord]
DEPTHS = [("4-layer", "su4", "LMC", 1.0), ("6-layer", "su6", "LMC", 1.0), ("8-layer", "su8", "LMC", 1.0)]


def frame(*rows: tuple[str, str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["layer", "output", "weights", "activations"])


def test_depths_come_out_as_the_paper_prints_them(make_record: MakeRecord) -> None:
    # Su et al. 2019, table 1; its 4.6 K of the last two convolutions are sizes after the pool, these before it. The
    # fully connected layer of 4 layers: 64 x 22 x 11 x 1024.
    tables = layer_tables(make_record(trained=DEPTHS, fused=None, n_seeds=1, folds=(1, 2, 3)))
    (page,) = parameter_tables(tables)
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


def test_stacked_and_image_networks_are_built_too(make_record: MakeRecord) -> None:
    trained = [("stacked", "su4-stacked", "MLMC", 1.0), ("image", "resnet18", "image:mel+mfcc+spectrogram", 1.0)]
    tables = layer_tables(make_record(trained=trained, fused=None, n_seeds=1, folds=(1, 2, 3)))
    assert tables["image"]["weights"].iloc[0] == 64 * 3 * 7 * 7
    assert len(parameter_tables(tables)) == 2, "unrelated networks stand in tables of their own"


def test_arms_of_equal_networks_share_columns() -> None:
    net = frame(("conv1", "2 x 3", 18, 6))
    (page,) = parameter_tables({"A": net, "B": net.copy(), "C": frame(("conv1", "2 x 4", 18, 8))})
    assert [header[0] for header in page.printed.columns] == ["", "A, B", "A, B", "C", "C"]


def test_many_arms_of_one_network_are_named_in_the_caption() -> None:
    net, other = frame(("conv1", "2 x 3", 18, 6)), frame(("conv1", "2 x 4", 18, 8))
    (page,) = parameter_tables({**{f"A{n}": net.copy() for n in range(12)}, "B": other})
    assert list(dict.fromkeys(header[0] for header in page.printed.columns)) == ["", "A0 and 11 more", "B"]
    arms = ", ".join(f"A{n}" for n in range(12))
    assert page.caption.endswith(f" A0 and 11 more: {arms}.")
    assert f"{arms}: weights" in page.data


def test_output_shapes_stand_in_a_table_of_one_network_and_always_in_the_csv() -> None:
    (page,) = parameter_tables({"A": frame(("conv1", "2 x 3", 18, 6))})
    assert page.printed["A", "Output"].tolist() == ["2 × 3", ""]
    assert page.data["A: output"].tolist()[0] == "2 x 3"


def test_layers_keep_their_order_and_repeats_are_told_apart() -> None:
    short = frame(("conv", "1", 1, 1), ("conv", "1", 1, 1), ("out", "1", 1, 1))
    long = frame(("conv", "1", 1, 1), ("conv", "1", 1, 1), ("extra", "1", 5, 1), ("out", "1", 1, 1))
    (page,) = parameter_tables({"A": short, "B": long})
    assert page.printed.iloc[:, 0].tolist() == ["conv", "conv (2)", "extra", "out", "Total"]


@pytest.mark.parametrize(("count", "printed"), [(288, "288"), (9216, "9.2 K"), (15_859_712, "15.9 M"), (None, "–")])
def test_short_count(count: int | None, printed: str) -> None:
    assert short_count(count) == printed


LAYERS = [("conv1", 288, 111520), ("conv2", 9216, 111520), ("conv3", 18432, 57792), ("conv4", 36864, 57792)]


def network(*more: tuple[str, int, int]) -> pd.DataFrame:
    rows = [(name, "", weights, activations) for name, weights, activations in (*LAYERS, *more)]
    return pd.DataFrame(rows, columns=["layer", "output", "weights", "activations"])


@pytest.fixture(scope="module")
def paper() -> Paper:
    return parse_paper(tomllib.loads((PAPERS / "su2019.toml").read_text("utf-8")), "su2019")


def test_the_networks_of_the_paper_agree_layer_by_layer(paper: Paper) -> None:
    record = us8k_record(n_seeds=1, clips_per_class=1, compare=())
    tables = list(printed_layer_tables(record.spec, {"su2019": paper}, layer_tables(record)))
    (table,) = tables
    assert table.caption.startswith(
        "LMCNet, MCNet: counted in the network as built, compared with table 1 of su2019 (4-layer)"
    )
    assert "all printed counts agree" in table.caption
    rows = {row[0]: row[1:] for row in table.printed.to_numpy().tolist()}
    assert rows["conv4"] == ["36,864", "36.8 K", "yes", "57,792", "57.8 K", "yes"]
    assert rows["input"] == ["0", "–", "–", "3,485", "3.5 K", "yes"]
    assert rows["fc"] == ["15,859,712", "15.9 M", "yes", "1,024", "1024", "yes"]
    assert rows["output"][3:] == ["10", "10", "yes"]
    assert rows["Total"] == ["15,934,752", "15.9 M", "yes", "339,658", "339.6 K", "yes"]


def test_the_printed_sizes_after_the_last_pool_differ(paper: Paper) -> None:
    deep = [("8-layer", "su8", "LMC", 1.0)]
    record = us8k_record(trained=deep, fused=None, clips_per_class=1, compare=())
    (table,) = list(printed_layer_tables(record.spec, {"su2019": paper}, layer_tables(record)))
    verdicts = dict(zip(table.printed["", "Layer"], table.printed["Activations", "agree"], strict=True))
    assert [layer for layer, verdict in verdicts.items() if verdict == "no"] == ["conv7", "conv8", "Total"]
    assert "3 printed counts differ" in table.caption


def test_another_input_is_another_network(paper: Paper) -> None:
    # su4 on MLMC sees 145 rows where table 1 has 85.
    record = us8k_record(trained=[("MLMC", "su4", "MLMC", 1.0)], fused=None, clips_per_class=1, compare=())
    assert list(printed_layer_tables(record.spec, {"su2019": paper}, {"MLMC": network()})) == []
    assert list(printed_layer_tables(record.spec, {}, {"MLMC": network()})) == []
    assert list(printed_layer_tables(record.spec, {"su2019": paper}, {})) == []


def test_one_changed_weight_is_found(paper: Paper) -> None:
    record = us8k_record(trained=[("LMCNet", "su4", "LMC", 1.0)], fused=None, clips_per_class=1, compare=())
    tail = (("fc", 15859712, 1024), ("output", 10240, 10))
    changed = network(*tail)
    changed.loc[1, "weights"] = 9216 + 100
    (table,) = list(printed_layer_tables(record.spec, {"su2019": paper}, {"LMCNet": changed}))
    assert table.data["weights: agree"].tolist() == ["–", "yes", "no", "yes", "yes", "yes", "yes", "yes"]
