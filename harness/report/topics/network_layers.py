"""Networks: their layers in the shape of Su et al. 2019, table 1, next to the tables of layers that papers print.

Numbers are counted in the networks themselves, built as in the study.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from harness.claims import Paper, Printed
from harness.claims.paper import INPUT, LayerColumn, LayerRow, LayerTable
from harness.features.sets import plane_rows, set_shape
from harness.models.layers import COLUMNS, NamedNetwork, layer_table
from harness.record import StudyRecord
from harness.registry import Layout, feature_set
from harness.report import wording
from harness.report.evidence import Evidence
from harness.report.report_section import Section, Table, numbered
from harness.study import StudySpec

NETWORKS_ABREAST = 4
"""The most networks in one table; more continue in a further table."""

LONGEST_HEADING = 36
"""The most letters in the heading of a network with several arms."""


def sections(evidence: Evidence) -> Iterator[Section]:
    """Yield the section on the networks, if the evidence has their layers."""
    own = parameter_tables(evidence.networks)
    printed = printed_layer_tables(evidence.record.spec, evidence.papers, evidence.networks)
    yield Section("networks", "Networks", tables=(*own, *printed))


def layer_tables(record: StudyRecord) -> dict[str, pd.DataFrame]:
    """Return the layer table of every trained arm's network, by arm, from the record's study alone; those that only
    the record describes as it does, if it does."""
    spec = record.spec
    tables = {}
    recorded = record.environment.get("code", {}).get("networks", {})
    for arm in spec.trained_arms:
        settings = spec.settings(arm)
        if spec.is_described_by_record(arm):
            # No code of a user runs for a report.
            if arm.name in recorded:
                tables[arm.name] = pd.DataFrame(recorded[arm.name], columns=list(COLUMNS))
            continue
        inputs = spec.inputs(arm)
        shape = set_shape(inputs, spec.features)
        rows = plane_rows(inputs, spec.features) if inputs.layout == Layout.SEGMENTS else None
        network = NamedNetwork(settings.model_name, settings.model, shape, len(record.classes), rows)
        tables[arm.name] = layer_table(network)
    return tables


def parameter_tables(networks: Mapping[str, pd.DataFrame]) -> list[Table]:
    """Return the networks' layers with weights and activations; arms of equal networks share their columns.

    Arms with names longer than :data:`LONGEST_HEADING` are headed by the first of them, and the caption names all.
    Networks that share layers are next to each other, as in the paper; networks of another family, and more than
    :data:`NETWORKS_ABREAST`, continue in further tables. ``networks`` is that of
    :class:`~harness.report.evidence.Evidence`.
    """
    pages: list[list[tuple[list[str], pd.DataFrame]]] = []
    for arms, table in _distinct(networks):
        home = next((page for page in pages if len(page) < NETWORKS_ABREAST and _related(page[0][1], table)), None)
        if home is None:
            pages.append([(arms, table)])
        else:
            home.append((arms, table))
    return [_page(number, page) for number, page in enumerate(pages)]


def _distinct(tables: Mapping[str, pd.DataFrame]) -> list[tuple[list[str], pd.DataFrame]]:
    """Return the distinct networks, each with all its arms."""
    found: list[tuple[list[str], pd.DataFrame]] = []
    for arm, table in tables.items():
        plain = table.reset_index(drop=True)
        same = next((names for names, known in found if known.equals(plain)), None)
        if same is None:
            found.append(([arm], plain))
        else:
            same.append(arm)
    return found


def _heading(arms: Sequence[str]) -> str:
    names = ", ".join(arms)
    return names if len(arms) == 1 or len(names) <= LONGEST_HEADING else f"{arms[0]} and {len(arms) - 1} more"


def _related(first: pd.DataFrame, second: pd.DataFrame) -> bool:
    shared = set(first["layer"]) & set(second["layer"])
    return 2 * len(shared) >= min(len(first), len(second))


def _page(number: int, networks: list[tuple[list[str], pd.DataFrame]]) -> Table:
    layers = _merge([table["layer"].tolist() for _, table in networks])
    columns: dict[tuple[str, str], list[str]] = {("", "Layer"): [*layers, "Total"]}
    data = pd.DataFrame({"layer": [*layers, "total"]})
    for arms, table in networks:
        heading, name = _heading(arms), ", ".join(arms)
        # A layer that an item passes twice is listed twice; the two are distinguished by their position.
        own = table.assign(layer=_numbered(table["layer"].tolist())).set_index("layer").reindex(layers)
        if len(networks) == 1:
            columns[heading, "Output"] = [*own["output"].astype(str).str.replace(" x ", " × "), ""]
        for quantity in ("weights", "activations"):
            values = own[quantity].astype(float)
            columns[heading, quantity.capitalize()] = [*map(short_count, values), short_count(values.sum())]
            data[f"{name}: {quantity}"] = pd.array([*values, values.sum()], dtype="Int64")
        data[f"{name}: output"] = [*own["output"], None]
    caption = (
        "Layers of the networks, counted in the networks as built: weights without biases and batch normalisation, "
        "activations of one item before any pool."
    )
    unnamed = [f"{_heading(arms)}: {', '.join(arms)}." for arms, _ in networks if _heading(arms) != ", ".join(arms)]
    return Table(
        name=numbered("parameters", number),
        title="Weights and activations",
        caption=" ".join([caption, *unnamed]),
        printed=pd.DataFrame(columns),
        data=data,
        rules=(len(layers),),
    )


def _merge(lists: Sequence[Sequence[str]]) -> list[str]:
    """Return every layer once, in the order of each list: a layer new to the result comes before the next known one."""
    merged: list[str] = []
    for names in map(_numbered, lists):
        position = 0
        for name in names:
            if name in merged:
                position = max(position, merged.index(name) + 1)
            else:
                merged.insert(position, name)
                position += 1
    return merged


def _numbered(names: Sequence[str]) -> list[str]:
    """Return names made unique: the second ``conv`` becomes ``conv (2)``."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique


