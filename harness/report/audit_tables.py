"""The tables of an audit as tables of a report."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from harness.claims.audit.finding import Audit
from harness.claims.audit.tables import NOTHING, AuditTable, audit_tables
from harness.report.report_section import Table


def tables_of(audit: Audit) -> Iterator[Table]:
    """Yield the tables of an audit; see :func:`harness.claims.audit.audit_tables`."""
    key = audit.source.key
    for table in audit_tables(audit):
        frame = pd.DataFrame(table.printed, dtype=object)
        yield Table(
            name=f"audit-{key}-{table.name}",
            title=f"{table.title} ({key})",
            caption=f"{key}: {table.caption}",
            printed=frame.loc[:, [column for column in frame if any(frame[column] != NOTHING)]],
            data=pd.DataFrame(table.data),
            text_columns=table.words,
            rules=_between_tables(table),
        )


def _between_tables(table: AuditTable) -> tuple[int, ...]:
    """Return the rows at which another table of the paper begins; none if every row is of another one."""
    first = [next(iter(row.values())).partition("/")[0] for row in table.printed]
    rules = tuple(row for row in range(1, len(first)) if first[row] != first[row - 1])
    return () if len(rules) == len(first) - 1 else rules
