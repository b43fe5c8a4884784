"""The parameter table in the shape of Su et al. 2019, table 1: layers in rows, weights and activations per network.

Numbers are counted in the networks themselves, built as in the study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from harness.features.sets import plane_rows, set_shape
from harness.models.build import build_model
from harness.models.describe import describe_model
from harness.record import StudyRecord
from harness.registry import Layout
from harness.report import wording
from harness.report.table import Table

NETWORKS_ABREAST = 4
"""The most networks in one table; more continue in a further table."""

LONGEST_HEADING = 36
"""The most letters in the heading of a network with several arms."""


def parameter_tables(record: StudyRecord) -> dict[str, pd.DataFrame]:
    """Return the layer table of every trained arm's network, by arm, from the record's study alone."""
    spec = record.spec
    tables = {}
    for arm in spec.trained_arms:
        settings = spec.settings(arm)
        inputs = settings.inputs
        shape = set_shape(inputs, spec.features)
        rows = plane_rows(inputs, spec.features) if inputs.layout == Layout.SEGMENTS else None
        model = build_model(settings.model_name, settings.model, shape, len(record.classes), rows)
        tables[arm.name] = describe_model(model, shape)
    return tables


def parameter_table_pages(tables: Mapping[str, pd.DataFrame], marks: Sequence[str]) -> list[Table]:
    """Return the networks' layers with weights and activations; arms of equal networks share their columns.

    Arms with names longer than :data:`LONGEST_HEADING` are headed by the first of them, and the caption names all.
    Networks that share layers are next to each other, as in the paper; networks of another family, and more than
    :data:`NETWORKS_ABREAST`, continue in further tables. ``tables`` holds, by arm, the columns ``layer``, ``output``,
    ``weights`` and ``activations``.
    """
    pages: list[list[tuple[list[str], pd.DataFrame]]] = []
    for arms, table in _distinct(tables):
        home = next((page for page in pages if len(page) < NETWORKS_ABREAST and _related(page[0][1], table)), None)
        if home is None:
            pages.append([(arms, table)])
        else:
            home.append((arms, table))
    return [_page(number, page, marks) for number, page in enumerate(pages)]


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


def _page(number: int, networks: list[tuple[list[str], pd.DataFrame]], marks: Sequence[str]) -> Table:
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
        "Layers of the networks, counted in the networks themselves: weights without biases and batch normalisation, "
        "activations of one item before any pool."
    )
    unnamed = [f"{_heading(arms)}: {', '.join(arms)}." for arms, _ in networks if _heading(arms) != ", ".join(arms)]
    return Table(
        name="parameters" if number == 0 else f"parameters-{number + 1}",
        title="Weights and activations",
        caption=wording.with_marks(" ".join([caption, *unnamed]), marks),
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
