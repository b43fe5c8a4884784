"""Networks beside a printed table of layers: matched by model and input, differences found."""

from __future__ import annotations

import pandas as pd
import pytest

from harness.claims import Paper, parse_paper
from harness.report.parameters import parameter_tables
from harness.report.printed_layers import printed_layer_tables
from tests.records import PAPERS, us8k_record

LAYERS = [("conv1", 288, 111520), ("conv2", 9216, 111520), ("conv3", 18432, 57792), ("conv4", 36864, 57792)]


def network(*more: tuple[str, int, int]) -> pd.DataFrame:
    rows = [(name, "", weights, activations) for name, weights, activations in (*LAYERS, *more)]
    return pd.DataFrame(rows, columns=["layer", "output", "weights", "activations"])


@pytest.fixture(scope="module")
def paper() -> Paper:
    import tomllib

    return parse_paper(tomllib.loads((PAPERS / "su2019.toml").read_text("utf-8")), "su2019")


def test_the_networks_of_the_paper_agree_layer_by_layer(paper: Paper) -> None:
    record = us8k_record(n_seeds=1, clips_per_class=1, compare=())
    tables = printed_layer_tables(record, {"su2019": paper}, parameter_tables(record), ["A mark."])
    (table,) = tables
    assert table.caption.startswith("LMCNet, MCNet: counted in the network itself beside table 1 of su2019 (4-layer)")
    assert "all printed counts agree" in table.caption
    assert table.caption.endswith("A mark.")
    rows = {row[0]: row[1:] for row in table.printed.to_numpy().tolist()}
    assert rows["conv4"] == ["36,864", "36.8 K", "yes", "57,792", "57.8 K", "yes"]
    assert rows["input"] == ["0", "–", "–", "3,485", "3.5 K", "yes"]
    assert rows["fc"] == ["15,859,712", "15.9 M", "yes", "1,024", "1024", "yes"]
    assert rows["output"][3:] == ["10", "10", "yes"]
    assert rows["Total"] == ["15,934,752", "15.9 M", "yes", "339,658", "339.6 K", "yes"]


def test_the_printed_sizes_after_the_last_pool_differ(paper: Paper) -> None:
    deep = [("8-layer", "su8", "LMC", 1.0)]
    record = us8k_record(trained=deep, fused=None, clips_per_class=1, compare=())
    (table,) = printed_layer_tables(record, {"su2019": paper}, parameter_tables(record), [])
    verdicts = dict(zip(table.printed["", "Layer"], table.printed["Activations", "agree"], strict=True))
    assert [layer for layer, verdict in verdicts.items() if verdict == "no"] == ["conv7", "conv8", "Total"]
    assert "3 printed counts differ" in table.caption


def test_another_input_is_another_network(paper: Paper) -> None:
    # su4 on MLMC sees 145 rows where table 1 has 85.
    record = us8k_record(trained=[("MLMC", "su4", "MLMC", 1.0)], fused=None, clips_per_class=1, compare=())
    assert printed_layer_tables(record, {"su2019": paper}, {"MLMC": network()}, []) == []
    assert printed_layer_tables(record, {}, {"MLMC": network()}, []) == []
    assert printed_layer_tables(record, {"su2019": paper}, {}, []) == []


def test_one_changed_weight_is_found(paper: Paper) -> None:
    record = us8k_record(trained=[("LMCNet", "su4", "LMC", 1.0)], fused=None, clips_per_class=1, compare=())
    tail = (("fc", 15859712, 1024), ("output", 10240, 10))
    changed = network(*tail)
    changed.loc[1, "weights"] = 9216 + 100
    (table,) = printed_layer_tables(record, {"su2019": paper}, {"LMCNet": changed}, [])
    assert table.data["weights: agree"].tolist() == ["–", "yes", "no", "yes", "yes", "yes", "yes", "yes"]
