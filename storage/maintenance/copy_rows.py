"""Every row of a ledger, from one database to another, and whether both hold the same."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, String, Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

import storage.models  # noqa: F401  # fills the metadata

BATCH = 1000

TABLES = [table for table in SQLModel.metadata.sorted_tables if table.name != "host_anchor"]
"""A table comes after those that it refers to. The clock of a SQLite ledger is its host's, and stays behind."""


async def count(connection: AsyncConnection) -> int:
    """How many rows there are."""
    return sum([(await connection.execute(select(func.count()).select_from(one))).scalar_one() for one in TABLES])


async def copy(here: AsyncConnection, there: AsyncConnection, *, on_rows: Callable[[int], None]) -> None:
    """Copy every row to a ledger that has none; *on_rows* is told of each batch."""
    for table in TABLES:
        async for rows in _batches(here, table):
            await there.execute(insert(table), [dict(row._mapping) for row in rows])  # noqa: SLF001  # its public name
            on_rows(len(rows))
    if there.dialect.name == "postgresql":
        await _go_on_counting(there)


async def differing(here: AsyncConnection, there: AsyncConnection, *, on_rows: Callable[[int], None]) -> str | None:
    """The first table whose rows are not the same in both, one by one and value by value. None: all are."""
    for table in TABLES:
        others = _batches(there, table)
        async for rows in _batches(here, table):
            if await anext(others, None) != rows:
                return str(table.name)
            on_rows(len(rows))
        if await anext(others, None) is not None:
            return str(table.name)
    return None


async def _batches(connection: AsyncConnection, table: Table) -> AsyncIterator[Sequence[Row[Any]]]:
    order = [_bytewise(column, connection.dialect.name) for column in table.primary_key]
    found = await connection.stream(select(table).order_by(*order), execution_options={"yield_per": BATCH})
    async for rows in found.partitions():
        yield rows


def _bytewise(column: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """An order that both databases have: SQLite compares bytes, PostgreSQL as its locale says."""
    return column.collate("C") if dialect == "postgresql" and isinstance(column.type, String) else column


async def _go_on_counting(there: AsyncConnection) -> None:
    """Rows that bring keys of their own leave a sequence where it was."""
    for table in TABLES:
        if (key := table.autoincrement_column) is not None:
            sequence = func.pg_get_serial_sequence(table.name, key.name)
            await there.execute(select(func.setval(sequence, func.max(key))))
