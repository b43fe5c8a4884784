"""Comparison of a paper's table of layers with itself and with the networks: entries recomputed, columns summed.

Layers are matched by their order. A paper's count agrees with the network's where the latter prints as the former,
rounded or truncated; activations are those of the convolution itself, before any pool. A total may be the sum of its
column as printed or as the network counts it, with the row of the input or without it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from harness.claims.audit.finding import Finding
from harness.claims.audit.interval import Interval
from harness.claims.paper import INPUT, LayerColumn, LayerRow, LayerTable, Paper
from harness.claims.printed import Printed
from harness.registry import Layout, feature_set

QUANTITIES = ("weights", "activations")


@dataclass(frozen=True)
class Layer:
    """One layer of a built network: its counts, and its activations were it followed by a 2 x 2 pool that rounds up."""

    name: str
    weights: int
    activations: int
    pooled: int | None

    def count(self, quantity: str) -> int:
        """Return its weights or its activations."""
        return self.weights if quantity == "weights" else self.activations


def network_layers(column: LayerColumn, n_classes: int) -> list[Layer]:
    """Return the layers of the network that ``column`` names, in the order in which an item passes through them.

    The network is built with the paper's features and the default choices of a study.
    """
    from harness.features.sets import plane_rows, set_shape
    from harness.models.layers import NamedNetwork, layer_table
    from harness.study import FeaturesSection, ModelSection

    inputs, params = feature_set(column.features), FeaturesSection()
    shape = set_shape(inputs, params)
    rows = plane_rows(inputs, params) if inputs.layout is Layout.SEGMENTS else None
    layers = []
    for row in layer_table(NamedNetwork(column.model, ModelSection(), shape, n_classes, rows)).itertuples():
        size = [int(part) for part in str(row.output).split(" x ")]
        pooled = size[0] * -(-size[1] // 2) * -(-size[2] // 2) if len(size) == 3 else None
        layers.append(Layer(str(row.layer), int(str(row.weights)), int(str(row.activations)), pooled))
    return layers


def _input(column: LayerColumn) -> Layer:
    from harness.features.sets import set_shape
    from harness.study import FeaturesSection

    return Layer(INPUT, 0, math.prod(set_shape(feature_set(column.features), FeaturesSection())), None)


def classes_of(paper: Paper) -> int | None:
    """Return the number of classes of the networks of ``paper``: that of its first own table of accuracies."""
    tables = sorted(paper.tables, key=lambda table: table.role == "reference")
    return tables[0].description.n_classes or None if tables else None


def check_layers(paper: Paper) -> list[Finding]:
    """Return findings per network and quantity: entries compared with the network, their sum with the printed total."""
    n_classes = classes_of(paper)
    return [
        finding
        for table in paper.layer_tables
        for column in table.networks
        for finding in _network_findings(table, column, n_classes)
    ]


def _network_findings(table: LayerTable, column: LayerColumn, n_classes: int | None) -> Iterator[Finding]:
    place = f"{table.id}/{column.name}"
    if n_classes is None:
        yield _not_checked(place, "the number of classes is not known, since the paper has no table of accuracies")
        return
    layers = network_layers(column, n_classes)
    if len(layers) != len(column.layers):
        yield _not_checked(
            place,
            f"{len(column.layers)} layers are printed and {column.model} has {len(layers)}, so they cannot be matched",
        )
        return
    layers = [_input(column), *layers] if column.input else layers
    for quantity in QUANTITIES:
        entries = [
            _Entry(row.layer, _text(row, quantity), layer, quantity)
            for row, layer in zip(column.rows, layers, strict=True)
        ]
        yield from _entry_findings(f"{place}/{quantity}", column.model, [one for one in entries if one.text])
        total = _text(column.total, quantity) if column.total else ""
        if total:
            yield _sum_finding(f"{place}/{quantity}", total, entries)


@dataclass(frozen=True)
class _Entry:
    """One cell of the table, as printed (empty where nothing is), and the layer of the network."""

    name: str
    text: str
    layer: Layer
    quantity: str

    @property
    def exact(self) -> int:
        return self.layer.count(self.quantity)

    @property
    def state(self) -> str:
        """agrees, after the pool, or differs."""
        if prints_as(self.exact, self.text):
            return "agrees"
        pooled = self.layer.pooled if self.quantity == "activations" else None
        return "after the pool" if pooled is not None and prints_as(pooled, self.text) else "differs"

    @property
    def printed(self) -> Fraction:
        """The number as printed; what the network counts where none is."""
        return Fraction(Printed.parse(self.text).value) if self.text else Fraction(self.exact)

    @property
    def counted(self) -> Fraction:
        """What the network counts, in the way in which the cell was counted; the number as printed where it differs."""
        if self.text and self.state == "after the pool":
            return Fraction(self.layer.pooled or 0)
        return self.printed if self.text and self.state == "differs" else Fraction(self.exact)

    @property
    def rounding(self) -> Fraction:
        """How far the number may have been rounded, where it is not known from the network."""
        return Fraction(Printed.parse(self.text).step) / 2 if self.text and self.state == "differs" else Fraction(0)


def _entry_findings(place: str, model: str, entries: Sequence[_Entry]) -> Iterator[Finding]:
    right = [one for one in entries if one.state == "agrees"]
    # Sizes after the pool are also a valid count; they are inconsistent only in a table with sizes before it.
    before = [one for one in right if one.layer.pooled is not None]
    after = [one for one in entries if one.state == "after the pool" and before]
    if right:
        cut_off = [
            f"{one.text} of {one.name} is {one.exact:,} truncated, not rounded"
            for one in right
            if not _rounds_to(one.exact, one.text)
        ]
        agree = f"{len(right)} of {len(entries)} printed {right[0].quantity} are those of the network {model}"
        numbers = {"entries": len(entries), "agree": len(right)}
        yield Finding("layers", place, "holds", f"{'; '.join([agree, *cut_off])}.", numbers)
    if after:
        sizes = dict.fromkeys(f"{one.text} is {one.layer.pooled:,}, before it {one.exact:,}" for one in after)
        yield Finding(
            "layers",
            place,
            "contradicts",
            f"The activations of {' and '.join(one.name for one in after)} are sizes after the pool "
            f"({'; '.join(sizes)}); the other {len(before)} are sizes before it.",
            {
                "layers": [one.name for one in after],
                "printed": [one.text for one in after],
                "before_pool": [one.exact for one in after],
                "after_pool": [one.layer.pooled for one in after],
            },
        )
    for one in entries:
        if one not in right and one not in after:
            yield Finding(
                "layers",
                f"{place}/{one.name}",
                "contradicts",
                f"{one.text} {one.quantity} of {one.name} are printed; the network {model} has {one.exact:,}.",
                {"printed": one.text, "network": one.exact},
            )


def _sum_finding(place: str, total: str, entries: Sequence[_Entry]) -> Finding:
    quantity, own = entries[0].quantity, [one for one in entries if one.name != INPUT]
    sums = {"": own}
    if any(one.name == INPUT and one.text for one in entries):
        sums = {" without the input": own, " with it": list(entries)}
    agree = [name for name, summed in sums.items() if _adds_up(summed, total)]
    told = " and to ".join(f"{_told(summed)}{name}" for name, summed in sums.items())
    sentence = f"The {quantity} add up to {told}"
    absent = {one.name: one.exact for one in own if not one.text}
    if absent:
        names = " and ".join(f"{count:,} of {name}" for name, count in absent.items())
        sentence += f", {names}, which the table does not print, taken from the network"
    if agree:
        verdict = f", which is the sum{agree[0]}" if agree[0] else ""
    else:
        verdict = ", which is neither" if len(sums) > 1 else ", which is not their sum"
    numbers = {
        "printed": total,
        "sum": float(sum(one.printed for one in own)),
        "counted": float(sum(one.counted for one in own)),
        "sum_with_input": float(sum(one.printed for one in entries)) if len(sums) > 1 else None,
        "from_network": absent,
    }
    sentence += f"; the printed total is {total}{verdict}."
    return Finding("layers", place, "holds" if agree else "contradicts", sentence, numbers)


def _adds_up(entries: Sequence[_Entry], total: str) -> bool:
    """Return whether ``total`` is the sum of the entries as printed or as counted, rounded or truncated."""
    sums = [_sum(one.printed for one in entries), _sum(one.counted for one in entries)]
    slack, printed = _sum(one.rounding for one in entries), Printed.parse(total)
    whole = Interval(min(sums) - slack, max(sums) + slack)
    return whole.meets(Interval(Fraction(printed.low), Fraction(printed.value + printed.step)))


def _sum(numbers: Iterable[Fraction]) -> Fraction:
    return sum(numbers, Fraction())


def _told(entries: Sequence[_Entry]) -> str:
    printed, counted = (
        float(_sum(numbers)) for numbers in zip(*((e.printed, e.counted) for e in entries), strict=True)
    )
    return f"{printed:,.0f}" if printed == counted else f"{printed:,.0f} as printed ({counted:,.0f} as counted)"


def _not_checked(place: str, reason: str) -> Finding:
    return Finding("layers", place, "cannot be checked", f"Not checked: {reason}.")


def _text(row: LayerRow, quantity: str) -> str:
    return (row.weights if quantity == "weights" else row.activations) or ""


def prints_as(count: int, text: str) -> bool:
    """Return whether ``count`` prints as ``text``, rounded or truncated."""
    printed = Printed.parse(text)
    return _rounds_to(count, text) or printed.value <= count < printed.value + printed.step


def _rounds_to(count: int, text: str) -> bool:
    printed = Printed.parse(text)
    return printed.low <= count <= printed.high
