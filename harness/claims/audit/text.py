"""Comparison of the numbers in a paper's text with its tables, the planes and the networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial

from harness.claims.audit.finding import Finding
from harness.claims.audit.layer_tables import prints_as
from harness.claims.paper import AccuracyTable, Column, LayerTable, Paper, Statement
from harness.claims.printed import Printed
from harness.registry import NETWORKS, code, feature_set


def check_text(paper: Paper) -> list[Finding]:
    """Return one finding per statement; two plane heights that are exchanged share one."""
    findings: list[Finding] = []
    rows = {one.subject: one for one in paper.statements if one.about == "plane rows"}
    for statement in paper.statements:
        if statement.about == "plane rows":
            partner = _exchanged(statement, rows)
            if partner is None:
                findings.append(_plane_finding(statement))
            elif statement.subject < partner.subject:
                findings.append(_exchange_finding(statement, partner))
        else:
            findings.append(_CHECKS[statement.about](statement, paper))
    return findings


def same_number(first: Printed, second: Printed) -> bool:
    """Return whether one number is the other, printed with the same number of digits or fewer."""
    return abs(first.value - second.value) <= max(first.step, second.step) / 2


def _class_finding(statement: Statement, paper: Paper) -> Finding:
    place = statement.subject
    table_id, column_name, class_name = place.split("/")
    table = next(one for one in paper.tables if one.id == table_id)
    column = next(one for one in table.columns if one.name == column_name)
    cells = dict(zip(table.classes, map(Printed.parse, column.classes), strict=True))
    stated, cell = Printed.parse(statement.value), cells[class_name]
    if statement.relation != "equal":
        return _bound_finding(statement, table_id, class_name, cell)
    holders = [name for name, other in cells.items() if same_number(stated, other)]
    numbers = {"stated": float(stated.value), "table": float(cell.value), "printed_for": holders}
    if class_name in holders:
        sentence = f"{_where(statement)} gives {statement.value} for {class_name}, as {table_id} does."
        return Finding("text", place, "holds", sentence, numbers)
    where = f"{statement.value} is printed for {', '.join(holders)}" if holders else "no class of the column has it"
    given = f"{_where(statement)} gives {statement.value} for {class_name}, where {table_id} prints {cell.text}"
    sentence = f"{given}; {where}."
    return Finding("text", place, "contradicts", sentence, numbers)


def _bound_finding(statement: Statement, table_id: str, class_name: str, cell: Printed) -> Finding:
    bound = Printed.parse(statement.value).value
    holds = cell.value < bound if statement.relation == "below" else cell.value > bound
    numbers = {"stated": f"{statement.relation} {statement.value}", "table": float(cell.value)}
    said = f"{_where(statement)} has {class_name} {statement.relation} {statement.value}"
    if holds:
        return Finding("text", statement.subject, "holds", f"{said}, as {table_id} does ({cell.text}).", numbers)
    return Finding("text", statement.subject, "contradicts", f"{said}, where {table_id} prints {cell.text}.", numbers)


def _difference_finding(statement: Statement, paper: Paper) -> Finding:
    """Find the cells that differ by the stated number, and how the paper cites the one that is subtracted."""
    stated = Printed.parse(statement.value)
    tables = {table.id: table for table in paper.tables}
    higher, lower = tables[statement.subject], tables[statement.minus]
    pairs = [
        (f"{higher.id}/{own.name} {own.value}", f"{lower.id}/{other.name} {other.value}", other.reference)
        for own in higher.columns
        for other in lower.columns
        if abs(_points(higher, own) - _points(lower, other) - stated.value) <= stated.step / 2
    ]
    cited = [reference for _, _, reference in pairs if reference]
    over = f" over {statement.reference}" if statement.reference else ""
    lead = f"{_where(statement)} gives {statement.value} points{over}"
    place = f"{statement.subject} - {statement.minus}"
    numbers = {"stated": float(stated.value), "over": statement.reference, "cells": [list(pair) for pair in pairs]}
    if not pairs:
        sentence = f"{lead}; no accuracy of {higher.id} is that far above one of {lower.id}."
        return Finding("text", place, "contradicts", sentence, numbers)
    told = " and ".join(
        f"{own} against {other}{f', which is {reference}' if reference else ''}" for own, other, reference in pairs
    )
    if not statement.reference or statement.reference in cited:
        return Finding("text", place, "holds", f"{lead}, as the tables do: {told}.", numbers)
    if len(cited) < len(pairs):
        return Finding("text", place, "shows", f"{lead}; in the tables that is {told}.", numbers)
    return Finding("text", place, "contradicts", f"{lead}, but in the tables that is {told}.", numbers)


def _points(table: AccuracyTable, column: Column) -> Decimal:
    return Printed.parse(column.value).value * (1 if table.unit == "percent" else 100)


def _stride_finding(statement: Statement, paper: Paper) -> Finding:
    place, stated = statement.subject, Printed.parse(statement.value).value
    table = next(one for one in paper.layer_tables if one.id == place)
    if stated < 1 or stated != int(stated):
        return _not_checked(place, f"{statement.value} is no stride")
    printed = _fc_weights(table)
    if not printed:
        return _not_checked(
            place, f"{place} prints no weights of the layer after the last convolution of a known network"
        )
    counts = {stride: {name: layer(stride)[1] for name, (_, layer) in printed.items()} for stride in (1, int(stated))}
    agree = [
        stride
        for stride, found in counts.items()
        if all(prints_as(found[name], text) for name, (text, _) in printed.items())
    ]
    first = next(iter(printed))
    told = "; ".join(f"stride {stride} makes them {found[first]:,}" for stride, found in counts.items())
    where = f"{place} prints {printed[first][0]} weights for the first fully connected layer of {first}: {told}"
    numbers = {
        "stated": int(stated),
        "agrees": agree,
        "printed": {name: text for name, (text, _) in printed.items()},
        "weights": {f"stride {stride}": found for stride, found in counts.items()},
    }
    lead = f"{_where(statement)} gives every convolution stride {statement.value}"
    if stated in agree:
        return Finding("text", place, "holds", f"{lead}, and {place} follows from it; {where}.", numbers)
    return Finding("text", place, "contradicts", f"{lead}, which {place} excludes; {where}.", numbers)


def _fc_weights(table: LayerTable) -> Mapping[str, tuple[str, Callable[[int], tuple[int, int]]]]:
    """Return, by network, the printed weights of the first fully connected layer, and the function that returns the
    number of layers before it and its weights for a stride."""
    found: dict[str, tuple[str, Callable[[int], tuple[int, int]]]] = {}
    for column in table.networks:
        network = NETWORKS.get(column.model)
        if network.first_fc:
            layer = partial(code(network.first_fc), size=_size(column.features), **dict(network.arguments))
            before, _ = layer(1)
            if len(column.layers) > before and (text := column.layers[before].weights):
                found[column.name] = (text, layer)
    return found


def _size(features: str) -> tuple[int, int]:
    from harness.features.sets import set_shape
    from harness.study import FeaturesSection

    _, rows, columns = set_shape(feature_set(features), FeaturesSection())
    return rows, columns


def _plane_finding(statement: Statement) -> Finding:
    rows = _rows(statement.subject)
    agrees = Printed.parse(statement.value).value == rows
    sentence = f"{_where(statement)} gives {statement.subject} {statement.value} rows; the plane has {rows}."
    numbers = {"stated": float(Printed.parse(statement.value).value), "plane": rows}
    return Finding("text", statement.subject, "holds" if agrees else "contradicts", sentence, numbers)


def _exchanged(statement: Statement, rows: Mapping[str, Statement]) -> Statement | None:
    """Return the statement with which this one has exchanged its plane's number of rows."""
    stated, own = Printed.parse(statement.value).value, _rows(statement.subject)
    for other in rows.values():
        theirs = _rows(other.subject)
        if theirs != own and stated == theirs and Printed.parse(other.value).value == own:
            return other
    return None


def _exchange_finding(first: Statement, second: Statement) -> Finding:
    given = f"{_where(first)} gives {first.subject} {first.value} rows and {second.subject} {second.value}"
    sentence = f"{given}; the planes have {_rows(first.subject)} and {_rows(second.subject)}: the two are exchanged."
    stated = {one.subject: float(Printed.parse(one.value).value) for one in (first, second)}
    planes = {one.subject: _rows(one.subject) for one in (first, second)}
    place = f"{first.subject}, {second.subject}"
    return Finding("text", place, "contradicts", sentence, {"stated": stated, "planes": planes})


def _rows(plane: str) -> int:
    from harness.features.sets import plane_rows
    from harness.study import FeaturesSection

    rows = plane_rows(feature_set(plane), FeaturesSection())[plane]
    return len(range(rows.start, rows.stop))


def _where(statement: Statement) -> str:
    return f"{statement.where[0].upper()}{statement.where[1:]}"


def _not_checked(place: str, reason: str) -> Finding:
    return Finding("text", place, "cannot be checked", f"Not checked: {reason}.")


_CHECKS: dict[str, Callable[[Statement, Paper], Finding]] = {
    "class accuracy": _class_finding,
    "difference": _difference_finding,
    "convolution stride": _stride_finding,
}