def short_count(count: float | None) -> str:
    """Return a count as the paper prints it: ``288``, ``9.2 K``, ``15.9 M``."""
    if count is None or pd.isna(count):
        return wording.NOTHING
    for unit, size in (("M", 1e6), ("K", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return str(int(count))


def printed_layer_tables(
    spec: StudySpec, papers: Mapping[str, Paper], networks: Mapping[str, pd.DataFrame]
) -> Iterator[Table]:
    """Yield the study's networks compared with a paper's own table of layers, in the order of computation.

    There is one table per printed network that the study also has: the same model on an input of the same shape.

    Parameters
    ----------
    spec
        The study.
    papers
        Papers that the study is compared with, by key.
    networks
        Layer tables by arm, as :func:`layer_tables` returns them.
    """
    number = 0
    for paper in papers.values() if networks else ():
        for printed in paper.layer_tables:
            for network in printed.networks:
                shape = set_shape(feature_set(network.features), spec.features)
                if arms := list(_arms_of(spec, network, shape, networks)):
                    counted = _with_input(networks[arms[0]], math.prod(shape)) if network.input else networks[arms[0]]
                    yield _printed_table(number, paper, printed, network, arms, counted)
                    number += 1


def _with_input(layers: pd.DataFrame, size: int) -> pd.DataFrame:
    return pd.concat([pd.DataFrame({"layer": [INPUT], "weights": [0], "activations": [size]}), layers])


def _arms_of(
    spec: StudySpec, network: LayerColumn, shape: tuple[int, ...], networks: Mapping[str, pd.DataFrame]
) -> Iterator[str]:
    """Yield the arms with the printed model whose input has the ``shape`` of the printed one."""
    for arm in spec.trained_arms:
        same = arm.name in networks and arm.model == network.model and not spec.is_described_by_record(arm)
        if same and set_shape(spec.inputs(arm), spec.features) == shape:
            yield arm.name


def _printed_table(
    number: int,
    paper: Paper,
    printed: LayerTable,
    network: LayerColumn,
    arms: Sequence[str],
    measured: pd.DataFrame,
) -> Table:
    names = measured["layer"].tolist()
    rows: list[LayerRow | None] = list(network.rows[: len(names)])
    rows += [None] * (len(names) - len(rows)) + [network.total]
    layers = [*names, "Total"]
    cells: dict[tuple[str, str], list[str]] = {("", "Layer"): layers}
    data: dict[str, list[object]] = {"layer": [*names, "total"]}
    apart = 0
    for quantity in ("weights", "activations"):
        counts = measured[quantity].astype(int).tolist()
        counts.append(sum(count for name, count in zip(names, counts, strict=True) if name != INPUT))
        texts = [None if row is None else getattr(row, quantity) for row in rows]
        agree = [_agrees(count, text) for count, text in zip(counts, texts, strict=True)]
        apart += agree.count("no")
        cells[quantity.capitalize(), "here"] = [f"{count:,}" for count in counts]
        cells[quantity.capitalize(), "printed"] = [text or wording.NOTHING for text in texts]
        cells[quantity.capitalize(), "agree"] = agree
        data |= {f"{quantity}: here": [*counts], f"{quantity}: printed": [*texts], f"{quantity}: agree": [*agree]}
    verdict = "all printed counts agree" if not apart else f"{apart} printed count{'s' if apart > 1 else ''} differ"
    caption = (
        f"{', '.join(arms)}: counted in the network as built, compared with {printed.where} of {paper.source.key} "
        f"({network.name}); {verdict}. A count agrees when it is less than one unit of the last printed digit away. "
        "Weights without biases and batch normalisation, activations of one item before any pool; totals "
        "without the input."
    )
    return Table(
        name=numbered("printed-layers", number),
        title="Networks compared with the printed table of layers",
        caption=caption,
        printed=pd.DataFrame(cells),
        data=pd.DataFrame(data),
        rules=(len(names),),
    )


def _agrees(count: int, text: str | None) -> str:
    if text is None:
        return wording.NOTHING
    printed = Printed.parse(text)
    return "yes" if abs(count - printed.value) < printed.step else "no"
