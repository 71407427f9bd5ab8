"""SQL that differs between SQLite and PostgreSQL: inserts with ON CONFLICT, and durations."""

from typing import Any

from sqlalchemy import ColumnElement, Float, cast, extract
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel, func

from storage.transaction import Transaction

INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}  # each has its own ON CONFLICT


def insert_ignore(tx: Transaction, table: type[SQLModel], key: tuple[str, ...], row: dict[str, Any]) -> bool:
    """Insert *row* unless a row with its *key* exists. True: inserted; of many concurrent calls one returns True."""
    insert = INSERT[tx.session.get_bind().dialect.name]
    statement = insert(table).values(**row).on_conflict_do_nothing(index_elements=key)
    inserted = tx.session.exec(statement, execution_options={"preserve_rowcount": True})
    return bool(inserted.rowcount == 1)


def sql_seconds(tx: Transaction, since: Any, until: Any) -> ColumnElement[float]:  # noqa: ANN401  # columns and literals
    """The seconds between two times; SQLite computes to the millisecond."""
    if tx.session.get_bind().dialect.name == "sqlite":
        return func.round((func.julianday(until) - func.julianday(since)) * 86400.0, 3)
    return cast(extract("epoch", until - since), Float)
