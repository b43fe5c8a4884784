"""The study's networks compared with a paper's own table of layers, layer by layer in the order of computation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from harness.claims import Paper, Printed
from harness.claims.paper import INPUT, LayerColumn, LayerRow, LayerTable
from harness.features.sets import set_shape
from harness.record import StudyRecord
from harness.registry import feature_set
from harness.report import wording
from harness.report.table import Table
from harness.study import StudySpec


def printed_layer_tables(
    record: StudyRecord, papers: Mapping[str, Paper], networks: Mapping[str, pd.DataFrame], marks: Sequence[str]
) -> list[Table]:
    """Return one table per printed network that the study also has: the same model on an input of the same shape.

    Parameters
    ----------
    record
        Record of the study.
    papers
        Papers that the study is compared with, by key.
    networks
        Layer tables by arm, as :func:`~harness.report.parameters.parameter_tables` returns them.
    marks
        Sentences that every caption carries, from :func:`harness.report.wording.marks`.
    """
    if not networks or not any(paper.layer_tables for paper in papers.values()):
        return []
    spec = record.spec
    tables: list[Table] = []
    for paper in papers.values():
        for printed in paper.layer_tables:
            for network in printed.networks:
                shape = set_shape(feature_set(network.features), spec.features)
                arms = list(_arms_of(spec, network, shape, networks))
                if arms:
                    counted = _with_input(networks[arms[0]], math.prod(shape)) if network.input else networks[arms[0]]
                    tables.append(_table(len(tables), paper, printed, network, arms, counted, marks))
    return tables


def _with_input(layers: pd.DataFrame, size: int) -> pd.DataFrame:
    return pd.concat([pd.DataFrame({"layer": [INPUT], "weights": [0], "activations": [size]}), layers])


def _arms_of(
    spec: StudySpec, network: LayerColumn, shape: tuple[int, ...], networks: Mapping[str, pd.DataFrame]
) -> Iterator[str]:
    """Yield the arms with the printed model whose input has the ``shape`` of the printed one."""
    for arm in spec.trained_arms:
        settings = spec.settings(arm)
        if arm.name in networks and arm.model == network.model and set_shape(settings.inputs, spec.features) == shape:
            yield arm.name


def _table(
    number: int,
    paper: Paper,
    printed: LayerTable,
    network: LayerColumn,
    arms: Sequence[str],
    measured: pd.DataFrame,
    marks: Sequence[str],
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
        f"{', '.join(arms)}: counted in the network itself beside {printed.where} of {paper.source.key} "
        f"({network.name}); {verdict}. A count agrees when it is less than one unit of the last printed digit away. "
        "Weights without biases and batch normalisation, activations of one item before any pool; totals "
        "without the input."
    )
    return Table(
        name="printed-layers" if number == 0 else f"printed-layers-{number + 1}",
        title="Networks beside the printed table of layers",
        caption=wording.with_marks(caption, marks),
        printed=pd.DataFrame(cells),
        data=pd.DataFrame(data),
        rules=(len(names),),
    )


def _agrees(count: int, text: str | None) -> str:
    if text is None:
        return wording.NOTHING
    printed = Printed.parse(text)
    return "yes" if abs(count - printed.value) < printed.step else "no"
