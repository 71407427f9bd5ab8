"""Copies all rows of a ledger from one database to another, and compares them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, String, Table, func, insert, select
from sqlmodel import SQLModel

import storage.models  # noqa: F401  # fills the metadata

BATCH = 1000

TABLES = [table for table in SQLModel.metadata.sorted_tables if table.name != "host_anchor"]
"""In order of foreign keys. Without the clock anchor of a SQLite ledger, which belongs to its host."""


def count(connection: Connection) -> int:
    """The number of rows in all tables."""
    return sum(connection.execute(select(func.count()).select_from(one)).scalar_one() for one in TABLES)


def copy(here: Connection, there: Connection, *, on_rows: Callable[[int], None]) -> None:
    """Copy every row to an empty ledger; calls *on_rows* with the size of each batch."""
    for table in TABLES:
        for rows in _batches(here, table):
            there.execute(insert(table), [dict(row._mapping) for row in rows])  # noqa: SLF001  # its public name
            on_rows(len(rows))
    if there.dialect.name == "postgresql":
        _set_sequences(there)


def differing(here: Connection, there: Connection, *, on_rows: Callable[[int], None]) -> str | None:
    """The first table whose rows differ between both, compared value by value. None: none differs."""
    for table in TABLES:
        others = _batches(there, table)
        for rows in _batches(here, table):
            if next(others, None) != rows:
                return str(table.name)
            on_rows(len(rows))
        if next(others, None) is not None:
            return str(table.name)
    return None


def _batches(connection: Connection, table: Table) -> Iterator[Sequence[Row[Any]]]:
    order = [_bytewise(column, connection.dialect.name) for column in table.primary_key]
    with connection.execute(select(table).order_by(*order), execution_options={"yield_per": BATCH}) as found:
        yield from found.partitions()


def _bytewise(column: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """A sort order common to both databases: SQLite compares bytes, PostgreSQL by its locale."""
    return column.collate("C") if dialect == "postgresql" and isinstance(column.type, String) else column


def _set_sequences(there: Connection) -> None:
    """Set sequences to the highest key: inserting rows with explicit keys does not advance them."""
    for table in TABLES:
        if (key := table.autoincrement_column) is not None:
            sequence = func.pg_get_serial_sequence(table.name, key.name)
            there.execute(select(func.setval(sequence, func.max(key))))
